"""A library that makes one utterance at a time and hands its sound to somebody else's queue.

Replies take turns at a voice, a chunk at a time, which such a library cannot stand: so it makes
each utterance to its end, or until it is stopped, in a thread of its own, and the sound waits in
the utterance's own queue. No queue holds more than one passage.
"""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from agent.core.audio import Samples
from pipelines.engines.voice_cut import Chunk

Put = Callable[[Samples], None]


class Worker:
    """Runs utterances in the order in which they were asked for."""

    def __init__(self, name: str, stop: Callable[[], None]) -> None:
        """`stop` makes the library end the utterance that it is making; called from any thread."""
        self._stop = stop
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{name}-worker")
        self._lock = threading.Lock()
        self._current: object = None

    def stream(self, make: Callable[[Put], None]) -> Generator[Chunk, None, None]:
        """What `make` puts, as it comes. Closing the generator stops it, or keeps it from starting.

        Raises:
            Exception: whatever `make` raised, after the sound that it put before.
        """
        made: SimpleQueue[Samples | None] = SimpleQueue()
        job = self._pool.submit(self._run, make, made)
        try:
            while (samples := made.get()) is not None:
                yield Chunk(samples)
            job.result()
        finally:
            if not job.cancel():
                with self._lock:
                    if self._current is made:
                        self._stop()

    def close(self) -> None:
        """End the thread after the utterance in progress."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, make: Callable[[Put], None], made: "SimpleQueue[Samples | None]") -> None:
        with self._lock:
            self._current = made
        try:
            make(made.put)
        finally:
            with self._lock:
                self._current = None
            made.put(None)
