"""Kyutai's voice: one model and its batch speak for all calls, in this process.

Every passage is a row of the batch: whoever's sound is asked for steps together, the others stand
still. torch and moshi must be importable.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from agent.core.errors import EngineFailed
from agent.core.protocols import Speech
from pipelines.engine_thread import beside
from pipelines.engines.kyutai_voice_batch import KyutaiVoiceBatch, Spoken
from pipelines.engines.kyutai_voice_load import NAME, KyutaiTtsSettings, load_voice
from pipelines.engines.voice import Voice
from pipelines.engines.voice_cut import Chunk, Cutting
from pipelines.engines.voice_text import Passage

GATHER_S = 0.005
"""A step waits so long for those who were in the last one: who is in a hurry asks again at once. If
they came in turns, a step for each turn, many replies would each be slower than speech."""


class Batch(Protocol):
    """What speaks: blocking, used from one thread."""

    @property
    def slots(self) -> int: ...

    @property
    def rate(self) -> int: ...

    def begin(self, slot: int, text: str) -> None: ...

    def step(self, slots: Iterable[int]) -> Mapping[int, Spoken]: ...

    def close(self) -> None: ...


class KyutaiVoice:
    """A voice's Source. Used from one event loop.

    Steps run in the batch's own thread. Nothing here is a task: what follows a step is done in the
    loop when it ends, whoever has stopped listening meanwhile.
    """

    def __init__(self, make: Callable[[], Batch], language: str = "en-us") -> None:
        """`make` builds the batch, in its own thread; returns when it is there."""
        self.language = language
        self._thread, self._batch = beside(NAME, make)
        self.rate = self._batch.rate
        self._free = list(range(self._batch.slots))
        self._room = asyncio.Semaphore(self._batch.slots)
        self._asking: dict[int, asyncio.Future[Spoken]] = {}
        self._expected: set[int] = set()  # who was in the last step
        self._stepped_s = 0.0  # when that ended
        self._soon: asyncio.TimerHandle | None = None
        self._is_stepping = False

    @classmethod
    def load(cls, settings: KyutaiTtsSettings) -> Voice:
        """Seconds for a small model, more for a large one.

        Raises:
            EngineUnavailable: a package or file is missing, or the files do not fit each other.
        """

        def make() -> Batch:
            return KyutaiVoiceBatch(load_voice(settings), settings.slots)

        return Voice(cls(make, settings.language))

    async def sound(self, passage: Passage) -> AsyncGenerator[list[Speech], None]:
        """The pieces of a passage, a frame of the model's at a time; waits for a free slot.

        Raises:
            EngineFailed: a step failed.
        """
        cutting = Cutting(passage, self.rate)
        async with self._room:
            slot = self._free.pop()
            try:
                await self._begin(slot, passage.spoken)
                is_over = False
                while not is_over:
                    spoken = await self._step(slot)
                    is_over = spoken.is_over
                    if spoken.samples is not None:
                        yield cutting.take(Chunk(spoken.samples, spoken.words))
            finally:
                self._asking.pop(slot, None)
                self._expected.discard(slot)
                self._free.append(slot)
        yield cutting.end()

    def close(self) -> None:
        """End the thread after the step in progress, and give the model back."""
        self._thread.submit(self._batch.close)
        self._thread.shutdown()

    async def _begin(self, slot: int, text: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._batch.begin, slot, text)
        except Exception as fault:
            raise EngineFailed(NAME, f"{text!r:.80}: {fault}") from fault

    async def _step(self, slot: int) -> Spoken:
        future: asyncio.Future[Spoken] = asyncio.get_running_loop().create_future()
        self._asking[slot] = future
        self._step_soon()
        return await future

    def _step_soon(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
        if self._asking and not self._is_stepping:
            loop = asyncio.get_running_loop()
            is_whole = self._expected <= self._asking.keys()
            at_s = loop.time() if is_whole else self._stepped_s + GATHER_S
            self._soon = loop.call_at(at_s, self._step_all)

    def _step_all(self) -> None:
        if not self._asking:  # whoever did has left
            return
        self._is_stepping = True
        asking, self._asking = self._asking, {}
        step = partial(self._batch.step, sorted(asking))
        done = asyncio.get_running_loop().run_in_executor(self._thread, step)
        done.add_done_callback(partial(self._tell, asking))

    def _tell(
        self, asking: "dict[int, asyncio.Future[Spoken]]",
        done: "asyncio.Future[Mapping[int, Spoken]]",
    ) -> None:  # fmt: skip
        self._is_stepping = False
        waiting = {slot: future for slot, future in asking.items() if not future.done()}
        self._expected, self._stepped_s = set(waiting), asyncio.get_running_loop().time()
        fault = done.exception()
        for slot, future in waiting.items():
            if fault is None:
                future.set_result(done.result()[slot])
            else:
                future.set_exception(EngineFailed(NAME, f"a step failed: {fault!r:.200}"))
        self._step_soon()
