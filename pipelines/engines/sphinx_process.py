"""A decoder in a process of its own, and the process that they are all forked from.

The model is loaded once, by a fork server. A decoder is its fork: there in 6 ms instead of 0.7 s of
work, with 20 MB of its own instead of 130 (Linux, 2026-11-29).
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from agent.core.errors import EngineFailed, EngineTooSlow
from pipelines.engine_thread import EngineThread
from pipelines.engines.sphinx_pipe import KEPT, ORDER, Letter, receive, send

NAME = "pocketsphinx"

_ANSWER_S = 30.0
"""Longest wait for an answer, loading included; it usually takes 1 s, and then a few ms."""

_FORKS = sys.platform != "darwin"
"""Elsewhere a fork that goes on without a new program is not safe beside the system's libraries:
each decoder is a process that loads the model itself."""


class ForkServer:
    """The process that loads the model. Ends with this one, however that ends."""

    def __init__(self, model: dict[str, str], tolerance: float) -> None:
        """Start the process; it loads its model while others go on."""
        root = str(Path(__file__).parents[2])
        paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        settings = json.dumps({"model": model, "tolerance": tolerance, "forks": _FORKS})
        self._orders, theirs = socket.socketpair()
        self._count = 0
        with theirs:
            # In a group of its own: Ctrl-C in a terminal is for us, and we then close it.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipelines.engines.sphinx_worker", settings],
                stdin=theirs.fileno(),
                process_group=0,
                env={**os.environ, "PYTHONPATH": paths},
            )

    @property
    def is_usable(self) -> bool:
        """Whether it can make one more decoder."""
        return self._process.poll() is None and (_FORKS or self._count == 0)

    def make(self) -> "SphinxProcess":
        """A decoder; it is there as soon as the model is."""
        ours, theirs = socket.socketpair()
        with theirs, suppress(OSError):  # it has ended: so has the decoder
            socket.send_fds(self._orders, [ORDER.pack(0)], [theirs.fileno()])
        self._count += 1
        return SphinxProcess(ours, self._kill)

    def close(self) -> None:
        """End it and all its decoders, which have nothing to save. May be called twice."""
        self._orders.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _kill(self, decoder: int) -> None:
        """Only the one who forked a process knows that the number is still its own."""
        with suppress(OSError):
            self._orders.send(ORDER.pack(decoder))


class SphinxProcess:
    """One decoder, asked from a thread of its own.

    Attributes:
        grammars: that it was asked to use, and still knows.
    """

    def __init__(self, line: socket.socket, kill: Callable[[int], None]) -> None:
        """`line`: to the process, which says its number first; `kill` ends it at once by that."""
        self._line, self._kill = line, kill
        line.settimeout(_ANSWER_S)
        self._requests, self._answers = line.makefile("wb"), line.makefile("rb")
        self.grammars: deque[str] = deque(maxlen=KEPT)
        self._number = 0
        self._is_ended = False
        self._thread = EngineThread(NAME)

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked again."""
        if self._is_ended:
            return False
        news = select.poll()
        news.register(self._line, select.POLLIN)
        try:
            return not news.poll(0) or self._line.recv(1, socket.MSG_PEEK) != b""
        except OSError:
            return False

    async def use(self, grammar: str) -> None:
        """Begin a segment with this grammar, or with none where it is empty; raises as `ask`."""
        await self.ask(Letter.OPEN, grammar.encode())
        if grammar in self.grammars:
            self.grammars.remove(grammar)
        self.grammars.append(grammar)

    async def ask(self, letter: Letter, body: bytes = b"") -> bytes:
        """One request and its answer, in the order in which they were asked.

        Raises:
            EngineFailed: the worker says so, or it has ended.
            EngineTooSlow: no answer in time; the worker is killed.
        """
        return await self._thread.run(partial(self._ask, letter, body))

    def close(self) -> None:
        """End the process, which has nothing to save, and the thread. May be called twice."""
        self._end()
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)  # whoever waits for an answer is told
        self._thread.close()
        for part in (self._requests, self._answers, self._line):
            with suppress(OSError):  # what was not sent yet, nobody would read
                part.close()

    def _ask(self, letter: Letter, body: bytes) -> bytes:
        try:
            send(self._requests, letter, body)
            if not self._number:
                self._number = int(self._answer())
            return self._answer()
        except TimeoutError as fault:
            self._end()
            raise EngineTooSlow(
                NAME, f"expected an answer within {_ANSWER_S} s, found none"
            ) from fault
        except (OSError, ValueError) as fault:
            raise EngineFailed(NAME, f"the worker process cannot be asked: {fault}") from fault

    def _answer(self) -> bytes:
        answer = receive(self._answers)
        if answer is None:
            self._is_ended = True
            raise EngineFailed(NAME, "the worker process ended by itself")
        if answer[0] is Letter.FAILED:
            raise EngineFailed(NAME, answer[1].decode())
        return answer[1]

    def _end(self) -> None:
        self._is_ended = True
        if self._number:
            self._kill(self._number)
