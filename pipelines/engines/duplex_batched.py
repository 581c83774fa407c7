"""A `DuplexModel` on a batch: whoever has a frame steps together, the others stand still.

The beat is the input. A step begins when the batch is free, somebody has a frame, and nobody else's
is expected within moments (`duplex_gathering`); frames that come during a step are in the next one.
So one call alone waits for nobody, and while a step takes less than a frame lasts, nobody falls
behind.

Steps run in the batch's own thread, which waits for nothing but the next step. Nothing here is a
task: what follows a step is done in the loop when it ends, whoever has been cancelled meanwhile.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.duplex import DuplexOutput, DuplexPrompt, Seats
from agent.core.errors import EngineBusy, EngineError, EngineFailed
from pipelines.engine_thread import beside
from pipelines.engines.duplex_gathering import Gathering
from pipelines.engines.duplex_pauses import Age, RecyclePolicy
from pipelines.engines.duplex_row import Row, cleaned
from pipelines.engines.moshi_batch import Stepped
from pipelines.engines.moshi_text import TextStream, Vocabulary

Told = TypeVar("Told")

UNTOLD_STEPS = 3
"""Steps of callers in a row while a prompt waits; then a frame of it is told. At phases of their
own calls may leave no time between steps; at 60 ms a step, three and a frame of a prompt take three
frames' time, so that nobody falls behind."""


class Batch(Protocol[Told]):
    """What steps: blocking, used from one thread."""

    @property
    def slots(self) -> int: ...

    @property
    def rate(self) -> int: ...

    @property
    def frame_samples(self) -> int: ...

    @property
    def words(self) -> Vocabulary: ...

    def told(self, prompt: DuplexPrompt) -> Sequence[Told]:
        """What a prompt makes the model hear and say, frame by frame."""

    def wipe(self, slots: Iterable[int]) -> None: ...

    def begin_anew(self, slots: Iterable[int]) -> None: ...

    def step(self, frames: Mapping[int, Samples]) -> Stepped: ...

    def force(self, forced: Mapping[int, Told]) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class _Job(Generic[Told]):
    """One turn of the thread: wipe, begin anew, then step or tell."""

    wipe: list[int]
    renew: list[int]
    hear: list[tuple[Row[Told], Samples]] = field(default_factory=list)
    tell: list[tuple[Row[Told], Told]] = field(default_factory=list)

    def run(self, batch: Batch[Told]) -> Stepped | None:
        """Runs in the batch's thread."""
        if self.wipe:
            batch.wipe(self.wipe)
        if self.renew:
            batch.begin_anew(self.renew)
        if self.hear:
            return batch.step({row.index: samples for row, samples in self.hear})
        if self.tell:
            batch.force({row.index: told for row, told in self.tell})
        return None


