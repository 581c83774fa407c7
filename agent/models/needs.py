"""What each engine needs. A new engine: a function of a few lines, and a row in NEEDS.

The function is given the configuration and the section, reads the engine's own settings, and
returns what has to be here. docs/models.md shows one.
"""
# ruff: noqa: PLC0415  (settings live beside their engines, and these import numpy)

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from agent.config import ENGINES, Config
from agent.core.settings import read
from agent.models import hub
from agent.models.hub import Repository
from agent.models.need import Need, Own, Package, Server

T = TypeVar("T")

Ask = Callable[[Config, str], list[Need]]

_MB = 10**6

_WHISPER_MB = MappingProxyType(
    {"tiny": 75, "base": 145, "small": 484, "medium": 1500, "large-v3": 3100, "turbo": 1600}
    | {"large-v3-turbo": 1600, "large": 3100}
)
"""Of the float16 weights, as published. Source: docs/engines/whisper.md."""

QWEN = "hf://Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-1.5b-instruct-q4_k_m.gguf"
KOKORO: Mapping[str, str] = MappingProxyType(
    {
        "model": "hf://fastrtc/kokoro-onnx/kokoro-v1.0.onnx",
        "voices": "hf://fastrtc/kokoro-onnx/voices-v1.0.bin",
    }
)
LESSAC = "hf://rhasspy/piper-voices/en/en_US/lessac/medium/en_US-lessac-medium.onnx"

_KNOWN: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        QWEN: (1_117 * _MB, "Apache-2.0"),
        KOKORO["model"]: (326 * _MB, "Apache-2.0"),
        KOKORO["voices"]: (28 * _MB, "Apache-2.0"),
        LESSAC: (63 * _MB, "its MODEL_CARD"),
    }
)
"""Size and licence of files on the hub that we name. Source: their publishers."""

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

ZIPFORMER = "hf://csukuangfj/sherpa-onnx-streaming-zipformer-en-2023-06-26"
"""A streaming transducer for English: 73 MB in int8, Apache-2.0."""

_ZIPFORMER_FILES = (
    "tokens.txt",
    "encoder-epoch-99-avg-1-chunk-16-left-128.int8.onnx",
    "decoder-epoch-99-avg-1-chunk-16-left-128.int8.onnx",
    "joiner-epoch-99-avg-1-chunk-16-left-128.int8.onnx",
)


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
    table = config.tables.get(section, {})
    engine = str(table.get("engine"))
    ask = NEEDS.get(engine)
    return [*(ask(config, section) if ask else []), *_files(engine, table)]


def _files(engine: str, table: Mapping[str, object]) -> list[Need]:
    """Single files on the hub, by their addresses; the description beside a network comes along."""
    parts = [hub.split(value) for value in table.values() if isinstance(value, str)]
    return [
        Need(
            engine,
            Path(path).name,
            Repository(name, (path,), (path, f"{path}.json")),
            *_KNOWN.get(f"hf://{name}/{path}", ()),
        )
        for name, path in filter(None, parts)
        if path
    ]


def _settings(cls: type[T], config: Config, section: str) -> T:
    """As written: addresses on the hub stay addresses."""
    table = {k: v for k, v in config.tables.get(section, {}).items() if k != "engine"}
    return read(cls, table, f"{config.file}: [{section}]")


def whisper_repository(model: str) -> str:
    """The repository of a size such as `small.en`; a repository's name is its own."""
    if "/" in model:
        return model
    plain, rule = re.subn(r"^distil-", "Systran/faster-distil-whisper-", model)
    return _WHISPER_NAMES.get(model, plain if rule else f"Systran/faster-whisper-{model}")


def _whisper(config: Config, section: str) -> list[Need]:
    from pipelines.engines.whisper import WhisperSettings

    model = _settings(WhisperSettings, config, section).model
    package = Package("faster_whisper", "pip install 'parley[whisper]'")
    size = _WHISPER_MB.get(model.removesuffix(".en"), 0) * _MB
    weights = Repository(whisper_repository(model), _WHISPER_FILES, _WHISPER_WANTED)
    source = Own(Path(model), "convert one, see docs/engines/whisper.md")
    return [
        Need("whisper", "package faster-whisper", package, licence="MIT"),
        Need("whisper", f"weights {model}", source if Path(model).is_dir() else weights, size,
             "MIT" if size else ""),
    ]  # fmt: skip


_SHERPA = Package("sherpa_onnx", "pip install 'parley[sherpa]'")


