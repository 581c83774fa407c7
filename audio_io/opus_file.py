"""A call as an Ogg file of Opus, less than a tenth of the size of a WAV."""

import io
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.errors import ConfigError
from audio_io.codecs import to_pcm16
from audio_io.recording_rows import Rows
from audio_io.wav_file import Side, new_file

_FRAME_S = 0.02
_BITS = 32_000  # a second, for both sides; for speech at 16 kHz that is much


class OpusWriter:
    """A call on disk as it happens, the caller on the left, the agent on the right.

    Every 0.1 s of both sides goes to the file at once; one that breaks off can be played up to
    there.
    """

    def __init__(self, path: Path, rate: int) -> None:
        """Make the file, or replace it.

        Raises:
            ConfigError: it cannot be made, or PyAV is not installed.
        """
        self._rate = rate
        self._rows = Rows(rate)
        self._waiting: Samples = np.zeros((0, 2), np.float32)  # less than a frame
        self._written = 0
        self._raw = new_file(path)
        self._file: Any = _container(self._raw, path)
        self._stream = self._file.add_stream("libopus", rate=rate, layout="stereo")
        self._stream.bit_rate = _BITS

    @property
    def rate(self) -> int:
        """Samples per second of both sides, in Hz: 8000, 12000, 16000, 24000 or 48000."""
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
        if self._file is None:
            return
        self._write(self._rows.rest())
        if len(self._waiting):
            self._write(np.zeros((self._frame_rows - len(self._waiting), 2), np.float32))
        self._file.mux(self._stream.encode(None))
        self._file.close()
        self._raw.close()
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

    @property
    def _frame_rows(self) -> int:
        return round(self._rate * _FRAME_S)

    def _write(self, rows: Samples) -> None:
        self._waiting = np.concatenate((self._waiting, rows))
        while len(self._waiting) >= self._frame_rows:
            self._encode(self._waiting[: self._frame_rows])
            self._waiting = self._waiting[self._frame_rows :]

    def _encode(self, rows: Samples) -> None:
        from av import AudioFrame as Encodable  # noqa: PLC0415

        values = np.frombuffer(to_pcm16(rows.reshape(-1)), np.int16).reshape(1, -1)
        frame = Encodable.from_ndarray(values, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = self._rate, self._written
        self._written += len(rows)
        self._file.mux(self._stream.encode(frame))


def _container(raw: io.FileIO, path: Path) -> Any:
    """An Ogg container in a file that is open; it closes that too where it cannot be made."""
    try:
        import av  # noqa: PLC0415
    except ImportError as fault:
        raw.close()
        path.unlink()
        raise ConfigError(
            'recording: expected the package av for format = "opus", found none; install it with '
            'pip install "parley[webrtc]", or choose format = "wav"'
        ) from fault
    at_once = {"page_duration": "100000", "flush_packets": "1"}
    return av.open(raw, "w", format="ogg", options=at_once)
