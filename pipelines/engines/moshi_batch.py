"""One Moshi model and its batch: some slots step, the others stand still. Blocking.

Every slot is one row of every tensor, taken or not, so that CUDA graphs hold; a row is wiped before
it is used again. Runs in the engine's own thread.
"""
# ruff: noqa: PLC0415  (torch takes seconds to import)

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.duplex import DuplexPrompt
from agent.core.errors import EngineFailed, EngineUnavailable
from pipelines.engines.moshi_laps import LapClock, Laps, laps_of
from pipelines.engines.moshi_load import LoadedMoshi
from pipelines.engines.moshi_prompt import Forced, delayed, prompt_frames
from pipelines.engines.moshi_rows import streaming
from pipelines.engines.moshi_settings import NAME

WARM_STEPS = 4
"""Compiled code, kernels and CUDA graphs are there after that many."""


TEXT_TOKENS = 500
"""A longer text prompt would fill a sixth of Moshi's context before the first word."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one slot got from one step.

    Attributes:
        samples: float32 [frame_samples]; None while the model's delay fills.
        token: its text token; None as above.
        turn_end: 0..1, that the speaker is done; None from models that do not say.
    """

    samples: Samples | None
    token: int | None
    turn_end: float | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """One step of the batch.

    Attributes:
        answers: by slot.
        laps: how long encoding, the model and decoding took.
    """

    answers: Mapping[int, Answer]
    laps: Laps


