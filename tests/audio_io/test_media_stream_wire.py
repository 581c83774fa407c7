"""Media streams without sockets: order, gaps, marks, and anything at all as a message."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.core.errors import ProtocolError
from agent.core.events import Digit
from audio_io.media_stream.dialects import DIALECTS
from audio_io.media_stream.marks import Marks
from audio_io.media_stream.order import InOrder
from audio_io.media_stream.out import Outgoing
from audio_io.media_stream.wire import Begun, Coding, Gaps, Ignored, Marked, Sound, Stopped
from tests.support.provider import PROVIDERS

# --- order and gaps -----------------------------------------------------------------------------


def sound(chunk=None, at_ms=None, letter=b"a", count=160):
    return Sound(letter * count, chunk, at_ms)


def taken(gaps, sounds, sample_bytes=1):
    """What came of the messages: a letter for each, and a number for what was missing."""
    order = InOrder(gaps, 8000, sample_bytes)
    pieces = [piece for one in sounds for piece in order.take(one)]
    return [p if isinstance(p, int) else p[:1].decode() for p in pieces], order


def by_chunk(numbers):
    return taken(Gaps.CHUNK, [sound(n, letter=bytes([97 + n % 26])) for n in numbers])


def test_messages_in_their_order_pass_at_once():
    assert by_chunk([1, 2, 3])[0] == ["b", "c", "d"]


def test_messages_out_of_order_are_put_into_it():
    assert by_chunk([1, 3, 2, 5, 6, 4])[0] == ["b", "c", "d", "e", "f", "g"]


def test_a_message_that_comes_twice_is_heard_once():
    pieces, order = by_chunk([1, 2, 2, 1, 4, 4, 3])
    assert pieces == ["b", "c", "d", "e"]
    assert order.late == 3


def test_a_message_that_does_not_come_is_silence_after_four_others():
    pieces, order = by_chunk([1, 3, 4, 5, 6, 7, 2, 8])
    assert pieces == ["b", 160, "d", "e", "f", "g", "h", "i"]
    assert (order.missing, order.late) == (160, 1)


def test_a_stream_that_starts_its_numbers_anew_is_followed():
    pieces, order = by_chunk([1000, 1001, 1003, 1, 2])
    assert pieces == ["m", "n", "p", "b", "c"]
    assert order.missing == 0


def test_without_numbers_messages_pass():
    assert taken(Gaps.CHUNK, [sound()] * 2)[0] == ["a", "a"]
    assert taken(Gaps.TIME, [sound(chunk=5)] * 2)[0] == ["a", "a"]
    assert taken(Gaps.NOTHING, [sound(9, 900), sound(3, 100)])[0] == ["a", "a"]


def by_time(times):
    return taken(Gaps.TIME, [sound(at_ms=at) for at in times])


def test_times_without_a_gap_need_no_silence():
    assert by_time([66, 86, 106])[0] == ["a"] * 3
    assert by_time([66, 85, 107, 126])[0] == ["a"] * 4  # they are rounded


def test_a_gap_in_the_times_becomes_silence_of_its_length():
    pieces, order = by_time([0, 20, 100, 120])
    assert pieces == ["a", "a", 480, "a", "a"]
    assert order.missing == 480


def test_a_jump_of_the_providers_clock_is_no_gap():
    assert by_time([0, 20, 10**9, 10**9 + 20, 40, 60])[0] == ["a"] * 6


def test_an_hour_of_a_clock_that_drifts_by_50_ppm_makes_no_silence():
    times = [round(n * 20 * (1 + 50e-6)) for n in range(180_000)]
    assert by_time(times)[1].missing == 0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2**62)), max_size=60))
def test_whatever_the_numbers_are_little_silence_is_made_and_little_is_kept(numbers):
    for gaps in Gaps:
        order = InOrder(gaps, 8000, 1)
        for chunk, at_ms in numbers:
            made = sum(p for p in order.take(sound(chunk, at_ms)) if isinstance(p, int))
            assert made <= 40_000
            assert len(order._waiting) <= 4


# --- marks --------------------------------------------------------------------------------------


def sent(marks, frames):
    return [name for _ in range(frames) if (name := marks.sent(160))]


def test_a_mark_is_asked_for_every_100_ms():
    assert sent(Marks(8000), 20) == ["p1", "p2", "p3", "p4"]


def test_between_marks_the_clock_says_what_was_heard():
    marks = Marks(8000)
    sent(marks, 12)
    assert [marks.played(at) for at in (0, 300, 800, 900, 1900)] == [0, 300, 800, 800, 800]
    marks.returned("p1")
    assert [marks.played(at) for at in (0, 900, 1900)] == [800, 900, 1600]
    marks.returned("p2")
    assert [marks.played(at) for at in (0, 1700, 1920)] == [1600, 1700, 1920]


def test_a_mark_stands_for_those_before_it_and_unknown_ones_for_nothing():
    marks = Marks(8000)
    sent(marks, 20)
    marks.returned("p9")
    assert marks.played(3200) == 800
    marks.returned("p3")
    marks.returned("p1")
    assert marks.played(0) == 2400


def test_after_a_flush_old_marks_mean_nothing():
    marks = Marks(8000)
    sent(marks, 10)
    marks.flush(1600)
    assert marks.played(1600) == 1600
    assert sent(marks, 5) == ["p3"]
    marks.returned("p2")
    assert marks.played(1600) == 1600
    marks.returned("p3")
    assert marks.played(1600) == 2400


def test_a_mark_that_is_5_s_late_was_forgotten():
    marks = Marks(8000)
    sent(marks, 500)
    assert marks.played(40_000) == 800
    assert marks.played(41_000) == 1600
    assert marks.forgotten == 1


@given(st.lists(st.one_of(st.just("send"), st.just("flush"), st.integers(0, 30)), max_size=80))
def test_what_was_heard_never_goes_back_and_never_beyond_what_was_sent(steps):
    marks, handed, clock, before = Marks(8000), 0, 0, 0
    for step in steps:
        if step == "send":
            handed += 160
            marks.sent(160)
        elif step == "flush":
            clock = handed
            marks.flush(handed)
        else:
            clock = min(handed, clock + 100)
            marks.returned(f"p{step}")
        now = marks.played(clock)
        assert before <= now <= handed
        before = now


@mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_marks_are_kept_for_no_longer_than_they_may_come_back(dialect):
    """Nobody sends one back here; one dialect has none, and waits for none."""
    begun = dialect.implied or Begun("s", Coding.MULAW, 8000)
    out, frame = Outgoing(dialect, begun), np.zeros(begun.rate // 50, np.float32)
    for n in range(50 * 60):
        out.put(frame, n * 0.02)
        out.played(n * 0.02)
        while len(out):
            out.next()
    assert len(out._marks._asked) <= (52 if dialect.mark else 0)


# --- messages -----------------------------------------------------------------------------------

HEARD = {
    "opening": Begun,
    "media": Sound,
    "dtmf": Digit,
    "mark": Marked,
    "stop": Stopped,
    "cleared": Ignored,
}


def messages(name):
    """What a provider sends, by what it is."""
    shape = PROVIDERS[name]()
    found = {
        "opening": shape.opening()[-1],
        "media": shape.media(bytes(320), 40),
        "dtmf": shape.dtmf("d"),
        "mark": shape.mark("p1"),
        "stop": shape.stop(),
        "cleared": (shape.cleared() or [None])[0],
    }
    return {kind: message for kind, message in found.items() if message is not None}


@mark.parametrize("name", DIALECTS)
def test_every_message_of_a_provider_is_understood(name):
    for kind, message in messages(name).items():
        _, heard = DIALECTS[name].read(message)
        assert isinstance(heard, HEARD[kind])
        assert not isinstance(heard, Digit) or heard == Digit("D")
        assert not isinstance(heard, Marked) or heard.name == "p1"
        assert not isinstance(heard, Sound) or heard.payload == bytes(320)


def test_parameters_that_are_too_many_or_too_long_are_left_out():
    start = json.loads(PROVIDERS["twilio"]().opening()[1])
    start["start"]["customParameters"] = {str(n): "x" * 9999 for n in range(1000)}
    start["start"]["customParameters"]["0"] = {"a": "table"}
    _, begun = DIALECTS["twilio"].read(json.dumps(start))
    assert len(begun.about) <= 66
    assert max(map(len, begun.about.values())) == 512
    assert "0" not in begun.about


def test_parameters_do_not_take_the_place_of_what_the_provider_says_itself():
    start = json.loads(PROVIDERS["twilio"]().opening()[1])
    start["start"]["customParameters"] = {"call": "another", "account": "another"}
    _, begun = DIALECTS["twilio"].read(json.dumps(start))
    assert "another" not in begun.about.values()


@mark.parametrize("rate", ["audio/l16", "audio/l16;rate=", "audio/l16;rate=1", "audio/opus;rate=8"])
def test_vonage_says_which_sound_it_sends(rate):
    with raises(ProtocolError):
        DIALECTS["vonage"].read(json.dumps({"event": "websocket:connected", "content-type": rate}))


def test_a_telnyx_call_in_a_law_is_read_as_that():
    _, begun = DIALECTS["telnyx"].read(PROVIDERS["telnyx"](coding="alaw").opening()[1])
    assert begun.coding is Coding.ALAW
    assert begun.rate == approx(8000)


# --- anything at all ----------------------------------------------------------------------------

ODD = [None, True, -1, 2**70, 1e300, "", "9" * 400, "\x00\ud800", [], {}, [[]], "AAAA", "AA=A"]


def mutated(rng):
    """A message of some provider with something wrong in it, and the provider's name."""
    name = rng.choice(list(DIALECTS))
    message = rng.choice(MESSAGES[name])
    if isinstance(message, bytes):
        return name, rng.randbytes(rng.randrange(400))
    if rng.random() < 0.25:
        cut = rng.randrange(len(message))
        return name, message[:cut] + rng.choice('"{}[]:,0x\\\x00é') + message[cut + 1 :]
    if rng.random() < 0.1:
        return name, message.encode()[rng.randrange(50) :]
    return name, json.dumps(changed(rng, json.loads(message)))


def changed(rng, table):
    """A table with one value, at any depth, that should not be there; or without it."""
    key = rng.choice(sorted(table))
    if isinstance(table[key], dict) and table[key] and rng.random() < 0.7:
        table[key] = changed(rng, table[key])
    elif rng.random() < 0.8:
        table[key] = rng.choice(ODD)
    else:
        del table[key]
    return table


MESSAGES = {name: list(messages(name).values()) for name in DIALECTS}


@settings(max_examples=300, database=None)
@given(st.randoms(use_true_random=True))
def test_twelve_thousand_mutated_messages_are_read_or_refused_in_words(rng):
    for name, message in [mutated(rng) for _ in range(40)]:
        try:
            stream, heard = DIALECTS[name].read(message)
        except ProtocolError as fault:
            assert ": expected " in str(fault)
            assert len(str(fault)) < 200
        else:
            assert isinstance(stream, str)
            assert isinstance(heard, Begun | Sound | Digit | Marked | Stopped | Ignored)
