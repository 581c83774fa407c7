"""Plain tables for a terminal."""

from collections.abc import Sequence

GAP = "  "


def columns(rows: Sequence[Sequence[str]], indent: str = GAP) -> list[str]:
    """One line a row, cells aligned at the left; a column that nobody fills takes no room."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (indent + GAP.join(c.ljust(w) for c, w in zip(row, widths, strict=True) if w)).rstrip()
        for row in rows
    ]


def size(count_bytes: int) -> str:
    """Bytes as people say them; empty for 0, which stands for unknown."""
    if count_bytes <= 0:
        return ""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if count_bytes >= unit:
            value = count_bytes / unit
            return f"{value:.3g} {name}" if value < 1000 else f"{value:.0f} {name}"
    return f"{count_bytes / 1000:.0f} kB"
