"""When the model is worth running: every so often while somebody speaks, and once as they stop.

Pure, and counted in blocks of sound, so that it does not matter in which pieces the sound came.
"""

from enum import Enum, auto

from pipelines.engines.whisper_window import BLOCK, RATE

PAUSE_BLOCKS = 4
"""Quiet after which a pause is likely: 80 ms, the longest closure of a "t" or "k". The listener
takes 100 ms and more to say so, and by then the last step should be under way."""


class Heard(Enum):
    """What the model has not been given yet."""

    NOTHING = auto()  # since the last step there was only quiet
    SPEECH = auto()
    PAUSE = auto()  # speech, and quiet after it that has lasted


class Beat:
    """Counts blocks since the last step that was due."""

    def __init__(self, every_s: float) -> None:
        self.heard = Heard.NOTHING
        self._every = max(1, round(every_s * RATE / BLOCK))
        self._since = 0
        self._quiet = 0

    def take(self, loud: bool) -> bool:  # one block is one bit
        """One more block; whether the model should be run now."""
        self._quiet = 0 if loud else self._quiet + 1
        if loud:
            self.heard = Heard.SPEECH
        if self.heard is not Heard.SPEECH:
            return False
        self._since += 1
        if self._quiet == PAUSE_BLOCKS:
            self.heard = Heard.PAUSE
        if self.heard is Heard.PAUSE or self._since >= self._every:
            self._since = 0
            return True
        return False

    def seen(self) -> None:
        """The model was given everything up to now."""
        self.heard = Heard.NOTHING
