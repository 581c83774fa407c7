"""What may be heard: every sample once and in order, no click, nothing stale."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from agent.core.audio import AudioFrame
from agent.core.events import ReplyAudible, ReplyDone
from agent.core.playout import DUCK_GAIN, LIMIT_S, RAMP_S, Playout, Put
from agent.core.protocols import Speech

RATE = 16_000
FRAME = 320  # 20 ms
RAMP = int(RAMP_S * RATE)
STEP = 1 / RAMP + 1e-6
"""How much the gain may change from one sample to the next."""


def speech(samples, text="", rate=RATE):
    return Speech(AudioFrame(np.asarray(samples, np.float32), rate, 0), text)


def ones(count, text="", rate=RATE):
    """Sound that shows the gain."""
    return speech(np.ones(count), text, rate)


def speaking(count=RATE, text="", rate=RATE, **door):
    """A playout whose reply 1 is open and has given out its first frame."""
    playout = Playout(rate)
    playout.open(1)
    playout.put(1, ones(count, text, rate))
    if door.get("complete"):
        playout.complete(1)
    playout.release(1)
    playout.next(rate // 50)
    return playout


def drain(playout, frames, count=FRAME):
    """So many frames: their sound in one piece, all events, all missing samples."""
    played = [playout.next(count) for _ in range(frames)]
    sound = np.concatenate([p.samples for p in played])
    return sound, [e for p in played for e in p.events], sum(p.missing for p in played)


# --- the door -----------------------------------------------------------------------------------


def test_with_no_reply_there_is_silence_and_positions_go_on():
    playout = Playout(RATE)
    played = playout.next(FRAME)
    assert not played.samples.any()
    assert (played.events, played.missing) == ((), 0)
    assert playout.position == FRAME


def test_a_closed_door_lets_nothing_out_and_says_nothing():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(RATE))
    playout.complete(1)
    sound, events, missing = drain(playout, 10)
    assert not sound.any()
    assert (events, missing) == ([], 0)


def test_an_open_door_gives_the_sound_from_its_first_sample_at_full_level():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, speech(np.arange(1, 641) / 1000))
    playout.release(1)
    sound, _, _ = drain(playout, 2)
    assert sound == approx(np.arange(1, 641) / 1000)


def test_a_reply_is_audible_once_and_done_once_and_in_this_order():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(3 * FRAME))
    playout.complete(1)
    playout.release(1)
    _, events, _ = drain(playout, 10)
    assert events == [ReplyAudible(1), ReplyDone(1)]


def test_a_reply_shorter_than_a_frame_is_audible_and_done_in_one():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(10))
    playout.complete(1)
    playout.release(1)
    played = playout.next(FRAME)
    assert played.events == (ReplyAudible(1), ReplyDone(1))
    assert played.samples.sum() == 10
    assert played.missing == 0


def test_a_reply_without_sound_is_done_and_was_never_audible():
    playout = Playout(RATE)
    playout.open(1)
    playout.complete(1)
    playout.release(1)
    _, events, _ = drain(playout, 3)
    assert events == [ReplyDone(1)]


def test_a_reply_is_not_done_while_more_may_come():
    playout = speaking(FRAME)
    _, events, _ = drain(playout, 3)
    assert events == []
    playout.complete(1)
    assert playout.next(FRAME).events == (ReplyDone(1),)


def test_the_sound_that_was_put_is_never_written_to():
    sound = np.ones(FRAME, np.float32)
    sound.flags.writeable = False
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, Speech(AudioFrame(sound, RATE, 0), ""))
    playout.release(1)
    playout.duck(1)
    playout.next(FRAME)
    assert sound.sum() == FRAME


# --- numbers ------------------------------------------------------------------------------------


def test_sound_for_a_reply_that_is_not_live_is_stale():
    playout = Playout(RATE)
    assert playout.put(1, ones(10)) is Put.STALE
    playout.open(2)
    assert playout.put(1, ones(10)) is Put.STALE
    assert playout.put(2, ones(10)) is Put.TAKEN
    playout.cancel(2)
    assert playout.put(2, ones(10)) is Put.STALE


def test_sound_for_a_reply_that_is_done_is_stale():
    playout = speaking(FRAME, complete=True)
    playout.next(FRAME)
    assert playout.put(1, ones(10)) is Put.STALE


@mark.parametrize("what", ["release", "duck", "hold", "resume", "complete", "cancel"])
def test_an_old_number_moves_no_door(what):
    playout = Playout(RATE)
    playout.open(1)
    playout.open(2)
    playout.put(2, ones(RATE))
    playout.release(2)
    getattr(playout, what)(1)
    sound, events, _ = drain(playout, 3)
    assert sound == approx(np.ones(3 * FRAME))
    assert events == [ReplyAudible(2)]


def test_a_new_reply_ends_the_one_before():
    playout = speaking(RATE)
    playout.open(2)
    sound, events, _ = drain(playout, 3)
    assert not sound.any()
    assert events == []


# --- limits -------------------------------------------------------------------------------------


def test_a_reply_takes_sound_up_to_its_limit_and_more_once_some_was_played():
    limit = int(LIMIT_S * RATE)
    playout = Playout(RATE)
    playout.open(1)
    assert playout.put(1, ones(limit - 1)) is Put.TAKEN
    assert playout.put(1, ones(1)) is Put.TAKEN
    assert playout.put(1, ones(1)) is Put.FULL
    playout.release(1)
    playout.next(1)
    assert playout.put(1, ones(1)) is Put.TAKEN


def test_sound_that_was_not_taken_is_not_played():
    limit = int(LIMIT_S * RATE)
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(limit))
    playout.put(1, ones(FRAME))
    playout.complete(1)
    playout.release(1)
    sound, _, _ = drain(playout, limit // FRAME + 10)
    assert sound.sum() == limit


# --- missing sound ------------------------------------------------------------------------------


def test_silence_before_the_first_sample_is_not_missing():
    playout = Playout(RATE)
    playout.open(1)
    playout.release(1)
    _, events, missing = drain(playout, 5)
    assert (events, missing) == ([], 0)


def test_silence_inside_a_reply_is_missing_sample_by_sample():
    playout = speaking(FRAME + 100)
    assert playout.next(FRAME).missing == FRAME - 100
    assert playout.next(FRAME).missing == FRAME
    playout.put(1, ones(FRAME))
    assert playout.next(FRAME).missing == 0


def test_silence_after_the_last_sample_is_not_missing():
    playout = speaking(FRAME + 100, complete=True)
    _, events, missing = drain(playout, 3)
    assert (events, missing) == ([ReplyDone(1)], 0)


def test_a_held_reply_misses_nothing():
    playout = speaking(RATE)
    playout.hold(1)
    _, _, missing = drain(playout, 20)
    assert missing == 0


def test_a_reply_held_after_its_sound_ran_out_misses_no_more_than_a_ramp():
    playout = speaking(FRAME)
    playout.hold(1)
    _, _, missing = drain(playout, 20)
    assert missing <= RAMP


# --- duck, hold, resume -------------------------------------------------------------------------


def test_a_ducked_reply_is_fifteen_db_down_within_one_ramp():
    playout = speaking()
    playout.duck(1)
    sound = playout.next(FRAME).samples
    assert sound[0] < 1
    assert sound[RAMP:] == approx(np.full(FRAME - RAMP, DUCK_GAIN))
    assert 20 * np.log10(DUCK_GAIN) == approx(-15)


def test_a_held_reply_is_silent_within_one_ramp_and_stays_so():
    playout = speaking()
    playout.hold(1)
    sound, _, _ = drain(playout, 10)
    assert sound[: RAMP - 2].all()
    assert not sound[RAMP:].any()


def test_a_resumed_reply_is_at_full_level_within_one_ramp():
    playout = speaking()
    playout.duck(1)
    playout.next(FRAME)
    playout.resume(1)
    sound = playout.next(FRAME).samples
    assert DUCK_GAIN < sound[0] < 1
    assert sound[RAMP:] == approx(np.ones(FRAME - RAMP))


def test_a_held_reply_comes_back_from_silence():
    playout = speaking()
    playout.hold(1)
    playout.next(FRAME)
    playout.resume(1)
    sound = playout.next(FRAME).samples
    assert 0 < sound[0] <= STEP


def test_a_hold_that_is_taken_back_at_once_turns_round_on_the_ramp():
    playout = speaking()
    playout.hold(1)
    down = playout.next(RAMP // 2).samples
    playout.resume(1)
    up = playout.next(RAMP).samples
    assert up[0] == approx(down[-1] + 1 / RAMP, abs=1e-5)
    assert up[-1] == approx(1.0)


@dataclass
class Twins:
    """Two playouts that are told the same; one plays ones, the other numbered samples."""

    gain: Playout
    numbers: Playout

    def both(self, what, *arguments):
        return [getattr(playout, what)(*arguments) for playout in (self.gain, self.numbers)]

    def heard(self):
        """The gain of each sample that went out, and which one it was, 1 for the first."""
        return np.concatenate(self.gains), np.concatenate(self.sounds)

    def next(self, count):
        gain, numbers = self.both("next", count)
        self.gains.append(gain.samples)
        self.sounds.append(numbers.samples)
        return gain

    def __post_init__(self):
        self.gains, self.sounds = [], []


def twins(pieces, rate=RATE):
    """An open reply of these piece lengths."""
    pair, at = Twins(Playout(rate), Playout(rate)), 1
    pair.both("open", 1)
    for length in pieces:
        pair.gain.put(1, ones(length, rate=rate))
        pair.numbers.put(1, speech(np.arange(at, at + length), rate=rate))
        at += length
    pair.both("complete", 1)
    pair.both("release", 1)
    return pair


PIECES = st.lists(st.integers(1, 3000), min_size=1, max_size=8)
DOORS = st.lists(
    st.tuples(st.sampled_from(["duck", "hold", "resume", "release"]), st.integers(1, 900)),
    max_size=20,
)


@given(PIECES, DOORS, st.sampled_from([8000, 16_000, 24_000, 48_000]))
def test_every_sample_comes_out_once_and_in_order_whatever_the_doors_do(pieces, doors, rate):
    pair, total, events = twins(pieces, rate), sum(pieces), []
    for what, count in doors:
        pair.both(what, 1)
        events += pair.next(count).events
    pair.both("resume", 1)
    while ReplyDone(1) not in events:
        events += pair.next(997).events
    gain, sound = pair.heard()
    out = gain > 1e-4  # at the foot of a ramp the number is lost in rounding
    numbers = np.rint(sound[out] / gain[out]).astype(int)
    assert (np.diff(numbers) >= 1).all()
    assert numbers[0] == 1
    assert numbers[-1] == total
    assert len(numbers) >= total - len(doors)
    assert list(dict.fromkeys(events)) == [ReplyAudible(1), ReplyDone(1)]


@given(DOORS, st.sampled_from([8000, 16_000, 24_000, 48_000]))
def test_the_level_never_jumps_whatever_the_doors_do(doors, rate):
    pair = twins([int(LIMIT_S * rate)], rate)
    pair.next(1)  # it has begun: what has not would wait in silence
    for what, count in doors:
        pair.both(what, 1)
        pair.next(count)
    if doors:
        gain, _ = pair.heard()
        assert gain[0] >= 1 - 1.01 / int(RAMP_S * rate)
        assert np.abs(np.diff(gain)).max(initial=0) <= 1 / int(RAMP_S * rate) + 1e-5


# --- cancel -------------------------------------------------------------------------------------


@given(DOORS, st.sampled_from([8000, 16_000, 24_000, 48_000]))
def test_a_cancelled_reply_fades_from_wherever_it_is_and_is_silent_within_a_frame(doors, rate):
    pair, frame = twins([int(LIMIT_S * rate)], rate), rate // 50
    pair.next(frame)
    for what, count in doors:
        pair.both(what, 1)
        pair.next(count)
    pair.both("cancel", 1)
    assert pair.next(frame).events == ()
    assert pair.next(frame).events == ()
    gain, sound = pair.heard()
    assert not sound[-frame - (frame - int(RAMP_S * rate)) :].any()
    assert np.abs(np.diff(gain)).max() <= 1 / int(RAMP_S * rate) + 1e-5


@given(st.integers(0, RAMP))
def test_a_fade_that_runs_out_of_sound_is_no_steeper_for_it(left):
    playout = speaking(FRAME + left)
    playout.cancel(1)
    sound = playout.next(FRAME).samples
    assert np.abs(np.diff(sound[:left])).max(initial=0) <= STEP
    assert not sound[left:].any()


def test_a_fade_in_pieces_is_the_same_fade():
    whole, parts = speaking(), speaking()
    whole.cancel(1)
    parts.cancel(1)
    in_parts, _, _ = drain(parts, FRAME // 40, 40)
    assert in_parts == approx(whole.next(FRAME).samples)


def test_a_cancel_without_a_fade_is_silent_at_once():
    playout = speaking()
    playout.cancel(1, fade=False)
    assert not playout.next(FRAME).samples.any()


def test_a_reply_cancelled_before_its_first_sample_never_sounds():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(RATE))
    playout.release(1)
    playout.cancel(1)
    sound, events, _ = drain(playout, 3)
    assert not sound.any()
    assert events == []


def test_a_held_reply_that_is_cancelled_stays_silent():
    playout = speaking()
    playout.hold(1)
    playout.next(FRAME)
    playout.cancel(1)
    assert not playout.next(FRAME).samples.any()


def test_the_next_reply_sounds_over_the_fade_of_the_last():
    playout = speaking()
    playout.cancel(1)
    playout.open(2)
    playout.put(2, speech(np.full(FRAME, 0.25)))
    playout.release(2)
    played = playout.next(FRAME)
    assert played.events == (ReplyAudible(2),)
    assert played.samples[RAMP:] == approx(np.full(FRAME - RAMP, 0.25))
    assert (played.samples[: RAMP - 2] > 0.25).all()


# --- about to sound -----------------------------------------------------------------------------


def test_a_reply_is_about_to_sound_from_its_release_to_its_first_sample():
    playout = Playout(RATE)
    assert not playout.is_about_to_sound
    playout.open(1)
    playout.release(1)
    assert not playout.is_about_to_sound
    playout.put(1, ones(RATE))
    assert playout.is_about_to_sound
    playout.next(FRAME)
    assert not playout.is_about_to_sound


def test_a_reply_behind_its_door_is_not_about_to_sound():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(RATE))
    assert not playout.is_about_to_sound


def test_the_end_of_the_last_sound_is_known():
    playout = Playout(RATE)
    playout.next(FRAME)
    assert playout.sounded_to == 0
    playout.open(1)
    playout.put(1, ones(2 * FRAME))
    playout.complete(1)
    playout.release(1)
    drain(playout, 10)
    assert playout.sounded_to == 3 * FRAME


def test_a_fade_counts_as_sound():
    playout = speaking()
    playout.cancel(1)
    drain(playout, 5)
    assert playout.sounded_to == 2 * FRAME


# --- asides -------------------------------------------------------------------------------------


def murmur(samples=400):
    return np.full(samples, 0.25, np.float32)


def test_an_aside_sounds_once_and_is_in_no_ledger():
    playout = Playout(RATE)
    playout.aside(murmur())
    assert playout.next(FRAME).events == ()
    assert playout.sounded_to == FRAME
    sounds = np.concatenate([playout.next(FRAME).samples for _ in range(10)])
    assert np.count_nonzero(sounds) == 400 - FRAME


def test_a_reply_begins_when_the_aside_is_over():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(RATE))
    playout.aside(murmur(FRAME + 1))
    playout.release(1)
    first, second, third = (playout.next(FRAME) for _ in range(3))
    assert (first.events, second.events) == ((), ())
    assert third.events == (ReplyAudible(1),)


def test_no_aside_disturbs_a_reply_that_sounds_or_another_aside():
    playout = speaking()
    before = playout.next(FRAME).samples
    playout.aside(murmur())
    assert np.array_equal(playout.next(FRAME).samples, before)
    playout = Playout(RATE)
    playout.aside(murmur(10))
    playout.aside(murmur(400))
    assert np.count_nonzero(playout.next(FRAME).samples) == 10


def test_an_aside_that_is_hushed_ends_over_one_ramp():
    playout = Playout(RATE)
    playout.aside(murmur(RATE))
    playout.next(FRAME)
    playout.hush()
    rest = np.concatenate([playout.next(FRAME).samples for _ in range(5)])
    assert 0 < np.count_nonzero(rest) <= RAMP_S * RATE
    assert np.abs(np.diff(rest)).max() < 0.25


# --- taking back --------------------------------------------------------------------------------


@given(st.integers(0, 6), st.integers(-2 * FRAME, 2 * FRAME))
def test_what_was_taken_back_is_given_again_and_nothing_twice(frames, back):
    playout = Playout(RATE)
    playout.open(1)
    ramp = np.arange(1, RATE + 1, dtype=np.float32) / RATE
    for part in np.split(ramp, 10):
        playout.put(1, speech(part, "word"))
    playout.release(1)
    before, _, _ = drain(playout, 1 + frames)
    played = min(len(before), max(0, len(before) - back))
    playout.take_back(played)
    playout.complete(1)
    after, events, _ = drain(playout, 60)
    heard = np.concatenate([before[:played], after[: RATE - played]])
    assert np.array_equal(heard, ramp)
    assert ReplyDone(1) in events
    assert playout.heard(1, playout.position) == " ".join(["word"] * 10)


def test_sound_that_was_taken_back_was_not_heard():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(2 * FRAME, "yes"))
    playout.release(1)
    playout.next(2 * FRAME)
    playout.take_back(FRAME // 2)
    assert playout.heard(1, playout.position) == ""


def test_nothing_can_be_taken_back_where_nothing_sounds():
    playout = Playout(RATE)
    playout.take_back(0)
    assert not playout.next(FRAME).samples.any()


def test_what_is_held_before_it_began_waits_in_silence_and_is_told_when_it_sounds():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, Speech(AudioFrame(np.ones(FRAME, np.float32), RATE, 0), "yes"))
    playout.release(1)
    playout.hold(1)
    held = playout.next(FRAME)
    assert (held.samples.any(), held.events) == (False, ())
    playout.release(1)
    assert playout.next(FRAME).events == (ReplyAudible(1),)


def test_what_is_released_again_is_told_again():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, Speech(AudioFrame(np.ones(4 * FRAME, np.float32), RATE, 0), "yes"))
    playout.release(1)
    assert playout.next(FRAME).events == (ReplyAudible(1),)
    playout.hold(1)
    playout.next(FRAME)
    playout.release(1)
    assert playout.next(FRAME).events == (ReplyAudible(1),)


def test_a_second_release_of_an_open_door_is_nothing_new():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, Speech(AudioFrame(np.ones(4 * FRAME, np.float32), RATE, 0), "yes"))
    for expected in ((ReplyAudible(1),), ()):
        playout.release(1)
        assert playout.next(FRAME).events == expected
