"""The parts of a call over WebRTC that need no network: offers, Opus, the hook, reports."""

import json

import numpy as np
from pytest import approx, mark, raises

from agent.core.errors import ConfigError, DeviceError, ProtocolError
from agent.core.settings import read
from audio_io.webrtc import hook as webrtc_hook
from audio_io.webrtc.sdp import NoSound, checked_offer, codecs_of, for_speech
from audio_io.webrtc.settings import WebRtcSettings
from audio_io.wire import Ear, encode, from_client
from tests.support.tools import package

package("aiortc")

OFFER = """v=0
o=- 1 1 IN IP4 0.0.0.0
m=audio 9 UDP/TLS/RTP/SAVPF 111 0
a=rtpmap:111 opus/48000/2
a=rtpmap:0 PCMU/8000
a=candidate:1 1 udp 2122 5d0c.local 5000 typ host
a=candidate:2 1 udp 2122 192.0.2.1 5000 typ host
"""


def speech(seconds, rate=24_000):
    at = np.arange(round(seconds * rate)) / rate
    sound = 0.2 * np.sin(2 * np.pi * 150 * at) * (1 + np.sin(2 * np.pi * 3 * at))
    return sound.astype(np.float32)


def packets_of(encoder, sound, frame=480):
    return [encoder.encode(sound[at : at + frame]) for at in range(0, len(sound), frame)]


def test_names_that_only_the_callers_network_knows_are_left_out():
    checked = checked_offer(OFFER)
    assert ".local" not in checked
    assert "192.0.2.1" in checked


@mark.parametrize(
    ("offer", "fault"),
    [
        ("", ProtocolError),
        ("v=0\n", NoSound),
        (OFFER.replace("m=audio", "m=video"), NoSound),
        (OFFER + "m=audio 9 X 0\n" * 9, ProtocolError),
        (OFFER + "a=candidate:x\n" * 65, ProtocolError),
        (OFFER + "a=x\n" * 20_000, ProtocolError),
    ],
)
def test_what_is_no_offer_for_us_is_a_sentence(offer, fault):
    with raises(fault, match=r"^sdp: expected"):
        checked_offer(offer)


def test_an_answer_asks_for_speech_and_names_its_codecs():
    answer = for_speech(OFFER)
    assert "a=fmtp:111 minptime=10;useinbandfec=1;stereo=0" in answer
    assert codecs_of(answer) == {111: "opus", 0: "pcmu"}
    assert list(codecs_of(OFFER.replace("111 0", "0 111"))) == [0, 111]


def test_opus_packets_are_small_and_sound_like_what_went_in():
    from audio_io.opus import OpusDecoder, OpusEncoder, packet_samples

    sound = speech(2.0)
    packets = packets_of(OpusEncoder(24_000), sound)
    assert sum(map(len, packets)) * 8 / 2.0 == approx(32_000, rel=0.2)
    assert {packet_samples(packet) for packet in packets} == {960}
    decoder = OpusDecoder(16_000)
    heard = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(heard) == 32_000
    level = [np.sqrt(np.mean(part**2)) for part in (heard, sound)]
    assert level[0] == approx(level[1], rel=0.1)


def test_a_lost_opus_packet_is_read_from_the_one_after_it():
    from audio_io.opus import OpusDecoder, OpusEncoder

    packets = packets_of(OpusEncoder(24_000, loss=0.2), speech(2.0))
    plain, lossy = OpusDecoder(16_000), OpusDecoder(16_000)
    alike = []
    for at, packet in enumerate(packets):
        whole = plain.decode(packet)
        if at % 10 != 9 or at + 1 == len(packets):
            lossy.decode(packet)
            continue
        copy = lossy.recover(packets[at + 1], 320)
        if copy is not None:
            alike.append(np.corrcoef(copy, whole)[0, 1])
    assert len(alike) > 4
    assert np.median(alike) > 0.9


def test_opus_that_is_lost_is_made_up_and_what_is_none_is_refused():
    from audio_io.opus import OpusDecoder, OpusEncoder

    decoder = OpusDecoder(16_000)
    packets = packets_of(OpusEncoder(24_000), speech(0.5))
    for packet in packets[:-1]:
        decoder.decode(packet)
    assert [len(decoder.conceal(count)) for count in (320, 1, 333)] == [320, 1, 333]
    assert decoder.recover(b"\x00", 320) is None
    with raises(ProtocolError, match="a packet of Opus"):
        decoder.decode(b"\xff\xff\xff")


@mark.parametrize(
    ("payload", "ticks"),
    [
        (b"", 0),
        (b"\x00", 480),
        (b"\x18", 2880),
        (b"\x60", 480),
        (b"\x80", 120),
        (b"\xf8", 960),
        (b"\xf9", 1920),
        (b"\xfb\x03", 2880),
        (b"\xfb", 0),
        (b"\x1b\x3f", 0),
    ],
)
def test_the_length_of_a_packet_is_in_its_first_bytes(payload, ticks):
    from audio_io.opus import packet_samples

    assert packet_samples(payload) == ticks


def test_the_hook_into_aiortc_works_with_the_version_we_pin():
    webrtc_hook.check()


def test_another_aiortc_is_a_sentence_that_names_ours(monkeypatch):
    monkeypatch.setattr(webrtc_hook, "_BUFFER", "_RTCRtpReceiver__renamed")
    with raises(DeviceError, match=r"expected packets of aiortc 1\.16\.0 .* install aiortc==1"):
        webrtc_hook.check()


def test_an_ear_report_is_what_the_client_knows_and_no_more():
    ear = from_client('{"type":"ear","round_trip_s":0.1,"buffer_s":0.04,"output_latency_s":null}')
    assert ear == Ear(round_trip_s=0.1, buffer_s=0.04)
    assert ear.delay_s == approx(0.09)
    assert Ear(loss=0.1).delay_s is None
    assert json.loads(encode(Ear(loss=0.5))) == {"type": "ear", "loss": 0.5}


@mark.parametrize(
    "fields", ['"loss":2', '"buffer_s":-1', '"jitter_s":"x"', '"round_trip_s":99', '"more":1']
)
def test_an_ear_report_of_no_sense_is_refused(fields):
    with raises(ProtocolError, match="ear"):
        from_client(f'{{"type":"ear",{fields}}}')


def test_servers_are_told_to_browsers_in_their_own_way():
    table = {"stun": ["stun:a.example"], "turn": ["turn:b.example"], "username": "u",
             "credential": "c"}  # fmt: skip
    assert read(WebRtcSettings, table, "x: [webrtc]").ice_servers == [
        {"urls": ["stun:a.example"]},
        {"urls": ["turn:b.example"], "username": "u", "credential": "c"},
    ]
    assert WebRtcSettings().ice_servers == []


@mark.parametrize(
    "table", [{"rate": 44_100}, {"turn": ["http://x"]}, {"output_frames": 9}, {"sturn": []}]
)
def test_settings_that_cannot_be_are_refused(table):
    with raises(ConfigError):
        read(WebRtcSettings, table, "x: [webrtc]")
