"""From a folder with one recorded call to its figures and its page."""

import json
from pathlib import Path

from agent.core.errors import ParleyError
from agent.metrics import call_figures
from agent.trace import read_trace
from floorbench.call.ear import listen
from floorbench.call.page import page
from floorbench.call.picture import sound_address
from floorbench.call.results import Results, as_json
from floorbench.call.scoring import score
from floorbench.recording import read_recording

RECORDING = "call.wav"
TRACE = "trace.jsonl"
RESULTS = "results.json"
PAGE = "report.html"


def write_report(folder: Path) -> Results:
    """Reads `call.wav` and `trace.jsonl`, writes `results.json` and `report.html` beside them.

    Raises:
        ParleyError: a file is missing, or is not what its name says.
    """
    wav, trace = folder / RECORDING, folder / TRACE
    missing = [path.name for path in (wav, trace) if not path.is_file()]
    if missing:
        raise ParleyError(
            f"{folder}: expected {RECORDING} and {TRACE}, found no {' and no '.join(missing)}; "
            "name the folder of a recorded call"
        )
    recording = read_recording(wav)
    results = score(listen(recording), call_figures(read_trace(trace)))
    text = json.dumps(as_json(results), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / RESULTS).write_text(text + "\n", encoding="utf-8")
    html = page(results, recording, sound_address(wav.read_bytes(), RECORDING))
    (folder / PAGE).write_text(html, encoding="utf-8")
    return results
