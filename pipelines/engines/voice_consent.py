"""Speaking with somebody's voice: only where they said that they agree, on a recording."""

import wave
from pathlib import Path

from agent.core.errors import EngineUnavailable

LEAST_S = 2.0
"""Nobody says that they agree in less."""


def agreed(engine: str, sample: str, consent: str) -> None:
    """Let a voice be cloned from `sample` if `consent` is a recording of its owner agreeing.

    That the recording says so, nobody but a person can check; that there is one, is checked here.

    Raises:
        EngineUnavailable: there is none, or nothing can be on it.
    """
    ask = (
        "Record the person saying that they agree to their voice being used for this, and set "
        'consent = "file.wav"'
    )
    if not consent:
        raise EngineUnavailable(engine, f"{sample} is the voice of a person. {ask}")
    if Path(consent).resolve() == Path(sample).resolve():
        raise EngineUnavailable(engine, f"consent: {consent} is the voice sample itself. {ask}")
    try:
        with wave.open(consent, "rb") as recording:
            length_s = recording.getnframes() / recording.getframerate()
    except (OSError, EOFError, wave.Error) as fault:
        raise EngineUnavailable(
            engine, f"consent: expected a WAV file, found {consent}: {fault}. {ask}"
        ) from fault
    if length_s < LEAST_S:
        raise EngineUnavailable(
            engine, f"consent: {consent} lasts {length_s:.1f} s, too short to agree in. {ask}"
        )
