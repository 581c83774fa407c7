"""The recogniser's worker process: loads the model, and is forked for every decoder.

Started by `sphinx_process`. It and each decoder end when their line does, so that none outlives the
process that asks them.
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import IO

from agent.core.errors import EngineError
from pipelines.engines.sphinx_pipe import ORDER, Letter, receive, send
from pipelines.engines.sphinx_search import Searches


def main() -> None:
    """Load the model named by the first argument (JSON), then make decoders until told no more."""
    orders = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # no fork shall hold the line of the orders
    os.dup2(2, 1)  # what the C library prints is no part of what the program says
    settings = json.loads(sys.argv[1])
    searches = Searches(settings["model"], settings["tolerance"])
    gc.freeze()  # a collection in a fork would write to all that it shares: 5 MB each
    if settings["forks"]:
        fork_decoders(orders, searches)
    elif line := socket.recv_fds(orders, ORDER.size, 1)[1]:
        decode(line[0], searches)
    os._exit(0)  # nothing to save


def fork_decoders(orders: socket.socket, searches: Searches) -> None:
    """A decoder for each line that comes, and an end for each that is to be killed."""
    living = set[int]()
    while True:
        order, lines, _, _ = socket.recv_fds(orders, ORDER.size, 1)
        living -= _ended(living)
        if not order:
            return
        (number,) = ORDER.unpack(order)
        if number in living:
            os.kill(number, signal.SIGKILL)
        for line in lines:
            if (child := os.fork()) == 0:
                orders.close()
                decode(line, searches)
                os._exit(0)
            os.close(line)
            living.add(child)


def decode(line: int, searches: Searches) -> None:
    """Be a decoder until this line ends."""
    with socket.socket(fileno=line) as one, suppress(OSError):
        requests, answers = one.makefile("rb"), one.makefile("wb")
        send(answers, Letter.OK, str(os.getpid()).encode())
        serve(searches, requests, answers)


def _ended(living: set[int]) -> set[int]:
    """Which of these have ended; the system forgets them now."""
    return {child for child in living if os.waitpid(child, os.WNOHANG)[0]}


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
