"""Voice prompts and silence as a checkpoint's own codes. Before the codec begins to stream."""
# ruff: noqa: PLC0415  (torch takes seconds to import)

import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineUnavailable
from pipelines.engines.moshi_prompt import Silences
from pipelines.engines.moshi_settings import NAME

LONGEST_S = 30.0
"""A voice is known after ten seconds; every second of it takes a twelfth of a call's beginning."""

Codes = tuple[tuple[int, ...], ...]
"""By frame, by codebook."""


def voice_codes(mimi: Any, voices: Mapping[str, str], books: int) -> dict[str, Codes]:
    """Each voice prompt in the codec's own codes.

    Raises:
        EngineUnavailable: a file is missing, or is no WAV file of the right kind.
    """
    return {name: _codes(mimi, _read(path, mimi), books) for name, path in voices.items()}


def silences(mimi: Any, model: Any) -> Silences:
    """What a second of nothing ends in."""
    quiet = _codes(mimi, np.zeros(int(mimi.sample_rate), np.float32), mimi.num_codebooks)[-1]
    heard = model.num_codebooks - model.dep_q - 1
    return Silences(model.text_padding_token_id, quiet[: model.dep_q], quiet[:heard])


def _codes(mimi: Any, samples: Samples, books: int) -> Codes:
    import torch

    whole = samples[: len(samples) // mimi.frame_size * mimi.frame_size]
    device = next(mimi.parameters()).device
    codes = mimi.encode(torch.from_numpy(whole)[None, None].to(device))[0, :books]
    return tuple(tuple(frame) for frame in codes.T.cpu().tolist())


def _read(path: str, mimi: Any) -> Samples:
    try:
        with wave.open(str(Path(path).expanduser()), "rb") as file:
            found = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            count = min(file.getnframes(), round(LONGEST_S * file.getframerate()))
            data = file.readframes(count)
    except (OSError, EOFError, wave.Error) as fault:
        raise EngineUnavailable(NAME, f"voices: {path}: expected a WAV file: {fault}") from fault
    rate = int(mimi.sample_rate)
    if found != (1, 2, rate) or count < mimi.frame_size:
        raise EngineUnavailable(
            NAME,
            f"voices: {path}: expected one channel of 16 bits at {rate} Hz and at least "
            f"{mimi.frame_size} samples, found {found[0]} of {8 * found[1]} at {found[2]} Hz "
            f"and {count}",
        )
    return (np.frombuffer(data, "<i2") / np.float32(32768)).astype(np.float32)
