"""A caller's pause as the turn predictor saw it, and whether the turn was over."""

import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.core.audio import AudioFrame
from agent.core.protocols import Pause
from floorbench.session import Expect, Session

NEAR_S = 0.35
"""The voice activity may end this much later than the sound."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The predictor was asked, `since_s` after the voice activity ended."""

    since_s: float
    silence_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A pause with its truth.

    Attributes:
        source: rendered, recorded, or held out.
        place: where in the turn: smooth, open, closed, filler, number, natural.
        text: what was really said in the whole turn.
        late_s: from the last sound to the first question.
        gone_on_s: silence after which the caller went on; None where the turn was over.
        last: the last question: its sound holds that of all the others.
    """

    source: str
    place: str
    text: str
    late_s: float
    gone_on_s: float | None
    asked: tuple[Asked, ...]
    last: Pause

    def pauses(self) -> list[Pause]:
        """Every question as it was asked."""
        return [self._at(asked) for asked in self.asked]

    def _at(self, asked: Asked) -> Pause:
        audio = self.last.audio
        later = round((self.last.silence_s - asked.silence_s) * audio.rate)
        samples = audio.samples[: len(audio.samples) - later]
        heard = AudioFrame(samples, audio.rate, audio.start)
        return replace(self.last, audio=heard, silence_s=asked.silence_s, text=asked.text)


def labelled(session: Session, asked: Sequence[tuple[float, Pause]]) -> Iterator[Labelled]:
    """The pauses inside and after the turns of a session; `asked` are seconds and questions."""
    for run in _runs(asked):
        quiet_s = run[0][0] - run[0][1].silence_s
        for turn in session.events:
            if turn.expect is not Expect.REPLY:
                continue
            if not turn.t_on <= quiet_s <= turn.t_off + NEAR_S:
                continue
            spoken = [part.end_s for part in turn.parts if part.end_s <= quiet_s + 0.1]
            later = [part.start_s for part in turn.parts if part.start_s > quiet_s]
            ended_s = max(spoken, default=quiet_s)
            yield Labelled(
                "rendered",
                str(turn.params.get("place", "smooth")),
                str(turn.params.get("text", "")),
                run[0][0] - ended_s,
                min(later) - ended_s if later else None,
                tuple(Asked(t - run[0][0], pause.silence_s, pause.text) for t, pause in run),
                run[-1][1],
            )


def _runs(asked: Sequence[tuple[float, Pause]]) -> Iterator[list[tuple[float, Pause]]]:
    """The questions of each pause: the silence only grows within one."""
    run: list[tuple[float, Pause]] = []
    for item in asked:
        if run and item[1].silence_s <= run[-1][1].silence_s:
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def source_of(text: str, speech: Path) -> str:
    """Recorded or held out, by the place of the file with these words among all, by path."""
    lines = (speech / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = sorted((json.loads(line) for line in lines), key=lambda row: str(row["path"]))
    people = [row for row in rows if row["kind"] in ("speech", "short", "disfluent", "digits")]
    for index, row in enumerate(people):
        if (row.get("text") or Path(row["path"]).stem) == text:
            return "held out" if index % 2 else "recorded"
    return "rendered"


def load(path: Path) -> list[Labelled]:
    """What `collect` wrote. Only for files of one's own: a pickle can run anything."""
    with path.open("rb") as file:
        found: list[Labelled] = pickle.load(file)
    return found
