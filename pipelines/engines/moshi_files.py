"""Which files a checkpoint consists of, and which of them is missing."""

import json
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import EngineUnavailable
from pipelines.engines.moshi_settings import NAME

_FILES = {
    "moshi_name": "model.safetensors",
    "mimi_name": "tokenizer-e351c8d8-checkpoint125.safetensors",
    "tokenizer_name": "tokenizer_spm_32k_3.model",
    "mimi_config_name": None,
    "lora_name": None,
}
"""Keys of config.json that name files, and what they name where the key is missing.

Source: moshi 0.2.13, models/loaders.py.
"""


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """A checkpoint on this machine.

    Attributes:
        config: path of its config.json.
        parts: path by key, for each file that it names and that is no file of the hub.
    """

    config: Path
    parts: dict[str, Path]


def local_files(checkpoint: str) -> CheckpointFiles:
    """The files of a checkpoint: a folder, or the path of its config.json.

    Raises:
        EngineUnavailable: which file is missing, or is no configuration.
    """
    config = Path(checkpoint).expanduser().absolute()
    config = config / "config.json" if config.is_dir() else config
    names = _parsed(config)
    parts: dict[str, Path] = {}
    for key, usual in _FILES.items():
        name = names.get(key, usual)
        if name is None or str(name).startswith("hf://"):  # moshi's own loader fetches those
            continue
        path = config.parent / str(name).removeprefix("file://")
        if not path.is_file():
            raise EngineUnavailable(
                NAME,
                f"{config}: {key}: expected a file at {path}, found none: fetch it",
            )
        parts[key] = path
    return CheckpointFiles(config, parts)


def _parsed(config: Path) -> dict[str, object]:
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except OSError as fault:
        raise EngineUnavailable(
            NAME, f"expected a checkpoint's config.json at {config}: {fault.strerror}"
        ) from fault
    except ValueError as fault:
        raise EngineUnavailable(NAME, f"{config}: expected JSON: {fault}") from fault
    if not isinstance(found, dict):
        raise EngineUnavailable(NAME, f"{config}: expected a JSON object, found {found!r:.40}")
    return found
