"""What a batched model knows of one call. Pure."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.duplex import DuplexOutput
from pipelines.engines.duplex_pauses import Age
from pipelines.engines.moshi_text import TextStream

Told = TypeVar("Told")


@dataclass(slots=True, eq=False)
class Row(Generic[Told]):
    """One call's stream, on one row of the batch.

    Attributes:
        index: which row.
        text: its text so far, as a stream.
        age: how long the model has listened.
        told: frames it is still to be told before it hears the caller.
        prompt: all of them, for when its model begins anew.
        ready: done when all of them were told.
        heard: the frame that waits for a step, or is in one.
        answer: its answer.
        position: samples given out.
        unclean: samples that were no numbers.
        untold: frames that it did not hear because it was being told something in mid-call.
        renewals: how often its model began anew.
    """

    index: int
    text: TextStream
    age: Age
    told: deque[Told] = field(default_factory=deque)
    prompt: tuple[Told, ...] = ()
    ready: "asyncio.Future[None] | None" = None
    heard: Samples | None = None
    answer: "asyncio.Future[DuplexOutput] | None" = None
    position: int = 0
    unclean: int = 0
    untold: int = 0
    renewals: int = 0

    def output(
        self,
        samples: Samples | None,
        token: int | None,
        took: tuple[float, int],
        rate: int,
        turn_end: float | None = None,
    ) -> DuplexOutput:
        """What the call gets of a step that took so many seconds for so many streams."""
        frame = None
        if samples is not None:
            frame = AudioFrame(samples, rate, self.position)
            self.position = frame.end
        text = "" if token is None else self.text.add(token)
        tokens = () if token is None else (token,)
        return DuplexOutput(frame, text, tokens, took[0], took[1], turn_end)


def cleaned(samples: Samples) -> tuple[Samples, int]:
    """The samples as finite numbers within −1..1, and how many were none.

    One infinity would stay in the model's memory for the rest of the call.
    """
    finite = np.isfinite(samples)
    wrong = len(samples) - int(np.count_nonzero(finite))
    found = np.where(finite, samples, np.float32(0)) if wrong else samples
    return np.clip(found, -1.0, 1.0).astype(np.float32, copy=False), wrong
