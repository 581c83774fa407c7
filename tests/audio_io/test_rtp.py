"""The sound of a telephone call, without its sockets."""

import struct
from itertools import pairwise

import numpy as np
from aiortp.packet import RtcpPacket, RtpPacket
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.core.errors import ProtocolError
from audio_io.codecs import mulaw_encode, to_alaw
from audio_io.rtp.codecs import open_decoder, open_encoder, samples_in
from audio_io.rtp.digits import DigitReader, DigitWriter
from audio_io.rtp.packets import Ear, Mouth
from audio_io.sip.sdp import CODECS, G722, OPUS, PCMA, PCMU, Direction, Media
from tests.support.correlation import find
from tests.support.sip_hour import hold, voice
from tests.support.tools import package

FAR, OTHER = ("10.0.0.1", 4000), ("10.0.0.9", 4000)


def media(codec=PCMU, digits=101, direction=Direction.BOTH, address=FAR):
    return Media(address, codec, codec.number, digits, True, direction)


def packet(number, payload=b"\xff" * 160, kind=0, timestamp=None, source=7):
    stamp = number * 160 if timestamp is None else timestamp
    return struct.pack("!BBHLL", 0x80, kind, number, stamp, source) + payload


def noise(count, seed=1):
    slow = np.convolve(np.random.default_rng(seed).standard_normal(count), np.ones(4) / 4, "same")
    return (0.2 * slow).astype(np.float32)