def _sherpa(config: Config, section: str) -> list[Need]:
    from pipelines.engines.sherpa import SherpaSettings
    from pipelines.engines.sherpa_files import MODELS

    model = _settings(SherpaSettings, config, section).model
    on_hub = hub.split(model)
    package = Need("sherpa", "package sherpa-onnx", _SHERPA, licence="Apache-2.0")
    if model == ZIPFORMER and on_hub:
        known = Repository(on_hub[0], _ZIPFORMER_FILES)
        return [package, Need("sherpa", "zipformer", known, 73 * _MB, "Apache-2.0")]
    if on_hub:
        other = Repository(on_hub[0], ("tokens.txt",), ("tokens.txt", "bpe.*", "*.onnx"))
        return [package, Need("sherpa", on_hub[0].partition("/")[2], other)]
    folder = Own(Path(model or "model-of-sherpa", "tokens.txt"), f"unpack a model of {MODELS}")
    return [package, Need("sherpa", f"folder {model or '(not given)'}", folder)]


def _moshi(config: Config, section: str) -> list[Need]:
    del config, section
    inside = Package("moshi", "pip install -r requirements/moshi.txt")
    return [Need("moshi", "in an environment of its own: docs/duplex_worker.md", inside, 0, "MIT")]


def _silero_torch(config: Config, section: str) -> list[Need]:
    del config, section
    inside = Package("silero_vad", "pip install 'parley[silero]'")
    return [Need("silero-torch", "weights in silero-vad", inside, 2 * _MB, "MIT")]


def _silero(config: Config, section: str) -> list[Need]:
    from pipelines.engines.silero import SileroSettings

    own = _settings(SileroSettings, config, section).weights
    if own:
        return _own("silero", own)
    inside = Package("faster_whisper", "pip install parley", "assets/silero_vad_v6.onnx")
    return [Need("silero", "weights in faster-whisper", inside, 1 * _MB, "MIT")]


def _smart_turn(config: Config, section: str) -> list[Need]:
    from pipelines.engines.smart_turn import SmartTurnSettings

    own = _settings(SmartTurnSettings, config, section).weights
    if own:
        return _own("smart-turn", own)
    inside = Package(
        "pipecat",
        "pip install --no-deps pipecat-ai==1.14.0",
        "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
    )
    return [Need("smart-turn", "weights in pipecat-ai", inside, 9 * _MB, "BSD-2-Clause")]


def _own(engine: str, path: str) -> list[Need]:
    """A file that a setting names; one on the hub is counted by `_files`."""
    if hub.split(path):
        return []
    return [Need(engine, f"weights {path}", Own(Path(path), "correct the path in weights"))]


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

    settings = _settings(OpenAIChatSettings, config, section)
    package = Package("openai", "pip install 'parley[openai]'")
    return [
        Need("openai_chat", "package openai", package, licence="Apache-2.0"),
        Need("openai_chat", f"server {settings.base_url}", Server(settings.base_url)),
    ]


def _llama(config: Config, section: str) -> list[Need]:
    from pipelines.engines.llama_settings import LlamaSettings

    model = _settings(LlamaSettings, config, section).model
    package = Package("llama_cpp", "pip install 'parley[llama]'")
    return [
        Need("llama", "package llama-cpp-python", package, licence="MIT"),
        *_own_file("llama", model, "correct the path in [responder] model"),
    ]


def _voice(package: str, extra: str, licence: str) -> Ask:
    """A voice whose model is a file that its settings name; addresses are counted by `_files`."""

    def ask(config: Config, section: str) -> list[Need]:
        table = config.tables.get(section, {})
        here = Package(package, f"pip install 'parley[{extra}]'")
        model = str(table.get("model", ""))
        return [
            Need(str(table["engine"]), f"package {extra}", here, licence=licence),
            *_own_file(str(table["engine"]), model, "correct the path in model"),
        ]

    return ask


def _own_file(engine: str, path: str, remedy: str) -> list[Need]:
    if not path or hub.split(path):
        return []
    return [Need(engine, f"model {path}", Own(Path(path), remedy))]


NEEDS: Mapping[str, Ask] = MappingProxyType(
    {
        "espeak": _espeak,
        "kokoro": _voice("kokoro_onnx", "kokoro", "MIT; needs a GPL-3 package"),
        "llama": _llama,
        "kyutai-stt": _moshi,
        "kyutai-tts": _moshi,
        "moshi": _moshi,
        "openai_chat": _openai_chat,
        "piper": _voice("piper", "piper", "GPL-3.0"),
        "pocket_tts": _voice("pocket_tts", "pocket-tts", "MIT"),
        "pocketsphinx": _pocketsphinx,
        "realtimetts": _voice("RealtimeTTS", "realtimetts", "MIT"),
        "sherpa": _sherpa,
        "silero": _silero,
        "silero-torch": _silero_torch,
        "smart-turn": _smart_turn,
        "smart-turn-once": _smart_turn,
        "whisper": _whisper,
    }
)
"""By the engine's name in the configuration. What is not here needs nothing but parley."""
