"""`parley doctor`: what is installed here, what is missing, and the command that mends it."""

import ctypes.util
import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass


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
    Part("faster-whisper", "faster_whisper", "weights of the voice activity", BASE),
    Part("pocketsphinx", "pocketsphinx", "recogniser without download", OFFLINE),
    Part("espeakng-loader", "espeakng_loader", "voice without download", OFFLINE),
    Part("sherpa-onnx", "sherpa_onnx", "streaming transducers", "pip install 'parley[sherpa]'"),
    Part("openai", "openai", "a chat server as responder", "pip install 'parley[openai]'"),
    Part("mcp", "mcp", "tools of MCP servers", "pip install 'parley[mcp]'"),
    Part("sounddevice", "sounddevice", "microphone and loudspeaker", "pip install 'parley[mic]'"),
)  # fmt: skip


def doctor() -> int:
    """Print one line per part; 0 when `parley demo` can run."""
    print(f"Python {sys.version.split()[0]}")
    missing = [part for part in PARTS if not _is_here(part)]
    for part in PARTS:
        state = f"missing: {part.remedy}" if part in missing else _version(part)
        print(f"  {part.package:<16} {state:<34} {part.use}")
    library = ctypes.util.find_library("portaudio")
    state = library or "missing: apt install libportaudio2"
    print(f"  {'PortAudio':<16} {state:<34} microphone and loudspeaker")
    needed = [part for part in missing if part.remedy in (BASE, OFFLINE)]
    print("parley demo cannot run yet" if needed else "parley demo can run")
    return 1 if needed else 0


def _is_here(part: Part) -> bool:
    return importlib.util.find_spec(part.module) is not None


def _version(part: Part) -> str:
    return importlib.metadata.version(part.package)