def carried(codec, sound, drop=()):
    """Sound from a mouth to an ear, a frame every 20 ms; what the ear gives, joined."""
    mouth, ear, heard, due = Mouth(media(codec)), Ear(media(codec)), [], 0.0
    frame = codec.rate // 50
    for n in range(len(sound) // frame):
        now = n * 0.02
        for data in mouth.beat(sound[n * frame : (n + 1) * frame]):
            if n not in drop:
                ear.hear(data, FAR, now)
        while due <= now + 0.02:
            heard.append(ear.take(due))
            due += len(heard[-1]) / codec.rate
    return np.concatenate(heard), ear


@mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_what_is_said_is_heard_with_every_codec(codec):
    if codec in (G722, OPUS):
        package("av")
    at = np.arange(codec.rate * 2) / codec.rate
    sound = (0.2 * np.sin(2 * np.pi * (400 * at + 300 * at**2))).astype(np.float32)
    heard, ear = carried(codec, sound)
    assert find(sound[codec.rate // 2 : codec.rate], heard).likeness > 0.98
    assert ear.counts == {}


def test_lost_packets_are_made_up_and_the_sound_goes_on_where_it_is():
    sound = np.sin(2 * np.pi * 200 * np.arange(16_000) / 8000).astype(np.float32) * 0.2
    heard, ear = carried(PCMU, sound, drop=(30, 55, 56))
    assert ear.concealed == 480
    assert np.abs(np.diff(heard[4000:])).max() < 0.2 * 2 * np.pi * 200 / 8000 * 1.6
    assert len(heard) == approx(16_000, abs=400)


def test_sound_from_elsewhere_is_not_heard():
    ear = Ear(media())
    ear.hear(packet(1), FAR, 0.0)
    ear.hear(packet(2), OTHER, 0.02)
    assert ear.latched == FAR
    assert ear.counts["foreign"] == 1
    assert ear.buffer.received == 1


def test_sound_may_move_once_another_place_was_agreed():
    ear = Ear(media())
    ear.hear(packet(1), FAR, 0.0)
    ear.change(media(address=OTHER))
    ear.hear(packet(2), OTHER, 0.02)
    assert ear.latched == OTHER


@mark.parametrize(
    "data",
    [b"", b"\x80", b"\x00" * 12, b"\xff" * 40, packet(1)[:11], packet(1, kind=77), b"\xbf" * 30],
)
def test_what_is_no_sound_of_the_call_is_counted_and_nothing_else(data):
    ear = Ear(media())
    assert ear.hear(data, OTHER, 0.0) is None
    assert ear.latched is None
    assert ear.counts.total() == 1


@given(st.binary(max_size=80), st.sampled_from(CODECS[:2]))
def test_no_datagram_breaks_the_ear(data, codec):
    ear = Ear(media(codec))
    ear.hear(data, FAR, 0.0)
    ear.hear(b"\x80" + bytes([codec.number]) + data, FAR, 0.0)
    assert np.isfinite(ear.take(0.1)).all()


def test_a_codec_that_cannot_read_a_packet_makes_it_up():
    package("av")
    ear = Ear(media(OPUS))
    ear.hear(packet(1, b"\xf9\x01", kind=111), FAR, 0.0)  # two frames of one size in one byte
    for n in range(6):
        assert np.isfinite(ear.take(0.02 * n)).all()
    with raises(ProtocolError, match="expected at most"):
        open_decoder(PCMU).decode(bytes(3000))


@mark.parametrize(
    ("payload", "ticks"),
    [
        (b"", 0),
        (b"\x08", 960),
        (b"\x48", 960),
        (b"\xf8", 960),
        (b"\xf9", 1920),
        (b"\xfb\x03", 2880),
        (b"\x60", 480),
        (b"\x18", 2880),
        (b"\xff\xff", 0),
        (b"\xff\x00\x00", 0),
        (b"\xff", 0),
    ],
)
def test_an_opus_packet_says_how_long_it_is(payload, ticks):
    assert samples_in(OPUS, payload) == ticks


def pieces_after(payload, codec, seconds=1.0):
    """How often an ear is asked in the first second after one packet and nothing more."""
    ear, due, count = Ear(media(codec)), 0.0, 0
    ear.hear(packet(1, payload, kind=codec.number), FAR, 0.0)
    while due < seconds:
        due += len(ear.take(due)) / codec.rate
        count += 1
    return count


@mark.parametrize(
    ("codec", "payload"), [(PCMU, b"\xff"), (PCMU, b""), (OPUS, b"\xff\x00\x00"), (OPUS, b"\xe0")]
)
def test_a_packet_of_next_to_nothing_does_not_keep_the_ear_busy(codec, payload):
    if codec is OPUS:
        package("av")
    assert pieces_after(payload, codec) <= 110


# --- what we send ---------------------------------------------------------------------------------


def sent(mouth, *frames):
    return [RtpPacket.parse(data) for frame in frames for data in mouth.beat(frame)]


def test_every_beat_is_a_packet_whatever_there_is_to_say():
    packets = sent(Mouth(media()), None, noise(160), None)
    assert [p.sequence_number - packets[0].sequence_number for p in packets] == [0, 1, 2]
    assert {(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(packets)} == {160}
    assert [p.marker for p in packets] == [1, 0, 0]
    assert all(len(p.payload) == 160 for p in packets)


def test_the_clock_runs_on_while_the_far_side_wants_nothing():
    mouth = Mouth(media())
    before = sent(mouth, None)[0]
    mouth.change(media(direction=Direction.RECEIVE))
    assert sent(mouth, None, None, None) == []
    mouth.change(media())
    after = sent(mouth, None)[0]
    assert (after.timestamp - before.timestamp, after.marker) == (640, 1)


def test_media_that_are_agreed_again_leave_the_sound_and_the_keys_as_they_are():
    package("av")  # for a codec that remembers what it said before
    mouth, steady = Mouth(media(G722)), Mouth(media(G722))
    mouth.press("1")
    steady.press("1")
    for n, frame in enumerate(np.split(noise(320 * 40), 40)):
        if n in (3, 20):
            mouth.change(media(G722, address=OTHER))
        (got, *_), (expected, *_) = (sent(one, frame) for one in (mouth, steady))
        assert (got.payload, got.marker) == (expected.payload, expected.marker)


def test_keys_go_on_in_another_codec():
    mouth = Mouth(media())
    mouth.press("12")
    packets = sent(mouth, None, None)
    mouth.change(media(PCMA))
    packets += sent(mouth, *[None] * 20)
    assert {p.payload[0] for p in packets if p.payload_type == 101} == {1, 2}
    assert (packets[-1].payload_type, mouth.dropped_keys) == (8, 0)


def test_a_line_at_rest_is_quiet_and_not_dead():
    payload = sent(Mouth(media()), None)[0].payload
    level = np.sqrt(np.mean(open_decoder(PCMU).decode(payload) ** 2))
    assert 0 < level < 0.001


def test_keys_are_sent_as_events_of_one_moment_each_and_end_three_times():
    mouth = Mouth(media())
    mouth.press("1#")
    packets = sent(mouth, *[None] * 22)
    keys = [p for p in packets if p.payload_type == 101]
    events = [struct.unpack("!BBH", p.payload) for p in keys]
    assert [e[0] for e in events] == [1] * 8 + [11] * 8
    assert [bool(e[1] & 0x80) for e in events] == ([False] * 5 + [True] * 3) * 2
    assert [e[2] for e in events[:8]] == [160, 320, 480, 640, 800, 960, 960, 960]
    assert len({p.timestamp for p in keys}) == 2
    assert [p.marker for p in keys[:2]] == [1, 0]
    assert not mouth.pressing


def test_a_key_that_is_sent_is_a_key_that_is_read():
    mouth, ear, pressed = Mouth(media()), Ear(media()), []
    mouth.press("0123456789*#ABCD")
    for n in range(200):
        pressed += [ear.hear(data, FAR, n * 0.02) for data in mouth.beat(noise(160))]
    assert "".join(key for key in pressed if key) == "0123456789*#ABCD"
    assert ear.buffer.lost == 0


def test_a_key_counts_once_and_only_the_latest():
    reader = DigitReader()
    event = struct.pack("!BBH", 5, 10, 160)
    assert reader.read(1000, event) == "5"
    assert reader.read(1000, event) is None
    assert reader.read(900, event) is None
    assert reader.read(2000, b"\x10\x00\x00\x00") is None  # a flash is no key
    assert reader.read(3000, b"\x01") is None
    assert reader.read(3000, event) == "5"


def event(key, duration=160, end=False):
    return struct.pack("!BBH", key, 0x8A if end else 0x0A, duration)


def test_a_stream_that_begins_anew_brings_keys_whatever_its_clock_says():
    ear = Ear(media())
    assert ear.hear(packet(1, event(1), kind=101, timestamp=3_000_000_000), FAR, 0.0) == "1"
    for source, timestamp in ((99, 2_500_000_000), (99, 1_000), (7, 3_000_000_000)):
        again = packet(2, event(2), kind=101, timestamp=timestamp, source=source)
        assert ear.hear(again, FAR, 1.0) == "2"
        assert ear.hear(again, FAR, 1.0) is None


def test_media_that_are_agreed_while_a_key_is_down_do_not_make_two_of_it():
    ear = Ear(media())
    key = packet(1, event(1), kind=101, timestamp=1000)
    assert ear.hear(key, FAR, 0.0) == "1"
    ear.change(media(address=OTHER))
    assert ear.hear(key, FAR, 0.02) is None


@mark.parametrize("lost", [0, 1])
def test_a_key_held_for_long_is_one_key_though_it_is_told_in_segments(lost):
    """Source: RFC 4733, section 2.5.1.3; the last packet of a segment may be lost."""
    reader, longest = DigitReader(), 0xFFFF
    times = [*range(160, longest, 160), longest]
    got = [
        reader.read(1000 + segment * longest, event(5, duration), marked=False)
        for segment in range(3)
        for duration in times[: len(times) - lost]
    ]
    assert [key for key in got if key] == ["5"]


def test_the_same_key_again_right_after_its_end_or_with_a_mark_is_another_press():
    reader = DigitReader()
    assert reader.read(1000, event(5, 800, end=True)) == "5"
    assert reader.read(1000, event(5, 640)) is None  # late
    assert reader.read(1800, event(5, 800)) == "5"
    assert reader.read(2600, event(5), marked=True) == "5"
    assert reader.read(2760, event(6)) == "6"


def test_a_pause_between_keys_is_sound():
    writer = DigitWriter()
    assert not writer.busy
    assert writer.beat(0, 160) == []


def test_a_report_says_what_was_sent_and_what_was_lost():
    mouth, ear = Mouth(media()), Ear(media())
    sent(mouth, None, None)
    ear.hear(packet(1), FAR, 0.0)
    report = RtcpPacket.parse(mouth.report(ear, 1_700_000_000.5))[0]
    assert (report.ssrc, report.sender_info.packet_count) == (mouth.source, 2)
    assert report.reports[0].ssrc == 7
    assert [type(p).__name__ for p in RtcpPacket.parse(mouth.farewell(ear))] == [
        "RtcpRrPacket",
        "RtcpByePacket",
    ]


def test_a_table_encodes_as_the_formula_does_at_any_level():
    sound = np.concatenate((noise(2000) * 8, np.array([2, -2, 1], np.float32)))
    assert open_encoder(PCMU)(sound) == mulaw_encode(sound)
    assert open_encoder(PCMA)(sound) == to_alaw(sound)
    assert open_encoder(PCMU)(np.full(2, np.nan, np.float32)) == b"\xff\xff"


# --- an hour --------------------------------------------------------------------------------------


@mark.parametrize(
    ("seconds", "drift", "ptime_s"), [(3600, 50e-6, 0.05), (300, 50e-6, 0.02), (600, -50e-6, 0.02)]
)
def test_a_long_call_between_two_clocks_neither_lags_nor_clicks(seconds, drift, ptime_s):
    hour = hold(seconds, drift, ptime_s=ptime_s)
    assert max(hour.delays) - min(hour.delays) <= 0.020
    assert abs(hour.delays[-1] - hour.delays[0]) <= 0.020
    assert hour.waiting_s <= 0.04 + ptime_s
    assert hour.roughest <= 1.1 * np.abs(np.diff(voice())).max()
    assert hour.counts == {"late": 0, "lost": 0, "dropped": 0, "restarts": 0, "concealed": 0}


def test_a_minute_with_losses_and_drift_stays_in_step():
    hour = hold(60, 50e-6, lose=0.02)
    assert abs(hour.delays[-1] - hour.delays[0]) <= 0.020
    assert 30 <= hour.counts["lost"] <= 90
    assert hour.counts["late"] == 0
