"""What can be seen and heard of the sessions: small waveforms of all, sound of the worst."""

import base64
import io
import math
import os
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ParleyError
from floorbench.activity import Span
from floorbench.recording import Recording, read_recording
from floorbench.results import FloorResults
from floorbench.score.outcome import SessionResult
from floorbench.session_files import RECORDING, SESSIONS

PICTURE_BYTES = 2_500_000
"""All waveforms together; a longer run is drawn in coarser steps."""
LEAST_BIN_S = 0.05
_BASE64 = 4 / 3


@dataclass(frozen=True, slots=True)
class Drawn:
    """The waveforms of a session as base64 of one byte a bin, 255 the loudest of the lane.

    Attributes:
        address: of the recording, from the page.
    """

    caller: str
    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Recordings:
    """Where the recordings of a run are.

    Attributes:
        page: the folder of the page, from which they are addressed.
        run: a folder with `sessions/ID/session.wav`.
        single: instead of that, the one recording of a run that had no more.
    """

    page: Path
    run: Path
    single: Path | None = None

    def of(self, session: SessionResult) -> Path | None:
        """A session's recording; None where there is none, or its name leads elsewhere."""
        is_one_name = Path(session.id).name == session.id
        path = self.single or self.run / SESSIONS / session.id / RECORDING
        return path if (is_one_name or self.single) and path.is_file() else None

    def address(self, path: Path) -> str:
        """Of a recording, as the page links it."""
        return quote(Path(os.path.relpath(path, self.page)).as_posix())


def bin_s(results: FloorResults) -> float:
    """Seconds of sound in one byte, in whole 10 ms."""
    total_s = sum(s.duration_s for s in results.sessions)
    wanted_s = 2 * _BASE64 * total_s / PICTURE_BYTES
    return max(LEAST_BIN_S, math.ceil(wanted_s * 100) / 100)


def drawn(found_at: Recordings, results: FloorResults) -> Mapping[str, Drawn]:
    """The waveforms by session; those whose recording cannot be read are left out."""
    size_s = bin_s(results)
    found = {}
    for session in results.sessions:
        path = found_at.of(session)
        recording = _read(path) if path is not None else None
        if path is not None and recording is not None:
            size = round(recording.rate * size_s)
            found[session.id] = Drawn(
                _lane(recording.caller, size),
                _lane(recording.agent, size),
                found_at.address(path),
            )
    return found


def excerpt(path: Path, span: Span) -> str:
    """A stretch of a recording as a data URL; empty when it cannot be read."""
    recording = _read(path)
    if recording is None:
        return ""
    start, end = (max(round(t * recording.rate), 0) for t in (span.start_s, span.end_s))
    both = np.stack([recording.caller[start:end], recording.agent[start:end]], axis=1)
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(recording.rate)
        file.writeframes((both * 32768).clip(-32768, 32767).astype("<i2").tobytes())
    return "data:audio/wav;base64," + base64.b64encode(held.getvalue()).decode("ascii")


def _read(path: Path) -> Recording | None:
    try:
        return read_recording(path)
    except (ParleyError, OSError):
        return None  # the session's own notices say what is wrong with it


def _lane(samples: Samples, size: int) -> str:
    whole = np.abs(samples[: len(samples) // size * size]).reshape(-1, size)
    peak = whole.max(axis=1) if len(whole) else np.zeros(0, np.float32)
    loudest = max(float(peak.max(initial=0.0)), 1e-3)
    lane = np.round(peak / loudest * 255).astype(np.uint8)
    return base64.b64encode(lane.tobytes()).decode("ascii")
