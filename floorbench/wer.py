"""How many words a recogniser gets wrong: `python -m floorbench.wer DIR`.

DIR holds `manifest.jsonl`, one recording a line: `path` of a WAV file in DIR, `kind`, which set it
belongs to, and `text`, what is said. Recordings without text are left out.

A word error is a word replaced, left out or put in; the word error rate is their number for each
word that was said. Before counting, texts are put in small letters, punctuation and notes in
brackets are dropped, and hesitations too, which no two transcribers write down alike.
"""

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.protocols import Expectation, Recognizer, SpeechDetector
from audio_io.wav_file import read_wav
from pipelines.cascade.listener import ListenerConfig
from pipelines.engines.pocketsphinx import PocketSphinx, PocketSphinxSettings
from pipelines.engines.silero import Silero, SileroSettings, SileroState

HESITATIONS = frozenset({"um", "uh", "er", "erm", "hm", "hmm", "mm", "ah"})
_FEED_S = 0.1
_NOTES = re.compile(r"\[[^\]]*\]|<[^>]*>")
_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class WordErrors:
    """How a recognised text differs from what was said.

    Attributes:
        words: how many were said.
        replaced: how many of them became others.
        left_out: how many of them are missing.
        put_in: how many words were not said at all.
    """

    words: int = 0
    replaced: int = 0
    left_out: int = 0
    put_in: int = 0

    def __add__(self, other: "WordErrors") -> "WordErrors":
        """Both together, as if of one text."""
        return WordErrors(
            self.words + other.words,
            self.replaced + other.replaced,
            self.left_out + other.left_out,
            self.put_in + other.put_in,
        )

    @property
    def errors(self) -> int:
        """Their number."""
        return self.replaced + self.left_out + self.put_in

    @property
    def rate(self) -> float:
        """Errors for each word said; above 1 where more was put in than said.

        Raises:
            ZeroDivisionError: nothing was said.
        """
        return self.errors / self.words


def normal(text: str) -> list[str]:
    """The words of a text that count."""
    plain = _NOTES.sub(" ", text.lower().replace("’", "'"))
    return [word for word in _WORD.findall(plain) if word not in HESITATIONS]


def word_errors(said: Sequence[str], recognised: Sequence[str]) -> WordErrors:
    """The fewest errors that lead from one to the other.

    Source: V. Levenshtein 1966; R. Wagner and M. Fischer 1974.
    """
    row = [WordErrors(len(said), put_in=n) for n in range(len(recognised) + 1)]
    for spoken in said:
        above, row = row, [row[0] + WordErrors(left_out=1)]
        for place, found in enumerate(recognised, 1):
            replaced = above[place - 1] + WordErrors(replaced=int(spoken != found))
            left_out = above[place] + WordErrors(left_out=1)
            put_in = row[place - 1] + WordErrors(put_in=1)
            row.append(min(replaced, left_out, put_in, key=lambda e: e.errors))
    return row[-1]


# --- recordings ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording of which it is known what is said."""

    kind: str
    text: str
    samples: Samples


def recordings(folder: Path, kinds: Sequence[str], rate: int) -> Iterator[Recording]:
    """Those of a folder's manifest that have a text and are of these kinds; no kinds: all."""
    with (folder / "manifest.jsonl").open(encoding="utf-8") as lines:
        for entry in map(json.loads, lines):
            if normal(entry.get("text") or "") and (not kinds or entry["kind"] in kinds):
                sound = read_wav(folder / entry["path"]).at(rate)
                yield Recording(entry["kind"], " ".join(normal(entry["text"])), sound)


def speech(
    detector: SpeechDetector[SileroState], samples: Samples, gap_s: float
) -> Iterator[AudioFrame]:
    """The stretches of speech, with the listener's pre-roll; pauses up to `gap_s` do not part them.

    What lies after the end is as much as the listener needs to be sure of it.
    """
    config, rate, size = ListenerConfig(), detector.rate, detector.step_samples
    state, spoken = detector.open(), []
    for start in range(0, len(samples) - size + 1, size):
        state, probability = detector.step(state, samples[start : start + size])
        if probability >= config.start_probability:
            spoken.append(start)
    gaps = [n for n in range(1, len(spoken)) if spoken[n] - spoken[n - 1] > gap_s * rate + size]
    end = 0
    for first, after in zip([0, *gaps], [*gaps, len(spoken)], strict=True):
        if after > first:
            start = max(end, spoken[first] - round(config.pre_roll_s * rate))
            end = min(len(samples), spoken[after - 1] + size + round(config.end_s * rate))
            yield AudioFrame(samples[start:end], rate, start)


