"""What the page draws from: the levels of both channels, and everything with a place in time."""

import base64
import json

import numpy as np

from agent.core.audio import Samples
from agent.core.calls import Json
from floorbench.activity import FRAME_S, Span
from floorbench.call.results import Results
from floorbench.recording import Recording

EMBEDDED_BYTES = 10_000_000
"""A recording up to this size is put into the page; a longer one is played from beside it."""


def picture(recording: Recording, results: Results) -> dict[str, Json]:
    """The timeline as JSON: two lanes, the floor band, captions, markers and reply gaps."""
    turns = [t for t in results.turns if t.caller_end_s is not None and t.onset_s is not None]
    return {
        "duration": round(recording.duration_s, 3),
        "bin": FRAME_S,
        "lanes": {
            "caller": _lane(recording.caller, recording.rate, results.caller),
            "agent": _lane(recording.agent, recording.rate, results.agent),
        },
        "floors": [[f.floor, round(f.start_s, 3), round(f.end_s, 3)] for f in results.floors],
        "captions": [
            {
                "who": c.who,
                "text": c.text,
                "unheard": c.unheard,
                "from": round(c.start_s, 3),
                "to": round(c.end_s, 3),
            }
            for c in results.captions
        ],
        "markers": [[m.kind, round(m.at_s, 3)] for m in results.markers],
        "gaps": [[t.caller_end_s, t.onset_s, t.premature] for t in turns],
    }


def script_json(value: Json) -> str:
    """JSON that may stand inside a script element: no character of it can end the element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def sound_address(wav: bytes, beside: str) -> str:
    """A data URL of the recording, or its name when it is too long to be put into the page."""
    if len(wav) > EMBEDDED_BYTES:
        return beside
    return "data:audio/wav;base64," + base64.b64encode(wav).decode("ascii")


def _lane(samples: Samples, rate: int, spans: tuple[Span, ...]) -> dict[str, Json]:
    """Peak and RMS of each 10 ms as bytes in base64, 255 being the loudest peak of the lane."""
    size = round(rate * FRAME_S)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    peak = np.max(np.abs(frames), axis=1) if len(frames) else np.zeros(0, np.float32)
    rms = np.sqrt(np.mean(frames**2, axis=1)) if len(frames) else peak
    loudest = max(float(peak.max(initial=0.0)), 1e-3)
    return {
        "peak": _bytes(peak / loudest),
        "rms": _bytes(rms / loudest),
        "spans": [[s.start_s, s.end_s] for s in spans],
    }


def _bytes(shares: Samples) -> str:
    return base64.b64encode(np.round(shares * 255).astype(np.uint8).tobytes()).decode("ascii")
