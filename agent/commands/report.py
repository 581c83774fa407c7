"""`parley report`: figures and a picture of a recorded call."""

from pathlib import Path

from agent.commands.recorded import RECORDING, TRACE, report_on
from agent.core.errors import ConfigError


def report(folder: Path) -> int:
    """Write results.json and report.html into a folder with a recording; exit status."""
    for name in (RECORDING, TRACE):
        if not (folder / name).is_file():
            raise ConfigError(
                f"{folder}: expected {RECORDING} and {TRACE}, found no {name}; "
                "`parley demo` makes both"
            )
    report_on(folder)
    return 0
