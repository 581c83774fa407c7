"""Two searches over the same sound: what is expected, and anything. Runs in the worker process.

Measured on the recorded people of docs/recognition.md, 2 shared cores, 2026-11-20:
    Without its second pass (fwdflat) PocketSphinx ends an utterance in 10 ms instead of 125, and
    gets as many words right.
    A cepstral mean of its own for each segment is worth more than anything else: with the built-in
    one 36 % of the words of read sentences and 61 % of those of short answers were wrong, with this
    one 27 % and 24 %.
    PocketSphinx 5.1.1 looks once more for the best path through the word lattice of a search that
    is over. In a grammar of 800 phrases that may take for ever: a bystander's quiet sentence was
    still being looked through after 100 s (2026-11-29). Only dictation does it here.
"""

from enum import Enum, auto
from typing import Any

from agent.core.errors import EngineFailed
from pipelines.engines.sphinx_grammars import Grammars
from pipelines.engines.sphinx_pronounce import Pronouncer
from pipelines.engines.sphinx_stable import Agreement
from pipelines.engines.sphinx_text import clean, difference

NAME = "pocketsphinx"

_RATE = 16_000
_BLOCK = 640
"""Bytes of one step, 20 ms. Always the same, so that results do not depend on how sound arrives."""

_BLOCKS_PER_HYPOTHESIS = 5
"""A partial every 100 ms; people do not say words faster."""

_AGREEING = 10
"""Hypotheses that must agree on a word: 1 s of sound. With half of it 1 % more words are wrong."""

_MEAN_BYTES = int(0.5 * _RATE) * 2
"""Sound of which the cepstral mean is taken before the search starts: the pre-roll and the first
0.2 s of speech. The search then catches up."""

_PRIOR_S = 1.0
"""Weight of the prior mean against that sound: as much as one second."""

_PRIOR = (53.1, 4.8, 2.6, 11.8, -4.1, -0.8, -4.1, -2.5, -1.1, -1.8, 1.3, -0.6, 2.6)
"""Mean over 55 utterances of people and flite, each with 0.3 s of silence before it."""

_LINE_TOLERANCE = 0.05
"""On a telephone line that much more; docs/recognition.md says why."""

_WARM_UP = "#JSGF V1.0;\ngrammar warm;\npublic <up> = yes;\n"
_DICTATION = {"fwdflat": False, "maxhmmpf": 3000, "pl_window": 10}
_GRAMMAR = {
    "lm": None, "fwdflat": False, "bestpath": False, "maxhmmpf": 3000, "silprob": 0.1, "wip": 0.2,
}  # fmt: skip
_SILENT = {"loglevel": "FATAL"}


class _Mode(Enum):
    IDLE = auto()
    WAITING = auto()  # for enough sound to take the mean of
    SEARCHING = auto()