class BatchedModel(Generic[Told]):
    """A duplex model for as many calls as its batch has slots. Used from one event loop."""

    def __init__(
        self, make: Callable[[], Batch[Told]], name: str, recycle: RecyclePolicy | None = None
    ) -> None:
        """`make` builds the batch, in its own thread; returns when it is there."""
        self._name = name
        self._recycle = recycle or RecyclePolicy(0, 0)
        self._thread, self._batch = beside(name, make)
        self._free = list(range(self._batch.slots))
        self._rows: dict[int, Row[Told]] = {}
        self._wipe: list[int] = []
        self._renew: list[int] = []
        self._gathering = Gathering(self._batch.frame_samples / self._batch.rate)
        self._untold_steps = 0  # of callers, in a row, while a prompt waited
        self._running: _Job[Told] | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._broken: EngineError | None = None

    @property
    def rate(self) -> int:
        """In Hz."""
        return self._batch.rate

    @property
    def frame_samples(self) -> int:
        """80 ms, for Moshi."""
        return self._batch.frame_samples

    def seats(self) -> Seats:
        """The batch is computed as a whole, however many of its slots are taken."""
        total = 0 if self._broken else self._batch.slots
        return Seats(len(self._rows), total, next_batch=self._batch.slots)

    async def open(self, prompt: DuplexPrompt) -> Row[Told]:
        """A clean row; returns when the model was told its prompt.

        Raises:
            EngineBusy: all slots are taken.
            EngineFailed: the prompt is not for this model, or the model is broken.
        """
        self._check()
        if not self._free:
            raise EngineBusy(
                self._name, f"expected a free slot, found all {self._batch.slots} taken"
            )
        index = self._free.pop(0)
        row: Row[Told] = Row(index, TextStream(self._batch.words), Age(self._recycle))
        self._rows[index] = row
        self._wipe.append(index)
        try:
            await self._tell(row, prompt)
        except BaseException:
            await self.close(row)
            raise
        return row

    async def step(self, slot: Row[Told], frame: AudioFrame) -> DuplexOutput:
        """One frame in, one out.

        Raises:
            EngineFailed: the frame is none, the slot was given back, or the model broke.
        """
        self._check()
        self._check_step(slot, frame)
        slot.heard, wrong = cleaned(frame.samples)
        slot.unclean += wrong
        loop = asyncio.get_running_loop()
        slot.answer = loop.create_future()
        self._gathering.arrived(slot.index, loop.time())
        self._wake()
        return await slot.answer

    async def close(self, slot: Row[Told]) -> None:
        """Give the row back; it is wiped before anybody else gets it."""
        if self._rows.get(slot.index) is not slot:
            return
        del self._rows[slot.index]
        self._gathering.left(slot.index)
        self._free.append(slot.index)

    def unload(self) -> None:
        """End the thread after the step in progress; nothing may be asked any more.

        May be called twice.
        """
        if self._soon is not None:
            self._soon.cancel()
        self._break("the model was unloaded", ())
        with contextlib.suppress(RuntimeError):  # it was unloaded before
            self._thread.submit(self._batch.close)
        self._thread.shutdown()

    # --- the steps --------------------------------------------------------------------------------

    async def _tell(self, row: Row[Told], prompt: DuplexPrompt) -> None:
        if not (prompt.text or prompt.voice):
            return
        loop = asyncio.get_running_loop()
        told = await loop.run_in_executor(self._thread, self._batch.told, prompt)
        self._check()  # what broke it meanwhile did not know of this row
        if not told:  # a text of blanks has no tokens
            return
        row.prompt = tuple(told)
        row.told.extend(row.prompt)
        row.ready = loop.create_future()
        self._wake()
        await row.ready

    def _wake(self) -> None:
        """Step soon, unless a step is under way: what follows it will see to the rest."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._running is None:
            loop = asyncio.get_running_loop()
            self._soon = loop.call_at(self._gathering.begin_s(loop.time()), self._begin)

    def _begin(self) -> None:
        self._soon = None
        self._gathering.begun()
        job = self._next_job()
        if job is None or self._broken:
            return
        self._running = job
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._thread, partial(job.run, self._batch))
        done.add_done_callback(partial(self._finish, job))

    def _next_job(self) -> _Job[Told] | None:
        """Frames of callers come before prompts of others; but those have a turn now and then."""
        job: _Job[Told] = _Job(self._wipe, self._renew)
        untold = [row for row in self._rows.values() if row.told]
        for row in untold:
            if row.heard is not None:
                self._hush(row)
        if not untold or self._untold_steps < UNTOLD_STEPS:
            job.hear = self._take_frames()
        if not job.hear:
            job.tell = [(row, row.told.popleft()) for row in untold]
        if not (job.hear or job.tell):
            return None
        self._untold_steps = self._untold_steps + 1 if job.hear and untold else 0
        self._wipe, self._renew = [], []
        return job

    def _take_frames(self) -> list[tuple[Row[Told], Samples]]:
        found = [(row, row.heard) for row in self._rows.values() if row.heard is not None]
        for row, _ in found:
            row.heard = None
        return found

    def _finish(self, job: _Job[Told], done: "asyncio.Future[Stepped | None]") -> None:
        self._running = None
        if (
            fault := asyncio.CancelledError() if done.cancelled() else done.exception()
        ) is not None:
            self._break(f"a step failed: {fault!r:.200}", [row for row, _ in job.hear])
            return
        if (stepped := done.result()) is not None:
            self._answer(job, stepped)
        for row, _ in job.tell:
            if not row.told and row.ready is not None and not row.ready.done():
                row.ready.set_result(None)
        self._wake()

    def _answer(self, job: _Job[Told], stepped: Stepped) -> None:
        took = (stepped.laps.step_s, self._batch.slots)
        for row, heard in job.hear:
            got = stepped.answers[row.index]
            samples = got.samples
            if samples is None and row.renewals:  # the model begins anew, the call does not
                samples = np.zeros(self.frame_samples, np.float32)
            output = row.output(samples, got.token, took, self.rate, got.turn_end)
            if row.age.is_due(heard, samples, output.text) and self._is_open(row):
                row.renewals += 1
                row.told.extend(row.prompt)
                self._renew.append(row.index)
            self._resolve(row, output)

    def _hush(self, row: Row[Told]) -> None:
        """In mid-call the model is being told its prompt once more, and hears nothing else."""
        row.heard = None
        row.untold += 1
        quiet = np.zeros(self.frame_samples, np.float32)
        self._resolve(row, row.output(quiet, None, (0.0, self._batch.slots), self.rate))

    def _resolve(self, row: Row[Told], output: DuplexOutput) -> None:
        self._gathering.answered(row.index, asyncio.get_running_loop().time())
        if row.answer is not None and not row.answer.done():
            row.answer.set_result(output)

    def _break(self, why: str, more: Iterable[Row[Told]]) -> None:
        """Nothing can be asked any more, and whoever waits is told."""
        self._broken = self._broken or EngineFailed(self._name, why)
        for row in {*self._rows.values(), *more}:
            for future in (row.answer, row.ready):
                if future is not None and not future.done():
                    future.set_exception(self._broken)

    def _is_open(self, row: Row[Told]) -> bool:
        return self._rows.get(row.index) is row

    def _check(self) -> None:
        if self._broken is not None:
            raise EngineFailed(self._name, str(self._broken).removeprefix(f"{self._name}: "))

    def _check_step(self, slot: Row[Told], frame: AudioFrame) -> None:
        if not self._is_open(slot):
            raise EngineFailed(self._name, "expected an open slot, found one that was given back")
        if slot.answer is not None and not slot.answer.done():
            raise EngineFailed(self._name, "expected one frame at a time, found a second one")
        if (frame.rate, len(frame.samples)) != (self.rate, self.frame_samples):
            raise EngineFailed(
                self._name,
                f"expected {self.frame_samples} samples at {self.rate} Hz, "
                f"found {len(frame.samples)} at {frame.rate} Hz",
            )
