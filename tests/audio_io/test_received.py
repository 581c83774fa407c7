"""Sound out of packets: what is heard where packets are late, lost or broken."""

import random

import numpy as np
from pytest import approx, mark

from agent.core.audio import level_db
from agent.core.errors import ProtocolError
from audio_io.receive.comfort import ComfortNoise
from audio_io.receive.jitter import JitterBuffer
from audio_io.receive.received import ReceivedSound
from audio_io.receive.time_scale import lengthened, shortened
from tests.support.packets import RATE, ToneDecoder, listen, packets


def voice(hz, seconds=0.02, rate=RATE):
    at = np.arange(round(seconds * rate)) / rate
    return sum(0.2 / n * np.sin(2 * np.pi * hz * n * at) for n in (1, 2, 3)).astype(np.float32)


def receiver(decoder=None):
    return ReceivedSound(JitterBuffer(RATE), decoder or ToneDecoder(), RATE)


def heard(sound, arriving, until):
    return np.concatenate(list(listen(sound, arriving, until)))


def test_sound_without_loss_is_the_senders_to_the_sample():
    sound = heard(receiver(), packets(100), until=2.0)
    begun = int(np.flatnonzero(sound)[0]) - 1
    sent = np.concatenate([ToneDecoder().decode(str(n).encode()) for n in range(95)])
    assert sound[begun : begun + len(sent)] == approx(sent, abs=1e-6)


def test_one_lost_packet_is_heard_all_the_same_where_the_next_holds_a_copy():
    arriving = [p for p in packets(100) if p.payload != b"50"]
    sound = heard(whole := receiver(), arriving, until=2.0)
    begun = int(np.flatnonzero(sound)[0]) - 1
    sent = np.concatenate([ToneDecoder().decode(str(n).encode()) for n in range(95)])
    assert sound[begun : begun + len(sent)] == approx(sent, abs=1e-6)
    assert (whole.recovered, whole.concealed) == (960, 0)


def test_a_burst_is_made_up_and_the_sound_after_it_is_in_its_place():
    gone = {str(n).encode() for n in range(50, 55)}
    arriving = [p for p in packets(100) if p.payload not in gone]
    sound = heard(whole := receiver(), arriving, until=2.0)
    begun = int(np.flatnonzero(sound)[0]) - 1
    after = np.concatenate([ToneDecoder().decode(str(n).encode()) for n in range(56, 95)])
    at = begun + 56 * 960
    assert sound[at : at + len(after)] == approx(after, abs=1e-6)
    assert whole.concealed == 4 * 960


def test_a_packet_that_cannot_be_decoded_is_made_up_and_counted():
    class Picky(ToneDecoder):
        def decode(self, payload):
            if payload == b"50":
                raise ProtocolError("no sound")
            return super().decode(payload)

    broken = receiver(Picky())
    sound = heard(broken, packets(100), until=2.0)
    assert broken.broken == 1
    assert len(sound) >= 2.0 * RATE


def test_what_was_held_up_is_caught_up_without_a_change_of_pitch():
    """A second after 200 ms without a packet the delay is what it was, and the tone is the tone."""
    sent = packets(400)
    late = [p if not 3.0 < p.arrived < 3.2 else type(p)(
        p.sequence, p.timestamp, p.samples, p.payload, 3.2, p.source) for p in sent]  # fmt: skip
    sound = receiver()
    pieces = list(listen(sound, late, until=4.6))
    assert sound.buffer.late == 0
    assert sound.buffer.waiting_s <= 0.04
    made = np.concatenate(pieces)
    tail = made[-RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(tail * np.hanning(len(tail))))
    assert np.argmax(spectrum) * 2 == approx(200, abs=4)


@mark.parametrize("hz", [110, 150, 240, 390])
def test_a_voice_loses_whole_periods(hz):
    before = voice(hz, 0.04)
    after = shortened(before, RATE, 480)
    period = RATE / hz
    gone = len(before) - len(after)
    assert 0 < gone <= 480
    assert abs(gone / period - round(gone / period)) < 0.06
    assert np.abs(np.diff(after, 2)).max() < 1.5 * np.abs(np.diff(before, 2)).max()


@mark.parametrize("hz", [110, 240, 390])
def test_a_voice_gains_whole_periods(hz):
    before = voice(hz, 0.04)
    after = lengthened(before, RATE, 480)
    gained = (len(after) - len(before)) / (RATE / hz)
    assert gained > 0
    assert abs(gained - round(gained)) < 0.06
    assert np.abs(np.diff(after, 2)).max() < 1.5 * np.abs(np.diff(before, 2)).max()


def test_silence_gives_way_to_the_sample_and_other_sound_stays():
    quiet = np.zeros(960, np.float32)
    assert len(shortened(quiet, RATE, 333)) == 960 - 333
    assert len(lengthened(quiet, RATE, 100)) == 1060
    noise = np.random.default_rng(3).normal(0, 0.2, 960).astype(np.float32)
    assert np.array_equal(shortened(noise, RATE, 480), noise)
    assert len(shortened(noise, RATE, 1_000)) < 960  # it is late: a click is the lesser evil
    assert np.array_equal(shortened(voice(200), RATE, 0), voice(200))
    assert len(shortened(voice(200, 0.01), RATE, 480)) == 480


def test_the_noise_behind_a_voice_goes_on_when_packets_stop():
    chance = np.random.default_rng(2)

    class Noisy(ToneDecoder):
        def decode(self, payload):
            return chance.normal(0, 0.003, 960).astype(np.float32)

    sound = heard(receiver(Noisy()), packets(100), until=4.0)
    assert level_db(sound[-RATE:]) == approx(20 * np.log10(0.003), abs=3)


def test_comfort_noise_follows_the_quietest_sound_and_never_a_voice():
    comfort = ComfortNoise(RATE)
    assert not comfort.make(10).any()
    comfort.heard(np.full(9_600, 0.2, np.float32))
    assert comfort.level <= 0.01
    comfort.heard(np.full(960, 0.001, np.float32))
    assert comfort.level == approx(0.001)
    assert len(comfort.make(7)) == 7


def test_any_loss_leaves_the_stream_as_long_as_the_time():
    chance = random.Random(3)
    arriving = [p for p in packets(1_000) if chance.random() > 0.2]
    sound = heard(receiver(), arriving, until=20.0)
    assert len(sound) / RATE == approx(20.0, abs=0.03)