class Searches:
    """A dictation and, where something is expected, a grammar search; one segment at a time."""

    def __init__(self, model: dict[str, str], tolerance: float) -> None:
        """Load the model twice, about 0.6 s.

        Args:
            model: keyword arguments of `pocketsphinx.Decoder` that choose the model's files.
            tolerance: see `PocketSphinxSettings`.
        """
        from pocketsphinx import Decoder  # noqa: PLC0415  # slow to import, and may be missing

        self._dictation: Any = Decoder(**_SILENT, **{**model, **_DICTATION})
        self._grammar: Any = Decoder(**_SILENT, **{**model, **_GRAMMAR})
        self._wide_tolerance = self._tolerance = tolerance
        self._pronouncer = Pronouncer(self._grammar)
        self._grammars = Grammars(self._grammar, self._pronouncer)
        self._mode = _Mode.IDLE
        self._active: list[Any] = [self._dictation]  # with the grammar's decoder after it, or not
        self._sound = bytearray()
        self._blocks = 0
        self._agreement = Agreement(_AGREEING)
        self._reported = ("", "")
        self._warm_up()

    def open(self, grammar: str) -> None:
        """Begin a segment; one that was left open is forgotten.

        Args:
            grammar: JSGF of what is expected; empty: anything.

        Raises:
            EngineFailed: the grammar cannot be used; the message says why.
        """
        if self._mode is _Mode.SEARCHING:
            self._end()
        self._mode = _Mode.IDLE
        if grammar:
            self._grammars.use(grammar)
        self._active = [self._dictation, self._grammar] if grammar else [self._dictation]
        self._sound.clear()
        self._blocks = 0
        self._agreement = Agreement(_AGREEING)
        self._reported = ("", "")
        self._tolerance = self._wide_tolerance
        self._mode = _Mode.WAITING

    def narrow(self) -> None:
        """This segment comes over a telephone."""
        self._tolerance = self._wide_tolerance + _LINE_TOLERANCE

    def feed(self, pcm: bytes) -> list[tuple[str, str]]:
        """Take 16-bit sound; stable and unstable words, each time they changed.

        Raises:
            EngineFailed: no segment is open.
        """
        self._expect_open()
        self._sound += pcm
        if self._mode is _Mode.WAITING and len(self._sound) >= _MEAN_BYTES:
            self._start()
        return self._search() if self._mode is _Mode.SEARCHING else []

    def finish(self) -> str:
        """End the segment; its final words.

        Raises:
            EngineFailed: no segment is open.
        """
        self._expect_open()
        if self._mode is _Mode.WAITING:
            self._start()
        self._search()
        if self._sound:
            self._process(bytes(self._sound))
        self._end()
        self._mode = _Mode.IDLE
        return self._agreement.finish(self._best(is_over=True))

    def _warm_up(self) -> None:
        """One second of silence: the first utterance scores differently from all later ones."""
        self._grammars.use(_WARM_UP)
        for decoder in (self._dictation, self._grammar):
            decoder.start_utt()
            decoder.process_raw(bytes(2 * _RATE))
            decoder.end_utt()

    def _expect_open(self) -> None:
        if self._mode is _Mode.IDLE:
            raise EngineFailed(NAME, "expected an open segment, found none; call open first")

    def _start(self) -> None:
        mean = self._mean(bytes(self._sound[:_MEAN_BYTES]))
        for decoder in self._active:
            decoder.reinit_feat()  # else its noise reduction remembers another call
            decoder.set_cmn(mean)
            decoder.start_utt()
        self._mode = _Mode.SEARCHING

    def _mean(self, pcm: bytes) -> str:
        """The prior cepstral mean, moved towards that of this sound."""
        if not pcm:
            return ",".join(map(str, _PRIOR))
        decoder = self._dictation
        decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(pcm, no_search=True, full_utt=True)
        decoder.end_utt()
        found = [float(value) for value in decoder.get_cmn().split(",")]
        share = _PRIOR_S / (_PRIOR_S + len(pcm) / 2 / _RATE)
        pairs = zip(_PRIOR, found, strict=True)
        return ",".join(f"{share * prior + (1 - share) * own:.4f}" for prior, own in pairs)

    def _search(self) -> list[tuple[str, str]]:
        changes: list[tuple[str, str]] = []
        while len(self._sound) >= _BLOCK:
            self._process(bytes(self._sound[:_BLOCK]))
            del self._sound[:_BLOCK]
            self._blocks += 1
            if self._blocks % _BLOCKS_PER_HYPOTHESIS == 0:
                words = self._agreement.take(self._best(is_over=False), *self._texts())
                if any(words) and words != self._reported:
                    changes.append(words)
                    self._reported = words
        return changes

    def _process(self, pcm: bytes) -> None:
        for decoder in self._active:
            decoder.process_raw(pcm)

    def _end(self) -> None:
        for decoder in self._active:
            decoder.end_utt()

    def _texts(self) -> list[str]:
        """What dictation has, and then the grammar if there is one."""
        return [_text(decoder) for decoder in self._active]

    def _best(self, *, is_over: bool) -> str:
        """The grammar's words where dictation heard nearly the same sounds, else dictation's.

        The grammar search makes words of its own out of anything; dictation is often wrong about
        words, but seldom about all their sounds. When the segment is over, the grammar's words
        must also be all of something that it expects.
        """
        texts = self._texts()
        dictated, expected = texts[0], texts[-1]
        if is_over and len(texts) > 1 and not self._grammars.is_whole(expected):
            return dictated
        phones = [self._pronouncer.phones(text) for text in (expected, dictated)]
        return expected if difference(*phones) <= self._tolerance else dictated


def _text(decoder: Any) -> str:
    found = decoder.hyp()
    return clean(found.hypstr) if found else ""
