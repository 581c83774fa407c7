"""The report of a whole run: one page with every figure, every session and every failure."""

from pathlib import Path

from agent.core.errors import ParleyError
from floorbench.compare import Comparison
from floorbench.report.page import page
from floorbench.results import FloorResults
from floorbench.sweep import Curve

PAGE = "report.html"


def write_report(
    folder: Path,
    results: FloorResults,
    comparison: Comparison | None = None,
    curve: Curve | None = None,
) -> Path:
    """Write `report.html` beside the run's recordings, and say where it is.

    Sessions whose recording is not in `folder` are told in words alone.

    Raises:
        ParleyError: it cannot be written.
    """
    path = folder / PAGE
    html = page(folder, results, comparison, curve)
    try:
        path.write_text(html, encoding="utf-8", errors="replace")
    except OSError as fault:
        raise ParleyError(
            f"{path}: expected to write a report there, found {fault.strerror}; "
            "choose another folder"
        ) from fault
    return path
