"""A decoder in a process of its own, and a pool of them."""

import json
import os
import select
import subprocess
import sys
from functools import partial
from pathlib import Path

from agent.core.errors import EngineFailed, EngineTooSlow
from pipelines.engine_thread import EngineThread
from pipelines.engines.sphinx_pipe import Letter, receive, send

NAME = "pocketsphinx"

_ANSWER_S = 30.0
"""Longest wait for an answer, loading included; it usually takes 1 s, and then a few ms."""


class SphinxProcess:
    """One worker process, asked from a thread of its own."""

    def __init__(self, model: dict[str, str], tolerance: float) -> None:
        """Start the process; it loads its model while others go on."""
        root = str(Path(__file__).parents[2])
        paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        settings = json.dumps({"model": model, "tolerance": tolerance})
        # In a group of its own: Ctrl-C in a terminal is for the parent, which then closes it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipelines.engines.sphinx_worker", settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._thread = EngineThread("pocketsphinx")

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.poll() is None

    async def ask(self, letter: Letter, body: bytes = b"") -> bytes:
        """One request and its answer, in the order in which they were asked.

        Raises:
            EngineFailed: the worker says so, or it has ended.
            EngineTooSlow: no answer in time; the worker is killed.
        """
        return await self._thread.run(partial(self._ask, letter, body))

    def close(self) -> None:
        """End the process, which has nothing to save, and the thread. May be called twice."""
        self._process.kill()
        self._thread.close()
        with self._process:  # closes the pipes and waits for the end
            pass

    def _ask(self, letter: Letter, body: bytes) -> bytes:
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None  # both were asked for above
        assert answers is not None
        try:
            send(requests, letter, body)
            if not select.select([answers], [], [], _ANSWER_S)[0]:
                self._process.kill()
                self._process.wait()  # until then it still counts as alive
                raise EngineTooSlow(NAME, f"expected an answer within {_ANSWER_S} s, found none")
            answer = receive(answers)
        except (OSError, ValueError) as fault:
            raise EngineFailed(NAME, f"the worker process cannot be asked: {fault}") from fault
        if answer is None:
            code = self._process.wait()
            raise EngineFailed(NAME, f"the worker process ended by itself with status {code}")
        if answer[0] is Letter.FAILED:
            raise EngineFailed(NAME, answer[1].decode())
        return answer[1]
