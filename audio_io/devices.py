"""The sound devices of this machine, with their errors in sentences."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import DeviceError
from audio_io.framing import frame_samples

RATES = (16_000, 48_000, 44_100)
"""Rates to try, in Hz: what recognisers want first, then what every sound card can do."""

_BLOCK_S = 0.01  # shorter blocks cost more than they save; longer ones are heard as delay

# Source: portaudio.h, PaErrorCode
_BAD_RATE, _BAD_DEVICE, _BUSY = -9997, -9996, -9985


class BlockTimes(Protocol):
    """When a block is heard, on the stream's own clock, in seconds."""

    @property
    def outputBufferDacTime(self) -> float: ...  # noqa: N802  # PortAudio's name


class DeviceStream(Protocol):
    """What is used of a sounddevice stream."""

    @property
    def time(self) -> float: ...

    def start(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


InputCallback = Callable[[Samples, int, Any, Any], None]
OutputCallback = Callable[[Samples, int, BlockTimes, Any], None]


def load_sounddevice() -> ModuleType:
    """The sounddevice package.

    Raises:
        DeviceError: it, or the PortAudio library, is missing.
    """
    try:
        import sounddevice  # noqa: PLC0415  # heavy, and needs a library that may be missing
    except ModuleNotFoundError as fault:
        raise DeviceError(
            "microphone: expected the package sounddevice, found none; install parley[mic]"
        ) from fault
    except OSError as fault:  # the package is there, the library under it is not
        raise DeviceError(
            "microphone: expected the PortAudio library, found none; install it "
            "(Debian and Ubuntu: libportaudio2)"
        ) from fault
    module: ModuleType = sounddevice
    return module


class Devices:
    """The sounddevice module, with its errors in sentences."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def find(self, what: str, name: str | None) -> int:
        """The number of a device.

        Raises:
            DeviceError: there is none, or none of that name.
        """
        kind = _kind(what)
        wanted = int(name) if name is not None and name.isdecimal() else name
        try:
            found = self._module.query_devices(wanted, kind)
        except (ValueError, self._module.PortAudioError) as fault:
            names = self._names(kind)
            if not names:
                advice = "connect one, or give a WAV file in its place"
                raise DeviceError(f"{what}: expected a device, found none; {advice}") from fault
            raise DeviceError(
                f"{what}: expected one of {', '.join(names)}, found "
                f"{'no default' if name is None else name}; choose one by name or number"
            ) from fault
        return int(found["index"])

    def rate(self, what: str, device: int) -> int:
        """The first rate of ours that a device can do.

        Raises:
            DeviceError: it can do none, or cannot be used at all.
        """
        module, hears = self._module, _kind(what) == "input"
        check = module.check_input_settings if hears else module.check_output_settings
        for rate in RATES:
            try:
                check(device=device, channels=1, dtype="float32", samplerate=rate)
            except self._module.PortAudioError as fault:
                if _code(fault) != _BAD_RATE:
                    raise _refused(what, fault) from fault
            else:
                return rate
        tried = ", ".join(map(str, RATES))
        raise DeviceError(
            f"{what}: expected a device for {tried} Hz, found one for none of them; choose another"
        )

    def open(
        self, what: str, device: int, rate: int, callback: InputCallback | OutputCallback
    ) -> DeviceStream:
        """A running stream.

        Raises:
            DeviceError: the device is busy or refuses.
        """
        kind = self._module.InputStream if _kind(what) == "input" else self._module.OutputStream
        try:
            stream: DeviceStream = kind(
                device=device,
                samplerate=rate,
                blocksize=frame_samples(rate, _BLOCK_S),
                channels=1,
                dtype=np.float32,
                latency="low",
                callback=callback,
            )
        except self._module.PortAudioError as fault:
            raise _refused(what, fault) from fault
        try:
            stream.start()
        except self._module.PortAudioError as fault:
            stream.close()
            raise _refused(what, fault) from fault
        return stream

    def _names(self, kind: str) -> list[str]:
        """Devices of one kind, each with its number."""
        return [
            f"{device['index']} ({device['name']})"
            for device in self._module.query_devices()
            if device[f"max_{kind}_channels"] > 0
        ]


def _kind(what: str) -> str:
    return "input" if what == "microphone" else "output"


def _code(fault: Exception) -> int:
    return int(fault.args[1]) if len(fault.args) > 1 else 0


def _refused(what: str, fault: Exception) -> DeviceError:
    if _code(fault) == _BUSY:
        return DeviceError(
            f"{what}: expected a free device, found it busy; close the program that uses it, "
            "or choose another"
        )
    if _code(fault) == _BAD_DEVICE:
        return DeviceError(
            f"{what}: expected a device, found it gone; connect it, or choose another"
        )
    return DeviceError(
        f"{what}: expected a device for mono float sound, found {fault.args[0]}; choose another"
    )
