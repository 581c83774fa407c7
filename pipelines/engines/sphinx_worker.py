"""The recogniser's worker process: reads requests from standard input, answers on standard output.

Started by `sphinx_process`, ends when its standard input does, so it never outlives its parent.
"""

import json
import os
import sys
from contextlib import suppress
from typing import IO

from agent.core.errors import EngineError
from pipelines.engines.sphinx_pipe import Letter, receive, send
from pipelines.engines.sphinx_search import Searches


def main() -> None:
    """Load the model named by the first argument (JSON), then serve until the input ends."""
    requests = sys.stdin.buffer
    # What the C library prints must not end up between two answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    settings = json.loads(sys.argv[1])
    with suppress(BrokenPipeError):
        serve(Searches(settings["model"], settings["tolerance"]), requests, answers)
    os._exit(0)  # nothing to save, and an answer nobody reads cannot be flushed


def serve(searches: Searches, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer every request; a fault of one is its answer."""
    while (request := receive(requests)) is not None:
        try:
            body = _do(searches, *request)
        except EngineError as fault:
            send(answers, Letter.FAILED, str(fault).removeprefix(f"{fault.engine}: ").encode())
        except Exception as fault:
            send(answers, Letter.FAILED, f"{type(fault).__name__}: {fault}".encode())
        else:
            send(answers, Letter.OK, body)


def _do(searches: Searches, letter: Letter, body: bytes) -> bytes:
    match letter:
        case Letter.OPEN:
            searches.open(body.decode())
            return b""
        case Letter.FEED:
            return json.dumps(searches.feed(body)).encode()
        case Letter.NARROW:
            searches.narrow()
            return b""
        case Letter.FINISH:
            return json.dumps(searches.finish()).encode()
        case Letter.OK | Letter.FAILED:
            raise ValueError(f"expected a request, found {letter.name}")


if __name__ == "__main__":
    main()
