"""Figures of one engine, and the table of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

HEAD = (
    "| engine | weights | first partial | finalisation | first token | next turn | first audio "
    "| real-time factor | memory | after closing |"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; None where it does not apply. Times are medians.

    Attributes:
        first_partial_s: from the first sample of speech, given in real time, to the first words.
        final_s: from the end of the segment to its final words.
        first_token_s: from the question to the first text, the prompt being new.
        next_turn: time to the first text of the next turn, as a share of that.
        first_audio_s: from the words to the first sound.
        real_time_factor: computing time for a second of sound, heard or spoken.
        memory_mb: what the engine and its library added to the process, its own included.
        after_mb: what of that is left once it was closed.
        notes: lines below the table.
    """

    first_partial_s: float | None = None
    final_s: float | None = None
    first_token_s: float | None = None
    next_turn: float | None = None
    first_audio_s: float | None = None
    real_time_factor: float | None = None
    memory_mb: float | None = None
    after_mb: float | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One engine of the table: its figures, or in one sentence why there are none."""

    engine: str
    weights: str
    found: Figures | str


def table(rows: Iterable[Row]) -> str:
    """As Markdown; the notes below it."""
    rows = list(rows)
    columns = HEAD.count("|") - 1
    lines = [HEAD, "|" + "---|" * columns, *(_line(row) for row in rows)]
    for row in rows:
        if isinstance(row.found, Figures) and row.found.notes:
            lines += ["", f"{row.engine}, {row.weights}:", ""]
            lines += [f"- {note}" for note in row.found.notes]
    return "\n".join(lines)


def _line(row: Row) -> str:
    f = row.found
    if isinstance(f, str):
        return f"| {row.engine} | {f} |" + " |" * (HEAD.count("|") - 3)
    cells = (
        _time(f.first_partial_s),
        _time(f.final_s),
        _time(f.first_token_s),
        "" if f.next_turn is None else f"{f.next_turn:.0%}",
        _time(f.first_audio_s),
        "" if f.real_time_factor is None else f"{f.real_time_factor:.3f}",
        "" if f.memory_mb is None else f"{f.memory_mb:.0f} MB",
        "" if f.after_mb is None else f"{f.after_mb:.0f} MB",
    )
    return f"| {row.engine} | {row.weights} | " + " | ".join(cells) + " |"


def _time(length_s: float | None) -> str:
    if length_s is None:
        return ""
    return f"{length_s * 1e3:.1f} ms" if length_s < 0.1 else f"{length_s * 1e3:.0f} ms"
