"""The microphone and the loudspeaker of this machine."""

import asyncio
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import CallTraits, Clock, Incoming, Note, Order
from agent.core.errors import CallClosed, DeviceError
from audio_io.devices import BlockTimes, Devices, DeviceStream, load_sounddevice
from audio_io.framing import check_frame, frame_samples
from audio_io.orders import refusal
from audio_io.ring import SampleRing
from audio_io.room import Room

_AHEAD_S = 0.04  # play returns when this much waits, so at most 60 ms do
_INPUT_S = 2.0  # sound waiting for a pipeline that is behind; older sound is dropped
_OUTPUT_S = 0.2
_POLL_S = 0.005  # the device's thread must not wake the loop, so the loop looks
_STUCK_S = 2.0  # without a block from the device: it was unplugged, or its server died


def open_microphone(
    microphone: str | None = None,
    loudspeaker: str | None = None,
    module: ModuleType | None = None,
) -> "MicCall":
    """A call with whoever sits at this machine. Echo is removed around it (audio_io/echo/call.py).

    Args:
        microphone: part of the device's name, or its number; None for the system's choice.
        loudspeaker: likewise.
        module: stands in for sounddevice.

    Raises:
        DeviceError: a package, a library or a device is missing, busy, or cannot do it.
    """
    devices = Devices(module or load_sounddevice())
    source = devices.find("microphone", microphone)
    sink = devices.find("loudspeaker", loudspeaker)
    rate = devices.rate("microphone", source)
    play_rate = devices.rate("loudspeaker", sink)
    call = MicCall(rate, play_rate)
    try:
        call.heard_from(devices.open("microphone", source, rate, call.take))
        call.spoken_to(devices.open("loudspeaker", sink, play_rate, call.give))
    except DeviceError:
        call.release()
        raise
    return call


class MicCall:
    """A call through two device streams, whose threads only copy to and from rings.

    Attributes:
        input: sound from the microphone; counts what was dropped because nobody read it.
        output: sound for the loudspeaker; counts what was missing when the device wanted some.
    """

    def __init__(self, rate: int, play_rate: int) -> None:
        self._rate = rate
        self._play_rate = play_rate
        self._streams: list[DeviceStream] = []
        self._blocks = 0  # blocks the loudspeaker has taken
        self._taken = 0  # samples of ours in them
        self._sounds_until_s = 0.0  # when the last of these is heard, on the stream's clock
        self._flushed = 0
        self._is_open = True
        self._room = Room()
        self.input = SampleRing(round(_INPUT_S * rate))
        self.output = SampleRing(round(_OUTPUT_S * play_rate))

    @property
    def rate(self) -> int:
        """The microphone's rate, in Hz."""
        return self._rate

    @property
    def play_rate(self) -> int:
        """The loudspeaker's rate, in Hz."""
        return self._play_rate

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms at `play_rate`."""
        return frame_samples(self._play_rate)

    @property
    def traits(self) -> CallTraits:
        """The device takes sound when it wants it; what is in our ring can be taken back."""
        return CallTraits(rewinds=True, clock=Clock.THEIRS)

    async def frames(self) -> AsyncIterator[Incoming]:
        """The microphone's sound in frames of 20 ms. May be called once.

        Raises:
            DeviceError: the microphone has stopped.
        """
        count, start = frame_samples(self._rate), 0
        patience = _Patience("microphone")
        while self._is_open:
            if len(self.input) >= count:
                yield AudioFrame(self.input.read(count), self._rate, start)
                start += count
            else:
                patience.check(len(self.input) + start)
                await asyncio.sleep(_POLL_S)

    async def play(self, frame: AudioFrame) -> None:
        """The next 20 ms for the loudspeaker; returns when at most 40 ms wait in our ring.

        Raises:
            CallClosed: the call was closed.
            DeviceError: the loudspeaker has stopped.
        """
        if not self._is_open:
            raise CallClosed("the microphone was closed")
        check_frame(frame, self.frame_samples, self._play_rate)
        self.output.write(frame.samples)
        patience = _Patience("loudspeaker")
        while self._is_open and len(self.output) > _AHEAD_S * self._play_rate:
            patience.check(self._blocks)
            await self._room.wait_until(asyncio.get_running_loop().time() + _POLL_S)

    def flush(self) -> None:
        """Drop what the device has not taken yet."""
        self._flushed += self.output.clear()
        self._room.make()

    def played(self) -> int:
        """Samples that have left the loudspeaker, or were flushed."""
        if not self._is_open or not self._taken:
            return self._taken + self._flushed
        on_the_way_s = max(0.0, self._sounds_until_s - self._streams[-1].time)
        on_the_way = min(self._taken, round(on_the_way_s * self._play_rate))
        return self._taken - on_the_way + self._flushed

    def tell(self, note: Note) -> None:
        """Nobody is there to be told."""

    async def order(self, order: Order) -> None:
        """None is carried out."""
        raise refusal(order, "a microphone")

    async def close(self) -> None:
        """Let go of the devices."""
        self.release()

    def release(self) -> None:
        """Let go of the devices. May be called twice."""
        self._is_open = False
        self._room.make()
        while self._streams:
            stream = self._streams.pop()
            stream.abort()
            stream.close()

    # --- used by open_microphone and by the devices' threads ------------------------------------

    def heard_from(self, stream: DeviceStream) -> None:
        """This stream brings the microphone's sound."""
        self._streams.append(stream)

    def spoken_to(self, stream: DeviceStream) -> None:
        """This stream takes the loudspeaker's sound; its clock is the one `played` goes by."""
        self._streams.append(stream)

    def take(self, block: Samples, count: int, times: Any, status: Any) -> None:
        """A block from the microphone, float32 [count, 1]. Called in the device's thread."""
        self.input.write(block[:, 0])

    def give(self, block: Samples, count: int, times: BlockTimes, status: Any) -> None:
        """A block for the loudspeaker, float32 [count, 1]. Called in the device's thread."""
        real = self.output.read_into(block[:, 0])
        if real:
            self._sounds_until_s = times.outputBufferDacTime + real / self._play_rate
            self._taken += real
        self._blocks += 1


class _Patience:
    """Raises when a device makes no progress for 2 s."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._progress = -1
        self._since = 0.0

    def check(self, progress: int) -> None:
        now = asyncio.get_running_loop().time()
        if progress != self._progress:
            self._progress, self._since = progress, now
        elif now - self._since > _STUCK_S:
            raise DeviceError(
                f"{self._device}: expected sound to flow, found none for {_STUCK_S:g} s; "
                "see whether it was unplugged"
            )
