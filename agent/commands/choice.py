"""What `auto` chose, and why, for a terminal."""

import textwrap

from agent.auto import Choice, Reason
from agent.commands.columns import columns

_WIDTH, _INDENT = 96, 15


def told(choice: Choice) -> list[str]:
    """A line for each part; below it, what would have been better and why it was not taken."""
    rows = columns([(r.section, r.taken, f"({r.why})") for r in choice.reasons])
    lines = ["auto takes the best of what is on this machine:"]
    for row, reason in zip(rows, choice.reasons, strict=True):
        lines += [row, *_passed(reason)]
    if any(reason.passed for reason in choice.reasons):
        lines.append("  docs/models.md says how to get what is missing")
    return lines


def _passed(reason: Reason) -> list[str]:
    return [
        line
        for lack, labels in reason.passed.items()
        for line in textwrap.wrap(
            f"{lack}: {', '.join(labels)}",
            _WIDTH,
            initial_indent=" " * _INDENT,
            subsequent_indent=" " * (_INDENT + 2),
        )
    ]
