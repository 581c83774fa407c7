"""What a duplex model said, from the `word` and `heard` lines of a trace. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from agent.core.record import Line
from agent.lines import at_s, number_of, text_of


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the model said without a long pause.

    Attributes:
        said: all of its words; heard: those that were played, None where the trace does not say.
        start_s, end_s: seconds of the trace, as far as the model's sound had no gaps.
    """

    said: str
    heard: str | None
    start_s: float
    end_s: float


def utterances(lines: Iterable[Line]) -> tuple[Utterance, ...]:
    """In order of their first words."""
    found: dict[object, Utterance] = {}
    began_s = 0.0
    for line in lines:
        number = line.get("utterance")
        match line.get("event"):
            case "duplex":
                began_s = at_s(line)
            case "word" if isinstance(number, int):
                found[number] = _longer(found.get(number), line, began_s)
            case "heard" if number in found:
                found[number] = replace(found[number], heard=text_of(line, "text").strip())
    return tuple(found.values())


def _longer(before: Utterance | None, word: Line, began_s: float) -> Utterance:
    start_s, end_s = _bounds(word, began_s)
    text = text_of(word, "text").strip()
    if before is None:
        return Utterance(text, None, start_s, end_s)
    return replace(before, said=f"{before.said} {text}", end_s=end_s)


def _bounds(word: Line, began_s: float) -> Iterator[float]:
    """A word's place counts from the model's first sound; its own time where it has none."""
    for name in ("start_s", "end_s"):
        place_s = number_of(word, name)
        yield at_s(word) if place_s is None else began_s + place_s
