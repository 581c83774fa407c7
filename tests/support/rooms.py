"""Rooms: a call whose far side is a loudspeaker and a microphone, without headphones."""

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits
from audio_io.circuit import Circuit

RATE = 16_000
CLIP = 0.5  # a small loudspeaker bends towards half of full scale


def voice(duration_s, seed=1, pitch_hz=110.0, level=0.06):
    """Something like speech, float32: a buzz through moving resonances, syllables and pauses."""
    rng = np.random.default_rng(seed)
    count = round(duration_s * RATE)
    at = np.arange(count) / RATE
    hz = pitch_hz * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * at + seed))
    buzz = np.diff(np.floor(np.cumsum(hz) / RATE), prepend=0.0) + 0.02 * rng.standard_normal(count)
    out = np.zeros(count)
    step = round(0.12 * RATE)
    for start in range(0, count, step):
        part = slice(start, min(count, start + 2 * step))
        shaped = np.fft.rfft(buzz[part], 4 * step)
        bins = np.fft.rfftfreq(4 * step, 1 / RATE)
        peaks = rng.uniform((250, 800, 2200), (800, 2200, 3500))
        shaped *= sum(1 / (1 + ((bins - p) / 120) ** 2) for p in peaks)
        window = np.hanning(2 * step)[: part.stop - part.start]
        loud = rng.choice([0.15, 0.6, 1.0])
        out[part] += loud * window * np.fft.irfft(shaped)[: part.stop - part.start]
    return (level * out / np.sqrt(np.mean(out**2))).astype(np.float32)


def response(rt60_s, delay_s, loss_db, seed=1):
    """From loudspeaker to microphone: a delay, and noise that dies away; energy −`loss_db`."""
    at = np.arange(round(rt60_s * RATE)) / RATE
    tail = np.random.default_rng(seed).standard_normal(len(at)) * 10 ** (-3 * at / rt60_s)
    tail[0] = 4.0
    taps = np.concatenate((np.zeros(round(delay_s * RATE)), tail / np.sqrt(np.sum(tail**2))))
    return taps * 10 ** (-loss_db / 20)


def echo_of(played, taps):
    """What the microphone hears of the loudspeaker, as long as `played`."""
    bent = CLIP * np.tanh(played.astype(np.float64) / CLIP)
    size = 1 << (len(played) + len(taps)).bit_length()
    made = np.fft.irfft(np.fft.rfft(bent, size) * np.fft.rfft(taps, size), size)
    return made[: len(played)].astype(np.float32)


def noise(count, level=3e-4):
    """The microphone's own."""
    return (level * np.random.default_rng(9).standard_normal(count)).astype(np.float32)


class RoomCall:
    """A caller with an open loudspeaker, in virtual time.

    Attributes:
        played_out: what the loudspeaker played, a block for each frame.
    """

    def __init__(self, near, taps, play_rate=RATE, traits=None):
        self.circuit = Circuit(RATE, play_rate)
        self.rate, self.play_rate = RATE, play_rate
        self.frame_samples = self.circuit.frame_samples
        self.traits = traits or CallTraits()
        self.play, self.played = self.circuit.play, self.circuit.played
        self.played_out = []
        self._near, self._taps = near, taps
        self._tail = np.zeros(len(taps) - 1)

    async def frames(self):
        for start in range(0, len(self._near) - 319, 320):
            sound = await self.circuit.beat()
            if sound is None:
                return
            sound = self._at_rate(sound)
            self.played_out.append(sound)
            heard = self._near[start : start + 320] + self._echo(sound)
            yield AudioFrame(heard.astype(np.float32), RATE, start)

    def flush(self):
        self.circuit.flush()

    def tell(self, note):
        self.circuit.notes.append(note)

    async def close(self):
        self.circuit.close()

    def _at_rate(self, sound):
        """As many samples as the microphone's frame has, roughly resampled."""
        if self.play_rate == RATE:
            return np.concatenate((sound, np.zeros(320, np.float32)))[:320]
        at = np.linspace(0, len(sound) - 1, 320)
        return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)

    def _echo(self, sound):
        made = np.convolve(CLIP * np.tanh(sound / CLIP), self._taps)
        made[: len(self._tail)] += self._tail
        self._tail = made[320:]
        return made[:320]
