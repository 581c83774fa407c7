"""Whether an answering machine took a call that we placed, by sound alone.

Nobody waits for the verdict: the agent greets as always, and only what comes after changes. A
person says a few words and then listens; a machine speaks on and on, and then beeps.

Source: Asterisk's app_amd decides on the same three lengths; its silence after a greeting, 0.8 s,
is ours. It calls whoever speaks longer than 1.5 s a machine, which hangs up on half of the offices;
where a beep can still say so later there is no need to be that quick.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from agent.core.audio import Samples, level_db

BLOCK_S = 0.04
"""One look at the sound: two periods of the lowest beep fit many times, a syllable does not."""

SOUND_DB = -42.0
"""Louder than this is sound: a quiet line is far below, and telephone speech far above."""

BEEP_HZ = (550.0, 2200.0)
"""Above ringing and busy tones, 350 to 480 Hz, and below what lines carry badly."""

PURE = 0.85
"""Share of the energy within one spectral line: voices spread theirs over harmonics."""

BEEP_S = 0.2
"""Shorter ones are clicks and parts of words."""


@dataclass(frozen=True, slots=True)
class VoicemailSettings:
    """The table [voicemail]: for calls that we place.

    Attributes:
        person_pause_s: silence after the first words with which a person hands over.
        machine_s: whoever speaks longer than this without such a pause is a machine.
        quiet_s: a machine that was silent this long records, even if no beep was heard.
        watch_s: nothing is decided later than this.
    """

    person_pause_s: float = 0.8
    machine_s: float = 5.0
    quiet_s: float = 2.0
    watch_s: float = 40.0

    def __post_init__(self) -> None:
        """Raises ValueError for lengths that cannot all hold."""
        if not 0 < self.person_pause_s <= self.quiet_s < self.watch_s:
            raise ValueError("expected 0 < person_pause_s <= quiet_s < watch_s")
        if not 0 < self.machine_s < self.watch_s:
            raise ValueError(f"machine_s: expected 0 to watch_s, found {self.machine_s:g}")


class Far(Enum):
    """Who took the call."""

    UNKNOWN = auto()
    PERSON = auto()
    MACHINE = auto()
    RECORDS = auto()  # a machine, and it beeped, or fell silent


class Voicemail:
    """Listens to the far side's first words. Pure: time is counted in samples."""

    def __init__(self, settings: VoicemailSettings, rate: int) -> None:
        self._settings, self._rate = settings, rate
        self._block = round(BLOCK_S * rate)
        self._rest: Samples = np.zeros(0, np.float32)
        self._time_s = 0.0
        self._began_s = -1.0  # of the first words; negative: nothing was heard yet
        self._silence_s = 0.0
        self._tone = (0, 0.0)  # the spectral line of the last blocks, and for how long
        self.far = Far.UNKNOWN

    def take(self, samples: Samples) -> Far | None:
        """The next sound, float32 [n]; what is known now, where that is news."""
        before = self.far
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) - len(sound) % self._block
        for start in range(0, whole, self._block):
            self._look(sound[start : start + self._block])
        self._rest = sound[whole:]
        return self.far if self.far is not before else None

    def _look(self, block: Samples) -> None:
        if self.far is Far.RECORDS or self._time_s > self._settings.watch_s:
            return
        is_sound = level_db(block) > SOUND_DB
        self._time_s += BLOCK_S
        self._silence_s = 0.0 if is_sound else self._silence_s + BLOCK_S
        if is_sound and self._began_s < 0:
            self._began_s = self._time_s - BLOCK_S
        if self._beeped(block, is_sound=is_sound):
            self.far = Far.RECORDS
        elif self.far is Far.UNKNOWN and self._began_s >= 0:
            self.far = self._by_length()
        elif self.far is Far.MACHINE and self._silence_s >= self._settings.quiet_s:
            self.far = Far.RECORDS

    def _by_length(self) -> Far:
        if self._silence_s >= self._settings.person_pause_s:
            return Far.PERSON
        spoken_s = self._time_s - self._silence_s - self._began_s
        return Far.MACHINE if spoken_s > self._settings.machine_s else Far.UNKNOWN

    def _beeped(self, block: Samples, *, is_sound: bool) -> bool:
        """A steady tone has just ended: the machine records from now on."""
        line, length_s = self._tone
        now = self._line(block) if is_sound else 0
        if now and abs(now - line) <= 1:
            self._tone = (now, length_s + BLOCK_S)
            return False
        self._tone = (now, BLOCK_S if now else 0.0)
        return length_s >= BEEP_S - BLOCK_S / 2

    def _line(self, block: Samples) -> int:
        """The spectral line that holds nearly all of the energy; 0 where none does."""
        power = np.abs(np.fft.rfft(block * np.hanning(len(block)))) ** 2
        peak = int(np.argmax(power))
        low, high = (round(hz * BLOCK_S) for hz in BEEP_HZ)
        if not low <= peak <= high:
            return 0
        # A Hann window spreads a tone over four lines at most.
        return peak if power[peak - 2 : peak + 3].sum() >= PURE * power.sum() else 0
