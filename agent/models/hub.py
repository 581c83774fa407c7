"""Repositories of the Hugging Face hub: what is in its cache, and how it gets there.

The hub's own client does the work, so HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and proxies
are obeyed as its documentation says. A connection that breaks is taken
up again where its last ten megabytes ended; what a stopped command had of a file is lost.
"""
# ruff: noqa: PLC0415  (the client takes 0.3 s to import)

import errno
import gc
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import EngineUnavailable

_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Repository:
    """Files of a repository; they live in the cache.

    Attributes:
        name: such as `Systran/faster-whisper-small.en`.
        files: what has to be there, relative to it.
        wanted: patterns of all that is fetched; empty for `files` alone.
    """

    name: str
    files: tuple[str, ...]
    wanted: tuple[str, ...] = ()

    def place(self, cache: Path | None = None) -> Path | None:
        """Its folder in the cache, None for the client's own, if all files are there."""
        from huggingface_hub import try_to_load_from_cache

        found = [try_to_load_from_cache(self.name, file, cache_dir=cache) for file in self.files]
        if not found or not all(isinstance(path, str) for path in found):
            return None
        return Path(str(found[0]).removesuffix(self.files[0]))


def split(address: str) -> tuple[str, str] | None:
    """Repository and path inside it of `hf://owner/name/path`; None for any other text.

    The path is empty where the whole repository is meant.
    """
    found = re.fullmatch(r"hf://([\w.-]+/[\w.-]+)/?(.*)", address)
    return (found[1], found[2]) if found else None


def placed(value: object, engine: str) -> object:
    """A setting with a `hf://` address turned into the path in the cache; others as they are.

    Raises:
        EngineUnavailable: it is not there.
    """
    parts = split(value) if isinstance(value, str) else None
    if parts is None:
        return value
    name, inside = parts
    path = Repository(name, (inside,)).place() if inside else _whole(name)
    if path is None:
        raise EngineUnavailable(
            engine,
            f"{value} is not on this machine. Run parley models pull with this configuration",
        )
    return str(path / inside)


def _whole(name: str) -> Path | None:
    from huggingface_hub import errors, snapshot_download

    try:
        # No pattern: whichever part of it was wanted will do, the engine looks for its files.
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=[]))
    except errors.LocalEntryNotFoundError:
        return None


def cache_folder() -> Path:
    """Where the client keeps what it fetches; HF_HOME moves it."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def fetch(
    repository: Repository, engine: str, cache: Path | None = None, endpoint: str | None = None
) -> Path:
    """Bring a repository into the cache, with a progress bar; its folder.

    Raises:
        EngineUnavailable: there is no such repository, no network, no room, or it came damaged.
    """
    from huggingface_hub import close_session, snapshot_download

    try:
        folder = snapshot_download(
            repository.name,
            allow_patterns=list(repository.wanted or repository.files),
            cache_dir=cache,
            endpoint=endpoint,
        )
    except Exception as fault:  # of the client, of HTTP, of the disk
        raise EngineUnavailable(engine, _sentence(repository.name, fault, endpoint)) from fault
    finally:
        close_session()
        gc.collect()  # the client leaves its bars open: they would be drawn again at the end
    return _checked(repository, engine, Path(folder))


def _checked(repository: Repository, engine: str, folder: Path) -> Path:
    missing = [file for file in repository.files if not (folder / file).is_file()]
    if missing:
        raise EngineUnavailable(
            engine, f"{repository.name}: expected {', '.join(missing)} there, found none"
        )
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if not is_whole(path):
            path.resolve().unlink()
            path.unlink()
            raise EngineUnavailable(
                engine,
                f"{repository.name}: {path.name} came damaged: its checksum is not the hub's. "
                "It was deleted; run the command again",
            )
    return folder


def is_whole(path: Path) -> bool:
    """Whether a file of the cache has the content that its blob is named for.

    The cache names a blob by the sha256 of a large file, and by git's hash of a small one. A file
    that is no link into the cache is believed.
    """
    blob = path.resolve()
    match len(blob.name) if path.is_symlink() else 0:
        case 64:
            digest = hashlib.sha256()
        case 40:
            digest = hashlib.sha1(b"blob %d\0" % blob.stat().st_size, usedforsecurity=False)
        case _:
            return True
    with blob.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == blob.name


def _sentence(name: str, fault: Exception, endpoint: str | None) -> str:
    """What went wrong, for the person who waits for it."""
    from huggingface_hub import constants, errors

    where = endpoint or constants.ENDPOINT
    match fault:
        case errors.GatedRepoError():
            return f"{name} wants its terms accepted on its page, and HF_TOKEN set to your token"
        case errors.RepositoryNotFoundError():
            return f"{name}: no such repository at {where}, or a private one"
        case OSError(errno=errno.ENOSPC):
            return f"{name}: no room left in {constants.HF_HUB_CACHE}. Free some, or set HF_HOME"
        case _ if constants.HF_HUB_OFFLINE:
            return f"{name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it"
        case errors.LocalEntryNotFoundError() | ConnectionError():
            return f"{name} is not on this machine, and {where} cannot be reached"
        case _:
            return f"{name} could not be fetched: {str(fault).splitlines()[0]}"
