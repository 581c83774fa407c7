"""A delayed-streams recogniser and its batch: some slots hear, the others stand still. Blocking.

The twin of `moshi_batch` for a model that says nothing: each frame of sound gives one text token,
as much later as its delay, and the opinion of a head on whether the speaker is done.
"""
# ruff: noqa: PLC0415  (torch takes seconds to import)

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from agent.core.audio import Samples
from agent.core.duplex import DuplexPrompt
from agent.core.errors import EngineFailed
from pipelines.engines.moshi_batch import Answer, Stepped
from pipelines.engines.moshi_laps import laps_of
from pipelines.engines.moshi_load import LoadedMoshi
from pipelines.engines.moshi_rows import streaming

NAME = "kyutai-stt"

PAUSE_HEAD = 2
"""Which of the extra heads tells whether the speaker is done: the first value of its softmax.
Source: kyutai-labs/delayed-streams-modeling, scripts/stt_from_mic_mlx.py, `vad_heads[2]`."""


class KyutaiBatch:
    """A fixed number of slots on one model. Used from one thread only."""

    def __init__(self, loaded: LoadedMoshi, slots: int) -> None:
        """Takes the model for good: one model can carry one batch."""
        import torch

        self._torch = torch
        self._mimi, self._generator = loaded.mimi, loaded.generator
        self._device = loaded.generator.lm_model.device
        self._has_head = len(loaded.generator.lm_model.extra_heads) > PAUSE_HEAD
        self.words, self.slots = loaded.words, slots
        self.rate = int(self._mimi.sample_rate)
        self.frame_samples = int(self._mimi.frame_size)
        self._fresh = set(range(slots))
        self._frames = np.zeros((slots, 1, self.frame_samples), np.float32)
        self._streaming, self._codec, self._writer = streaming(
            self._mimi, self._generator, slots, self._device
        )

    def told(self, prompt: DuplexPrompt) -> NoReturn:
        """Raises EngineFailed: it takes no prompt."""
        raise EngineFailed(NAME, f"expected no prompt, found {prompt}")

    def wipe(self, slots: Iterable[int]) -> None:
        """Make these rows as new."""
        rows = list(slots)
        self._codec.reset(rows)
        self._writer.reset(rows)
        self._frames[rows] = 0
        self._fresh.update(rows)

    def begin_anew(self, slots: Iterable[int]) -> None:
        """The same: nothing of what was heard is kept."""
        self.wipe(slots)

    def step(self, frames: Mapping[int, Samples]) -> Stepped:
        """One frame for each of these slots, float32 [frame_samples], −1..1 and finite.

        The rows of the other slots stay as they are.
        """
        laps, rows = laps_of(self._torch, self._device.type), sorted(frames)
        for row in rows:
            self._frames[row, 0] = frames[row]
        self._codec.let_step(rows)
        codes = self._mimi.encode(self._torch.from_numpy(self._frames).to(self._device))
        laps.mark()
        self._hear_first(codes, rows)
        self._writer.let_step(rows)
        tokens, heads = self._generator.step_with_extra_heads(codes)
        text = tokens[:, 0, 0].cpu().tolist()
        laps.mark()
        ends = heads[PAUSE_HEAD][:, 0, 0].float().cpu().tolist() if self._has_head else None
        laps.mark()
        laps.mark()
        answers = {row: Answer(None, text[row], ends[row] if ends else None) for row in rows}
        return Stepped(answers, laps.taken())

    def force(self, forced: Mapping[int, Any]) -> None:
        """Nothing: it takes no prompt."""

    def close(self) -> None:
        """Give the model's streaming state back."""
        self._streaming.close()

    def _hear_first(self, codes: Any, rows: Iterable[int]) -> None:
        """The model takes a stream's first frame for its past, so it is given twice.

        Source: moshi 0.2.13, run_inference.py, `first_frame`.
        """
        if first := self._fresh.intersection(rows):
            self._writer.let_step(first)
            self._generator.step(codes)
            self._fresh -= first