# --- recognition --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood, and how long the final words took after the last sound, in seconds."""

    text: str
    final_s: tuple[float, ...]


async def understood(
    recognizer: Recognizer, stretches: Iterable[AudioFrame], expected: Expectation
) -> Understood:
    """Recognise the stretches of one recording, each as a segment."""
    texts, final_s = [], []
    for segment, sound in enumerate(stretches, 1):
        recognition = await recognizer.open(segment, expected)
        try:
            step = round(_FEED_S * sound.rate)
            for start in range(0, len(sound.samples), step):
                part = sound.samples[start : start + step]
                await recognition.feed(AudioFrame(part, sound.rate, sound.start + start))
            asked_s = time.perf_counter()
            texts.append((await recognition.finish()).text)
            final_s.append(time.perf_counter() - asked_s)
        finally:
            await recognition.close()
    return Understood(" ".join(texts), tuple(final_s))


@dataclass(slots=True)
class Row:
    """The figures of one set."""

    kind: str
    count: int = 0
    free: WordErrors = WordErrors()
    parted: WordErrors = WordErrors()
    expected: WordErrors = WordErrors()
    refused: int = 0
    accepted: int = 0
    final_s: tuple[float, ...] = ()

    def line(self) -> str:
        """One line of the table."""
        final_ms = [s * 1e3 for s in self.final_s]
        cells = (
            *(self.kind, str(self.count), str(self.free.words)),
            *(f"{e.rate:.0%}" for e in (self.free, self.parted, self.expected)),
            *(f"{n / self.count:.0%}" for n in (self.refused, self.accepted)),
            *(f"{statistics.median(final_ms):.0f}", f"{np.percentile(final_ms, 95):.0f}"),
        )
        return f"| {' | '.join(cells)} |"


HEADING = """\
| set | recordings | words | dictation | dictation, parted | expected | refused | taken for | \
final ms | 95 % |
|---|---|---|---|---|---|---|---|---|---|"""


async def measured(
    recognizer: Recognizer, detector: SpeechDetector[SileroState], heard: Sequence[Recording]
) -> Row:
    """The figures of one set: dictation, and with the set's own texts as what is expected."""
    row = Row(heard[0].kind)
    texts = tuple(dict.fromkeys(recording.text for recording in heard))
    for recording in heard:
        said = recording.text.split()
        whole = list(speech(detector, recording.samples, gap_s=60.0))
        parts = list(speech(detector, recording.samples, ListenerConfig().end_s))
        others = Expectation(tuple(text for text in texts if text != recording.text))
        free = await understood(recognizer, whole, Expectation())
        parted = await understood(recognizer, parts, Expectation())
        known = await understood(recognizer, whole, Expectation(texts))
        wrong = await understood(recognizer, whole, others)
        row.count += 1
        row.free += word_errors(said, normal(free.text))
        row.parted += word_errors(said, normal(parted.text))
        row.expected += word_errors(said, normal(known.text))
        row.refused += " ".join(normal(known.text)) not in texts
        row.accepted += " ".join(normal(wrong.text)) in others.phrases
        row.final_s += parted.final_s + known.final_s
    return row


async def report(folder: Path, kinds: Sequence[str]) -> None:
    """Measure PocketSphinx on the recordings and print a table, a set a line."""
    detector = Silero.load(SileroSettings())
    recognizer = PocketSphinx.load(PocketSphinxSettings(decoders=1))
    try:
        found = list(recordings(folder, kinds, recognizer.rate))
        sys.stdout.write(HEADING + "\n")
        for kind in dict.fromkeys(recording.kind for recording in found):
            row = await measured(recognizer, detector, [r for r in found if r.kind == kind])
            sys.stdout.write(row.line() + "\n")
            sys.stdout.flush()
    finally:
        recognizer.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="floorbench.wer", description="word error rates")
    parser.add_argument("folder", type=Path, help="recordings and their manifest.jsonl")
    parser.add_argument("--kind", action="append", default=[], help="only this set; repeatable")
    options = parser.parse_args()
    asyncio.run(report(options.folder, options.kind))


if __name__ == "__main__":
    main()
