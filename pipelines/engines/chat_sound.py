"""Sound as a chat API takes it: part of a message, a WAV file in base64."""

import base64
import io
import wave

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import Json


def to_part(sound: AudioFrame) -> dict[str, Json]:
    """The `input_audio` part of a message: mono, 16 bit, at the sound's own rate."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(sound.rate)
        wav.writeframes((np.clip(sound.samples, -1, 1) * 32767).astype("<i2").tobytes())
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
