"""A delayed-streams voice and its batch: some slots speak, the others stand still. Blocking.

The twin of `kyutai_batch` for a model that reads words and speaks them: moshi's own state machine
hands it the words, one by one, when it asks for them. The sound follows the text by a fixed delay.
"""
# ruff: noqa: PLC0415  (torch takes seconds to import)

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineUnavailable
from pipelines.engines.kyutai_voice_load import NAME, LoadedVoice
from pipelines.engines.moshi_rows import streaming

_BEFORE = 2
"""Frames at the beginning that are thrown away, for they click.

Source: moshi 0.2.13, models/tts.py, `simple_generate`."""

_SPACING = 1
"""Frames between words at least, which makes the voice articulate better. Source: the same."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one slot got from one step.

    Attributes:
        samples: float32 [frame_samples]; None while the delay fills.
        words: where the words of its text begin, in samples of its sound, as far as is known.
        is_over: this was the last.
    """

    samples: Samples | None
    words: tuple[int, ...]
    is_over: bool


@dataclass(slots=True)
class _Row:
    """One text being spoken.

    Attributes:
        state: of moshi's machine.
        edges: how many of the machine's entries each word has, added up.
        steps: that it has made.
    """

    state: Any
    edges: list[int]
    steps: int = 0


class KyutaiVoiceBatch:
    """A fixed number of slots on one model. Used from one thread only."""

    def __init__(self, loaded: LoadedVoice, slots: int) -> None:
        """Takes the model for good: one model can carry one batch."""
        import torch
        from moshi.models import LMGen

        self._torch, self._loaded, self.slots = torch, loaded, slots
        self._model, self._mimi = loaded.tts.lm, loaded.tts.mimi
        self._device = self._model.device
        self.rate = int(self._mimi.sample_rate)
        self.frame_samples = int(self._mimi.frame_size)
        self._rows: dict[int, _Row] = {}
        self._stepping: list[int] = []
        self._generator = LMGen(
            self._model,
            temp=loaded.temperature,
            temp_text=loaded.temperature,
            condition_tensors=loaded.conditions(slots),
            on_text_hook=self._next_texts,
            on_audio_hook=self._hush_before_the_delay,
            support_out_of_sync=True,
        )
        self._unheard = self._nothing(self._model.n_q - self._model.dep_q)
        self._unsaid = self._nothing(self._model.dep_q)
        self._streaming, self._codec, self._reader = streaming(
            self._mimi, self._generator, slots, self._device
        )
        self._warm()

    def begin(self, slot: int, text: str) -> None:
        """The slot has this to say; whatever it was saying is forgotten. Spaces part its words."""
        from moshi.models.tts import script_to_entries

        tts, entries, counts = self._loaded.tts, list[Any](), list[int]()
        for word in text.split():
            found = script_to_entries(
                tts.tokenizer, tts.machine.token_ids, self._mimi.frame_rate, [word],
                multi_speaker=not entries, padding_between=_SPACING,
            )  # fmt: skip
            entries += found
            counts.append(len(found))
        self._rows[slot] = _Row(tts.machine.new_state(entries), [0, *accumulate(counts)][:-1])
        self._codec.reset([slot])
        self._reader.reset([slot])

    def step(self, slots: Iterable[int]) -> Mapping[int, Spoken]:
        """The next frame of each of these slots; the rows of the others stay as they are."""
        self._stepping = sorted(slots)
        self._reader.let_step(self._stepping)
        late = self._loaded.tts.delay_steps
        is_early = all(self._rows[slot].steps < late for slot in self._stepping)
        # Where nobody is to be heard yet, the depth model, most of a step's work, is left out.
        tokens = self._generator.step(self._unheard, self._unsaid if is_early else None)
        for slot in self._stepping:
            self._rows[slot].steps += 1
        speaking = [slot for slot in self._stepping if self._frame(slot) >= 0]
        sound: Any = None
        if speaking:
            self._codec.let_step(speaking)
            sound = self._mimi.decode(tokens[:, 1:].clamp(min=0))[:, 0].float().cpu().numpy()
        return {
            slot: self._spoken(slot, sound[slot] if slot in speaking else None)
            for slot in self._stepping
        }

    def close(self) -> None:
        """Give the model's streaming state back."""
        self._streaming.close()

    def _warm(self) -> None:
        """Kernels and CUDA graphs are there after a sentence, and weights that give no numbers are
        found out."""
        self.begin(0, "Hello.")
        while not (spoken := self.step([0])[0]).is_over:
            if spoken.samples is not None and not np.isfinite(spoken.samples).all():
                raise EngineUnavailable(NAME, "expected weights that speak, found no numbers")

    def _nothing(self, codebooks: int) -> Any:
        shape = (self.slots, codebooks, 1)
        return self._torch.full(shape, -1, dtype=self._torch.long, device=self._device)

    def _frame(self, slot: int) -> int:
        """Which step's words the sound of the last step is; below 0: it is none yet."""
        late = int(self._generator.max_delay + self._loaded.tts.delay_steps)
        return self._rows[slot].steps - 1 - late

    def _spoken(self, slot: int, sound: Samples | None) -> Spoken:
        row, frame = self._rows[slot], self._frame(slot)
        end = row.state.end_step
        samples = np.clip(sound, -1, 1) if sound is not None and frame >= _BEFORE else None
        return Spoken(samples, self._words(row), end is not None and frame > end)

    def _words(self, row: _Row) -> tuple[int, ...]:
        """A word begins with the first entry of it, or of a later one, that was handed in."""
        steps = row.state.consumption_times
        return tuple(
            max(0, steps[edge] - _BEFORE) * self.frame_samples
            for edge in row.edges
            if edge < len(steps)
        )

    def _next_texts(self, tokens: Any) -> None:
        """The model says for each row whether it wants a word, int64 [slots]: what it gets."""
        machine, asked = self._loaded.tts.machine, tokens.tolist()
        for slot in self._stepping:
            row = self._rows[slot]
            asked[slot], _ = machine.process(row.steps, row.state, asked[slot])
        tokens.copy_(self._torch.tensor(asked, device=self._device))

    def _hush_before_the_delay(self, tokens: Any) -> None:
        """No sound belongs to the steps before the first word's: int64 [slots, codebooks]."""
        delays = self._model.delays[self._model.audio_offset :][: tokens.shape[1]]
        quiet = self._torch.zeros(tokens.shape, dtype=self._torch.bool)
        for slot in self._stepping:
            steps, late = self._rows[slot].steps, self._loaded.tts.delay_steps
            if steps < late + max(delays):
                quiet[slot] = self._torch.tensor([steps < late + delay for delay in delays])
        tokens.masked_fill_(quiet.to(self._device), -1)
