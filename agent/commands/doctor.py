"""`parley doctor`: what is installed here, what is missing, and the command that mends it."""

import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass

from agent.admission import ServerSettings
from agent.commands import machine
from agent.commands.choice import told
from agent.commands.columns import columns
from agent.config import Config
from agent.core.errors import ParleyError


@dataclass(frozen=True, slots=True)
class Part:
    """One optional part: the package that carries it, what it is for, and how to get it."""

    package: str
    module: str
    use: str
    remedy: str


BASE, OFFLINE = "pip install parley", "pip install 'parley[offline]'"
"""What `parley demo` needs."""

PARTS = (
    Part("numpy", "numpy", "sound as arrays", BASE),
    Part("websockets", "websockets", "calls over WebSocket", BASE),
    Part("starlette", "starlette", "parley serve", BASE),
    Part("uvicorn", "uvicorn", "parley serve", BASE),
    Part("onnxruntime", "onnxruntime", "voice activity", BASE),
    Part("faster-whisper", "faster_whisper", "voice activity's weights; Whisper", BASE),
    Part("huggingface-hub", "huggingface_hub", "parley models pull", BASE),
    Part("pocketsphinx", "pocketsphinx", "recogniser without download", OFFLINE),
    Part("espeakng-loader", "espeakng_loader", "voice without download", OFFLINE),
    Part("sherpa-onnx", "sherpa_onnx", "streaming transducers", "pip install 'parley[sherpa]'"),
    Part("openai", "openai", "a chat server as responder", "pip install 'parley[openai]'"),
    Part("llama-cpp-python", "llama_cpp", "a GGUF model as responder",
         "pip install 'parley[llama]'"),
    Part("piper-tts", "piper", "a neural voice", "pip install 'parley[piper]'"),
    Part("kokoro-onnx", "kokoro_onnx", "a neural voice", "pip install 'parley[kokoro]'"),
    Part("pocket-tts", "pocket_tts", "a voice on torch", "pip install 'parley[pocket-tts]'"),
    Part("realtimetts", "RealtimeTTS", "voices of many makers",
         "pip install 'parley[realtimetts]'"),
    Part("silero-vad", "silero_vad", "voice activity on torch", "pip install 'parley[silero]'"),
    Part("mcp", "mcp", "tools of MCP servers", "pip install 'parley[mcp]'"),
    Part("pipecat-ai", "pipecat", "Smart Turn's weights",
         "pip install --no-deps pipecat-ai==1.14.0"),
    Part("aiortc", "aiortc", "calls from browsers", "pip install 'parley[webrtc]'"),
    Part("aiosipua", "aiosipua", "calls over SIP", "pip install 'parley[sip]'"),
    Part("sounddevice", "sounddevice", "microphone, loudspeaker", "pip install 'parley[mic]'"),
)  # fmt: skip

_SHOWN = 68
"""Characters of an answer that fit behind its name on a terminal."""


def doctor(config: Config) -> int:
    """Look at everything, and let an agent talk to itself; 0 when `parley demo` can run."""
    print(f"parley {_version('parley')}, Python {sys.version.split()[0]}")
    missing = [part for part in PARTS if importlib.util.find_spec(part.module) is None]
    _show("Packages", [_row(part, missing) for part in PARTS])
    _show("Machine", _machine())
    print("\nConfiguration auto")
    print("\n".join(_auto()))
    if any(part.remedy in (BASE, OFFLINE) for part in missing):
        print("\nparley demo cannot run yet: install what is missing above")
        return 1
    return _conversation(config)


def _show(title: str, rows: list[tuple[str, ...]]) -> None:
    print("\n".join(["", title, *columns(rows)]), flush=True)


def _row(part: Part, missing: list[Part]) -> tuple[str, ...]:
    if part in missing:
        return part.package, "missing", part.use, part.remedy
    return part.package, _version(part.package), part.use, ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # a folder on the path, installed by nobody
        return "unknown"


def _machine() -> list[tuple[str, ...]]:
    server = ServerSettings()
    return [
        ("processor", machine.processors()),
        *[("GPU", name) for name in machine.gpus() or ["none found; none is needed"]],
        *machine.devices(),
        (f"port {server.port}", machine.port(server.host, server.port)),
    ]


def _auto() -> list[str]:
    from agent.auto import configured

    try:
        return told(configured(())[1])[1:]
    except ParleyError as fault:
        return [f"  {fault}"]


def _conversation(config: Config) -> int:
    """Ears, recogniser, responder and voice, together."""
    from agent.commands.rehearsal import rehearse

    try:
        heard = rehearse(config)
    except ParleyError as fault:
        print(f"\nparley demo cannot run: {fault}")
        return 1
    rows = [("caller said", heard.said), ("understood", heard.understood or "nothing"),
            ("answered", heard.answered or "nothing"), ("fault", heard.fault)]  # fmt: skip
    _show("Conversation", [(name, _quoted(text)) for name, text in rows if text])
    print("\nparley demo can run" if heard.worked else "\nparley demo does not work here")
    return 0 if heard.worked else 1


def _quoted(text: str) -> str:
    return f"“{text[:_SHOWN]}{' …' if len(text) > _SHOWN else ''}”"
