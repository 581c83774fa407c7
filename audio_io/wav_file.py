"""WAV files: read whatever can be used of one, write one that is valid at any moment."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.errors import ConfigError
from audio_io.codecs import to_pcm16
from audio_io.recording_rows import Rows, Side
from audio_io.resample import resampled

__all__ = ("Side", "StereoWriter", "Wav", "read_wav")

_LARGEST_BYTES = 256 * 2**20  # two hours of 16 kHz mono; a file is read into memory whole
_RATES = range(4_000, 192_001)  # Hz
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE  # format tags. Source: Microsoft, mmreg.h
_ALLOWED = "PCM of 8, 16, 24 or 32 bits or 32-bit float, mono or stereo"


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Wav:
    """What a WAV file holds, mixed to mono.

    Attributes:
        samples: float32 [n], −1..1.
        rate: in Hz.
        notice: a sentence about what is wrong with the file though it could be used, or empty.
    """

    samples: Samples
    rate: int
    notice: str = ""

    def at(self, rate: int) -> Samples:
        """The samples at another rate."""
        return self.samples if rate == self.rate else resampled(self.samples, self.rate, rate)


@dataclass(frozen=True, slots=True)
class _Format:
    tag: int
    channels: int
    rate: int
    bits: int

    @property
    def block_bytes(self) -> int:
        return self.channels * self.bits // 8


def read_wav(path: Path) -> Wav:
    """The sound of a WAV file; of one that was cut short, what there is.

    Raises:
        ConfigError: there is no such file, or nothing in it can be used.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise ConfigError(
                f"{path}: expected at most {_LARGEST_BYTES} bytes, found {size}; use a shorter file"
            )
        data = path.read_bytes()
    except OSError as fault:
        raise ConfigError(
            f"{path}: expected a WAV file, found none that can be read ({fault.strerror}); "
            "check the path"
        ) from fault
    return _decode(data, str(path))


def _decode(data: bytes, name: str) -> Wav:
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        found = repr(data[:12]) if data else "an empty file"
        raise ConfigError(
            f"{name}: expected a WAV file, which begins with RIFF and WAVE, found {found}; "
            f"convert it, for example with sox, to {_ALLOWED}"
        )
    layout: _Format | None = None
    for kind, declared, body in _chunks(data):
        if kind == b"fmt ":
            layout = _format(body, name)
        elif kind == b"data" and layout is not None:
            return _sound(layout, declared, body, name)
    missing = "data" if layout else "fmt"
    raise ConfigError(f"{name}: expected a {missing} chunk, found none; record or convert it again")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Kind, declared size and what there is of it, for each chunk."""
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        yield kind, size, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2  # chunks are padded to an even size


def _format(body: bytes, name: str) -> _Format:
    if len(body) < 16:
        raise ConfigError(f"{name}: expected a fmt chunk of 16 bytes, found {len(body)}")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == _EXTENSIBLE and len(body) >= 26:
        tag = int.from_bytes(body[24:26], "little")  # the sub-format begins with the plain tag
    layout = _Format(tag, channels, rate, bits)
    known = (tag == _PCM and bits in {8, 16, 24, 32}) or (tag == _FLOAT and bits == 32)
    if not known or channels not in {1, 2}:
        raise ConfigError(
            f"{name}: expected {_ALLOWED}, found format {tag} of {bits} bits with {channels} "
            "channels; convert it, for example with sox"
        )
    if rate not in _RATES:
        raise ConfigError(
            f"{name}: expected a rate of {_RATES.start} to {_RATES.stop - 1} Hz, found {rate}; "
            "convert it, for example with sox"
        )
    return layout


def _sound(layout: _Format, declared: int, body: bytes, name: str) -> Wav:
    blocks = len(body) // layout.block_bytes
    if not blocks:
        raise ConfigError(
            f"{name}: expected sound, found 0 samples (its header says {declared} bytes); "
            "record it again"
        )
    notice = ""
    if len(body) < declared:
        notice = (
            f"{name}: its header says {declared} bytes of sound, found {len(body)}; "
            f"using the {blocks / layout.rate:.2f} s there are"
        )
    whole = body[: blocks * layout.block_bytes]
    channels = _values(whole, layout).reshape(blocks, layout.channels)
    mono = np.nan_to_num(channels.mean(axis=1), posinf=1.0, neginf=-1.0)
    return Wav(np.clip(mono, -1.0, 1.0).astype(np.float32), layout.rate, notice)


def _values(data: bytes, layout: _Format) -> Samples:
    if layout.tag == _FLOAT:
        return np.frombuffer(data, "<f4").astype(np.float32)
    if layout.bits == 8:  # the only unsigned one
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / np.float32(128)
    if layout.bits == 24:
        triples = np.frombuffer(data, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(triples), 4), np.uint8)
        wide[:, 1:] = triples  # as the upper bytes of 32 bits
        return _values(wide.tobytes(), _Format(_PCM, layout.channels, layout.rate, 32))
    scale = 2.0 ** (layout.bits - 1)
    return (np.frombuffer(data, f"<i{layout.bits // 8}") / scale).astype(np.float32)


# --- writing ------------------------------------------------------------------------------------


def new_file(path: Path) -> io.FileIO:
    """A recording's file, made or replaced; nothing is buffered in the process.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        return path.open("wb", buffering=0)
    except OSError as fault:
        raise ConfigError(
            f"{path}: expected to write a recording, found {fault.strerror}; choose another path"
        ) from fault


class StereoWriter:
    """A call on disk as it happens: 16-bit WAV, the caller on the left, the agent on the right.

    Each side is written at its own position on one time line, as `Rows` puts them together: a call
    that dies loses `window_s` at most. The header is brought up to date with every write, at least
    each 0.1 s of sound, and nothing is buffered in the process: the file is valid at any moment.
    """

    def __init__(self, path: Path, rate: int, window_s: float = 0.5) -> None:
        """Make the file, or replace it.

        Raises:
            ConfigError: it cannot be made.
        """
        self._rate = rate
        self._rows = Rows(rate, window_s)
        self._written = 0  # rows in the file
        self._file: io.FileIO | None = new_file(path)
        self._file.write(_header(rate, 0))

    @property
    def rate(self) -> int:
        """Samples per second of both sides, in Hz."""
        return self._rate

    @property
    def lost(self) -> int:
        """Samples that came too late for their place."""
        return self._rows.lost

    def append(self, side: Side, frame: AudioFrame) -> None:
        """Put sound on one side at `frame.start`; silence fills the way there. Nothing once closed.

        Raises:
            ValueError: the frame has another rate.
        """
        if self._file is None:
            return
        if frame.rate != self._rate:
            raise ValueError(f"recording: expected {self._rate} Hz, found {frame.rate} Hz")
        self._write(self._rows.put(side, frame))

    def close(self) -> None:
        """Write what waits and close the file. May be called twice."""
        if self._file is not None:
            self._write(self._rows.rest())
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, rows: Samples) -> None:
        if self._file is None or not len(rows):
            return
        self._file.seek(0, io.SEEK_END)
        self._file.write(to_pcm16(rows.reshape(-1)))
        self._written += len(rows)
        self._file.seek(0)
        self._file.write(_header(self._rate, self._written))


def _header(rate: int, rows: int) -> bytes:
    """The 44 bytes before the sound; sizes end at 4 GiB, 18 hours at 16 kHz."""
    size = min(rows * 4, 2**32 - 1 - 44)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16),
        *(_PCM, 2, rate, rate * 4, 4, 16),
        *(b"data", size),
    )