class MoshiBatch:
    """A fixed number of slots on one model. Used from one thread only."""

    def __init__(self, loaded: LoadedMoshi, slots: int) -> None:
        """Takes the model for good: one model can carry one batch."""
        import torch

        self._torch = torch
        self._loaded = loaded
        self._mimi, self._generator = loaded.mimi, loaded.generator
        self.words = loaded.words
        self._model = loaded.generator.lm_model
        self._device = self._model.device
        self.slots = slots
        self.rate = int(self._mimi.sample_rate)
        self.frame_samples = int(self._mimi.frame_size)
        self._heard_codes = self._model.num_codebooks - self._model.dep_q - 1
        # Steps since its row was wiped; the first answer comes after the delay between codebooks.
        self._age = [0] * slots
        self._fresh = set(range(slots))
        self._frames = np.zeros((slots, 1, self.frame_samples), np.float32)
        self._forced_text: Any = None
        self._is_sound: Any = None
        self._laps: LapClock | None = None
        self._streaming, self._codec, self._speaker = streaming(
            self._mimi, self._generator, slots, self._device
        )
        self._generator.on_text_logits_hook = self._before_text
        self._generator.on_text_hook = self._after_text
        self._warm()

    def told(self, prompt: DuplexPrompt) -> list[Forced]:
        """What a prompt makes the model hear and say before the call, step by step.

        Raises:
            EngineFailed: there is no such voice, or the text is too long.
        """
        loaded = self._loaded
        if prompt.voice and prompt.voice not in loaded.voices:
            known = ", ".join(sorted(loaded.voices)) or "none"
            raise EngineFailed(
                NAME,
                f"voice: expected one of those in the settings ({known}), "
                f"found {prompt.voice[:40]!r}",
            )
        tokens = loaded.tokenizer.encode(prompt.text) if prompt.text else []
        if len(tokens) > TEXT_TOKENS:
            raise EngineFailed(
                NAME, f"text prompt: expected at most {TEXT_TOKENS} tokens, found {len(tokens)}"
            )
        frames = prompt_frames(loaded.voices.get(prompt.voice, ()), tokens, loaded.silences)
        return delayed(frames, self._model.delays[1 : self._model.dep_q + 1], loaded.silences)

    def wipe(self, slots: Iterable[int]) -> None:
        """Make these rows as new."""
        rows = list(slots)
        self._codec.reset(rows)
        self._frames[rows] = 0
        self._fresh.update(rows)
        self._forget(rows)

    def begin_anew(self, slots: Iterable[int]) -> None:
        """The model of these rows forgets everything; the codec goes on, so that nothing clicks."""
        self._forget(list(slots))

    def step(self, frames: Mapping[int, Samples]) -> Stepped:
        """One frame for each of these slots, float32 [frame_samples], −1..1 and finite.

        The rows of the other slots stay as they are. The sound of a row whose model has lost its
        numbers is not finite either.
        """
        torch, rows = self._torch, sorted(frames)
        laps = laps_of(torch, self._device.type)
        for row in rows:
            self._frames[row, 0] = frames[row]
        self._codec.let_step(rows)
        self._speaker.let_step(rows)
        codes = self._mimi.encode(torch.from_numpy(self._frames).to(self._device))
        self._reset_first_frames(rows)
        laps.mark()
        self._laps = laps
        tokens = self._generator.step(codes[:, : self._heard_codes])
        self._laps = None
        speaking = self._grow_older(rows)
        laps.mark()
        self._codec.let_step(speaking)
        # Rows without an answer hold a mark that is no code; their sound is thrown away.
        sound = self._mimi.decode(tokens[:, 1:].clamp(min=0))[:, 0].float().cpu().numpy()
        text = tokens[:, 0, 0].cpu().tolist()
        sound[~self._is_sound.cpu().numpy()] = np.nan
        laps.mark()
        answers = {
            row: Answer(sound[row].copy(), text[row]) if row in speaking else Answer(None, None)
            for row in rows
        }
        return Stepped(answers, laps.taken())

    def force(self, forced: Mapping[int, Forced]) -> None:
        """One step in which these slots hear and say what they are told; nothing comes of it."""
        torch, rows = self._torch, sorted(forced)
        heard = torch.zeros((self.slots, self._heard_codes, 1), dtype=torch.long)
        said = torch.zeros((self.slots, self._model.dep_q, 1), dtype=torch.long)
        text = torch.zeros(self.slots, dtype=torch.long)
        for row in rows:
            heard[row, :, 0] = torch.tensor(forced[row].heard)
            said[row, :, 0] = torch.tensor(forced[row].said)
            text[row] = forced[row].text
        self._speaker.let_step(rows)
        self._forced_text = text.to(self._device)
        # Its choice would be thrown away, and the dice that it took would be missing elsewhere.
        dice, self._generator.use_sampling = self._generator.use_sampling, False
        try:
            self._generator.step(
                heard.to(self._device), depformer_replace_tokens=said.to(self._device)
            )
        finally:
            self._forced_text = None
            self._generator.use_sampling = dice
        self._grow_older(rows)
        self._fresh.difference_update(rows)

    def memory_bytes(self) -> int:
        """Most that tensors have held on the device so far; 0 where torch does not count."""
        if self._device.type != "cuda":
            return 0
        return int(self._torch.cuda.max_memory_allocated(self._device))

    def close(self) -> None:
        """Give the model's streaming state back."""
        self._generator.on_text_hook = self._generator.on_text_logits_hook = None
        self._streaming.close()

    def _warm(self) -> None:
        everyone = range(self.slots)
        quiet = {row: np.zeros(self.frame_samples, np.float32) for row in everyone}
        for _ in range(WARM_STEPS):
            stepped = self.step(quiet)
        for answer in stepped.answers.values():
            if answer.samples is not None and not np.isfinite(answer.samples).all():
                raise EngineUnavailable(
                    NAME, "expected weights that turn silence into sound, found no numbers"
                )
        self.wipe(everyone)

    def _forget(self, rows: list[int]) -> None:
        self._speaker.reset(rows)
        for row in rows:
            self._age[row] = 0

    def _reset_first_frames(self, rows: list[int]) -> None:
        """The model takes a call's first frame for its past; the codec then begins anew.

        Source: moshi 0.2.13, server.py, `skip_frames`.
        """
        if first := self._fresh.intersection(rows):
            self._codec.reset(first)
            self._fresh -= first

    def _grow_older(self, rows: list[int]) -> list[int]:
        """Count the step; the rows that have an answer now."""
        for row in rows:
            self._age[row] += 1
        return [row for row in rows if self._age[row] > self._generator.max_delay]

    def _before_text(self, logits: Any) -> None:
        """What the generator chooses text from, [slots, 1, 1, tokens]: which rows have numbers.

        It chooses from no numbers as well, and the codec makes a sound of any choice.
        """
        self._is_sound = self._torch.isfinite(logits).flatten(1).all(dim=1)

    def _after_text(self, tokens: Any) -> None:
        """The generator has chosen text tokens, int64 [slots], and not yet the sound to them."""
        if self._laps is not None:
            self._laps.mark()
        if self._forced_text is not None:
            tokens.copy_(self._forced_text)
