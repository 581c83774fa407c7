"""What each engine needs. A new engine: a function of a few lines, and a row in NEEDS.

The function is given the configuration and the section, reads the engine's own settings, and
returns what has to be here. docs/models.md shows one.
"""
# ruff: noqa: PLC0415  (settings live beside their engines, and these import numpy)

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from agent.config import ENGINES, Config
from agent.models.hub import Repository
from agent.models.need import Need, Own, Package, Server

Ask = Callable[[Config, str], list[Need]]

_MB = 10**6

_WHISPER_MB = MappingProxyType(
    {"tiny": 75, "base": 145, "small": 484, "medium": 1500, "large-v3": 3100, "turbo": 1600}
    | {"large-v3-turbo": 1600, "large": 3100}
)
"""Of the float16 weights, as published. Source: docs/engines/whisper.md."""

_WHISPER_NAMES = MappingProxyType(
    {
        "large": "Systran/faster-whisper-large-v3",
        "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    }
)
"""Sizes whose repository is not named by the rule. Source: faster-whisper 1.2.1."""

_WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json")
_WHISPER_WANTED = (*_WHISPER_FILES, "preprocessor_config.json", "vocabulary.*")

_NETWORKS = ("encoder", "decoder", "joiner")


def needs(config: Config) -> list[tuple[str, Need]]:
    """Everything the engines of a configuration need, with the section it is for."""
    return [
        (section, need)
        for section in ENGINES
        for need in needs_of(config, section)
    ]  # fmt: skip


def needs_of(config: Config, section: str) -> list[Need]:
    """What the engine of one section needs; nothing for one that is part of parley.

    Raises:
        ConfigError: the engine's settings are wrong.
    """
    ask = NEEDS.get(str(config.tables.get(section, {}).get("engine")))
    return ask(config, section) if ask else []


def whisper_repository(model: str) -> str:
    """The repository of a size such as `small.en`; a repository's name is its own."""
    if "/" in model:
        return model
    plain, rule = re.subn(r"^distil-", "Systran/faster-distil-whisper-", model)
    return _WHISPER_NAMES.get(model, plain if rule else f"Systran/faster-whisper-{model}")


def _whisper(config: Config, section: str) -> list[Need]:
    from pipelines.engines.whisper import WhisperSettings

    model = config.settings(WhisperSettings, section).model
    package = Package("faster_whisper", "pip install 'parley[whisper]'")
    size = _WHISPER_MB.get(model.removesuffix(".en"), 0) * _MB
    weights = Repository(whisper_repository(model), _WHISPER_FILES, _WHISPER_WANTED)
    source = Own(Path(model), "convert one, see docs/engines/whisper.md")
    return [
        Need("whisper", "package faster-whisper", package, licence="MIT"),
        Need("whisper", f"weights {model}", source if Path(model).is_dir() else weights, size,
             "MIT" if size else ""),
    ]  # fmt: skip


def _sherpa(config: Config, section: str) -> list[Need]:
    from pipelines.engines.sherpa import SherpaSettings
    from pipelines.engines.sherpa_files import MODELS

    folder = config.settings(SherpaSettings, section).model
    package = Package("sherpa_onnx", "pip install 'parley[sherpa]'")
    model = Own(Path(folder, "tokens.txt"), f"unpack a model of {MODELS} at {folder or '?'}")
    return [
        Need("sherpa", "package sherpa-onnx", package, licence="Apache-2.0"),
        Need("sherpa", f"folder {folder or 'not given'}", model),
    ]


def _silero(config: Config, section: str) -> list[Need]:
    from pipelines.engines.silero import SileroSettings

    own = config.settings(SileroSettings, section).weights
    if own:
        return [Need("silero", f"weights {own}", Own(Path(own), "correct the path in weights"))]
    inside = Package("faster_whisper", "pip install parley", "assets/silero_vad_v6.onnx")
    return [Need("silero", "weights in faster-whisper", inside, 1 * _MB, "MIT")]


def _smart_turn(config: Config, section: str) -> list[Need]:
    from pipelines.engines.smart_turn import SmartTurnSettings

    own = config.settings(SmartTurnSettings, section).weights
    if own:
        return [Need("smart-turn", f"weights {own}", Own(Path(own), "correct the path in weights"))]
    inside = Package(
        "pipecat",
        "pip install --no-deps pipecat-ai==1.14.0",
        "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
    )
    return [Need("smart-turn", "weights in pipecat-ai", inside, 9 * _MB, "BSD-2-Clause")]


def _pocketsphinx(config: Config, section: str) -> list[Need]:
    del config, section
    package = Package("pocketsphinx", "pip install 'parley[offline]'")
    return [Need("pocketsphinx", "package with its model", package, 39 * _MB, "BSD-2-Clause")]


def _espeak(config: Config, section: str) -> list[Need]:
    del config, section
    package = Package("espeakng_loader", "pip install 'parley[offline]'")
    return [Need("espeak", "package with its voices", package, 20 * _MB, "GPL-3.0")]


def _openai_chat(config: Config, section: str) -> list[Need]:
    from pipelines.engines.chat_settings import OpenAIChatSettings

    settings = config.settings(OpenAIChatSettings, section)
    package = Package("openai", "pip install 'parley[openai]'")
    return [
        Need("openai_chat", "package openai", package, licence="Apache-2.0"),
        Need("openai_chat", f"server {settings.base_url}", Server(settings.base_url)),
    ]


NEEDS: Mapping[str, Ask] = MappingProxyType(
    {
        "espeak": _espeak,
        "openai_chat": _openai_chat,
        "pocketsphinx": _pocketsphinx,
        "sherpa": _sherpa,
        "silero": _silero,
        "smart-turn": _smart_turn,
        "smart-turn-once": _smart_turn,
        "whisper": _whisper,
    }
)
"""By the engine's name in the configuration. What is not here needs nothing but parley."""
