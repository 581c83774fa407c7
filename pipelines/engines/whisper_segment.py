"""One segment as Whisper hears it: which sound to give next, and what follows. Pure."""

import numpy as np

from agent.core.audio import Samples
from agent.core.events import Transcript
from pipelines.engines.whisper_agreement import Agreement
from pipelines.engines.whisper_beat import Beat, Heard
from pipelines.engines.whisper_guard import believed
from pipelines.engines.whisper_window import BLOCK, RATE, Window, place_to_cut
from pipelines.engines.whisper_words import Hypothesis, ended, prompt, texts

PROMPT_CHARACTERS = 200
"""About 50 tokens of what was said before the window; every one is decoded again at each step."""


LANGUAGE_S = 2.0
"""Sound by which a language is known; with less, each step finds out again, at no great cost."""


class WhisperSegment:
    """Sound comes in blocks; a step is `samples` and `before` to the model, its answer to `take`.

    Attributes:
        language: of the segment, once it is known; empty before.
    """

    def __init__(self, segment: int, language: str, every_s: float, hardest_s: float) -> None:
        """`hardest_s` is the longest window."""
        self.language = language
        self._segment = segment
        self._hardest = round(hardest_s * RATE)
        self._window = Window()
        self._agreement = Agreement()
        self._beat = Beat(every_s)
        self._rest: Samples = np.zeros(0, np.float32)  # less than a block

    @property
    def position(self) -> int:
        """Samples taken in, in whole blocks."""
        return self._window.end

    @property
    def is_covered(self) -> bool:
        """The last hypothesis holds everything that was said; since then there was only quiet."""
        return self._beat.heard is Heard.NOTHING

    def blocks(self, samples: Samples) -> list[Samples]:
        """What was left over and these samples, float32 [n], as blocks; the rest waits."""
        sound = np.concatenate([self._rest, samples], dtype=np.float32)
        whole = len(sound) - len(sound) % BLOCK
        self._rest = sound[whole:]
        return [sound[at : at + BLOCK] for at in range(0, whole, BLOCK)]

    def append(self, block: Samples) -> bool:
        """One block, float32 [BLOCK]; whether the model should be run now."""
        due = self._beat.take(self._window.append(block))
        if self._window.end - self._window.start > self._hardest:
            self._shorten()
        return due

    def flush(self) -> None:
        """No more sound is coming: what was left over counts too."""
        if len(self._rest):
            missing = BLOCK - len(self._rest)
            for block in self.blocks(np.zeros(missing, np.float32)):
                self.append(block)

    def samples(self) -> Samples:
        """What the model should hear now, float32 [n] at RATE."""
        return self._window.samples()

    def before(self) -> str:
        """What was said before those samples."""
        certain = self._agreement.certain
        gone = ended(certain, self._window.start)
        return prompt(certain[max(0, gone - PROMPT_CHARACTERS) : gone], PROMPT_CHARACTERS)

    def take(self, hypothesis: Hypothesis) -> Transcript:
        """The model's answer, with places counted from the first sample of the window."""
        window = self._window
        if window.end - window.start >= LANGUAGE_S * RATE:
            self.language = hypothesis.language
        moved = hypothesis.moved(window.start)
        self._agreement.take(believed(moved, window), window.start, window.end)
        self._beat.seen()
        window.cut(place_to_cut(self._agreement.certain, window.start, window.end))
        return self.transcript()

    def transcript(self) -> Transcript:
        """The words so far."""
        known = self._agreement
        return Transcript(self._segment, texts(known.certain), texts(known.guess))

    def final(self) -> Transcript:
        """The words, as they will stay."""
        return Transcript(self._segment, self.transcript().text, final=True)

    def _shorten(self) -> None:
        """Nothing became certain for too long: believe the first half, and go on behind it."""
        middle = self._window.end - self._hardest // 2
        self._agreement.settle(middle)
        self._window.cut(middle)
