"""What this machine has: processors, GPUs, sound devices, a port. Nothing found is no fault."""

import ctypes.util
import errno
import importlib.util
import os
import shutil
import socket
import subprocess
from importlib import import_module
from typing import Any

from agent.core.errors import DeviceError
from audio_io.devices import load_sounddevice

_WAIT_S = 5.0  # a driver in trouble can hold nvidia-smi for ever

PORTAUDIO = "apt install libportaudio2"


def processors() -> str:
    """How many cores this process may use."""
    count = len(os.sched_getaffinity(0))
    return f"{count} core{'s' if count != 1 else ''}"


def gpus() -> list[str]:
    """Names of the GPUs, by NVIDIA's tool, else by torch where it is installed."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return _torch_gpus() if importlib.util.find_spec("torch") else []
    ask = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        out = subprocess.run(ask, capture_output=True, text=True, timeout=_WAIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in out.stdout.splitlines() if line.strip()]


def _torch_gpus() -> list[str]:
    torch: Any = import_module("torch")
    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    return ["Apple's, through Metal"] if torch.backends.mps.is_available() else []


def devices() -> list[tuple[str, str]]:
    """Kind and name of the default microphone and loudspeaker, or why there are none."""
    if ctypes.util.find_library("portaudio") is None:
        return [("sound devices", f"not asked: PortAudio is missing: {PORTAUDIO}")]
    try:
        module: Any = load_sounddevice()
    except DeviceError as fault:
        return [("sound devices", f"not asked: {fault}")]
    return [
        ("microphone", _default(module, "input")),
        ("loudspeaker", _default(module, "output")),
    ]  # fmt: skip


def _default(module: Any, kind: str) -> str:
    try:
        return str(module.query_devices(None, kind)["name"])
    except (ValueError, module.PortAudioError):
        return "none found; parley talk --wav and parley serve need none"


def port(host: str, number: int) -> str:
    """Whether a server could listen there."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, number))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                return f"taken; parley serve --port {number + 1} takes another"
            return f"cannot be used: {os.strerror(fault.errno or 0)}"
    return "free"
