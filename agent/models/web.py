"""One file from a plain address: resumed where it broke off, kept only if its checksum is right.

Through urllib, which obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY; HF_HUB_OFFLINE counts here too.
"""

import errno
import fcntl
import hashlib
import http.client
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, build_opener

from agent.core.errors import EngineUnavailable

WAIT_S = 30.0
"""Longest silence of a server that has accepted the connection."""

_CHUNK_BYTES = 2**18
_PARTIAL, _BEYOND = 206, 416
_YES = ("1", "ON", "YES", "TRUE")


@dataclass(frozen=True, slots=True)
class Address:
    """One file at a plain address.

    Attributes:
        url: http or https.
        sha256: of the whole file, in hexadecimal.
        path: where the engine looks for it; beside it, with `.part` behind its name, lies what has
            come so far.
    """

    url: str
    sha256: str
    path: Path

    def place(self) -> Path | None:
        """The file."""
        return self.path if self.path.is_file() else None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is; `whole_bytes` is 0 where the server does not say."""

    done_bytes: int
    whole_bytes: int


def fetch(address: Address, engine: str) -> Iterator[Progress]:
    """Bring a file here. It is in its place when the iterator has ended.

    Raises:
        EngineUnavailable: no such file, no network, no room, a broken line, or a wrong checksum.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _YES:
        raise _unavailable(address, engine, "is not here, and HF_HUB_OFFLINE forbids to fetch it")
    part = address.path.with_name(f"{address.path.name}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            _lock(address, engine, file)
            yield from _rest(address, file)
    except HTTPError as fault:
        raise _unavailable(
            address, engine, f"the server answers {fault.code} {fault.reason}"
        ) from fault
    except URLError as fault:
        raise _unavailable(address, engine, f"cannot be reached: {fault.reason}") from fault
    except (OSError, http.client.HTTPException) as fault:
        raise _unavailable(address, engine, _broken(address, fault)) from fault
    _keep(address, engine, part)


def _rest(address: Address, file: BufferedWriter) -> Iterator[Progress]:
    """What is not there yet, appended."""
    done = file.tell()
    request = Request(address.url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = build_opener().open(request, timeout=WAIT_S)
    except HTTPError as fault:
        fault.close()
        if done and fault.code == _BEYOND:
            return  # all of it was there: the checksum will tell
        raise
    with answer:
        if done and answer.status != _PARTIAL:  # the server begins again
            done = 0
            file.truncate(0)
        whole = done + int(answer.headers.get("Content-Length", -done))
        while chunk := answer.read(_CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            yield Progress(done, whole)
        file.flush()
    if done < whole:
        raise ConnectionError(f"{done} of {whole} bytes came")


def _lock(address: Address, engine: str, file: BufferedWriter) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        raise EngineUnavailable(engine, f"{address.path} is being fetched already") from fault


def _keep(address: Address, engine: str, part: Path) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != address.sha256:
        part.unlink()
        raise _unavailable(
            address,
            engine,
            f"expected the sha256 {address.sha256}, found {found}; what came was deleted",
        )
    part.replace(address.path)


def _broken(address: Address, fault: Exception) -> str:
    match fault:
        case OSError(errno=errno.ENOSPC):
            return f"did not fit: no room left in {address.path.parent}. Free some, run it again"
        case OSError() if fault.filename is not None:
            return f"cannot be kept: {fault.filename}: {fault.strerror}"
        case _:
            said = str(fault) or type(fault).__name__
            return f"broke off: {said}. Run it again: it goes on from there"


def _unavailable(address: Address, engine: str, sentence: str) -> EngineUnavailable:
    return EngineUnavailable(engine, f"{address.url} {sentence}")
