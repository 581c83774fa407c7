"""The report of a whole run: one page with every figure, every session and every failure."""

from pathlib import Path

from agent.core.errors import ParleyError
from floorbench.compare import Comparison
from floorbench.report.page import curve_page, page
from floorbench.report.peaks import Recordings
from floorbench.results import FloorResults
from floorbench.sweep import Curve

PAGE = "report.html"
CURVE_PAGE = "sweep.html"


def write_report(
    folder: Path,
    results: FloorResults,
    comparison: Comparison | None = None,
    curve: Curve | None = None,
    found_at: Recordings | None = None,
) -> Path:
    """Write `report.html` into a folder, and say where it is.

    Sessions whose recording is not found are told in words alone; it is looked for in the folder,
    unless `found_at` says where else.

    Raises:
        ParleyError: it cannot be written.
    """
    html = page(found_at or Recordings(folder, folder), results, comparison, curve)
    return _written(folder / PAGE, html)


def write_curve(folder: Path, curve: Curve) -> Path:
    """Write `sweep.html` into a folder, and say where it is. Raises ParleyError."""
    return _written(folder / CURVE_PAGE, curve_page(curve))


def _written(path: Path, html: str) -> Path:
    try:
        path.write_text(html, encoding="utf-8", errors="replace")
    except OSError as fault:
        raise ParleyError(
            f"{path}: expected to write a report there, found {fault.strerror}; "
            "choose another folder"
        ) from fault
    return path
