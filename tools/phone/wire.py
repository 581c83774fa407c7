"""A telephone without a person and without a buffer: it knows when each packet left and arrived."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

import numpy as np

from audio_io.codecs import mulaw_decode
from audio_io.rtp.packets import Mouth
from audio_io.rtp.port import open_port
from audio_io.sip.message import Address
from audio_io.sip.phone import SipPhone
from audio_io.sip.sdp import Media
from audio_io.sip.settings import SipSettings
from tests.support.correlation import find
from tests.support.sip_phones import free_udp_port, until

RATE, FRAME, FRAME_S = 8000, 160, 0.02
_HEADER_BYTES = 12


class WirePhone:
    """One call of it. What it says begins at a packet, and silence is sent in between."""

    def __init__(self) -> None:
        self._came: list[tuple[float, bytes]] = []
        self._left: list[float] = []
        self._said: list[np.ndarray] = []
        self._saying = np.zeros(0, np.float32)

    def hear(self, data: bytes, place: Address, now: float) -> None:
        """A packet of sound."""
        del place
        if len(data) == _HEADER_BYTES + FRAME:
            self._came.append((now, data[_HEADER_BYTES:]))

    def say(self, sound: np.ndarray) -> None:
        """Say this next, float32 at 8 kHz."""
        self._saying = sound

    @property
    def heard(self) -> np.ndarray:
        """All that has come, float32 at 8 kHz."""
        return mulaw_decode(b"".join(payload for _, payload in self._came))

    def spoken_at(self, sound: np.ndarray) -> float:
        """Loop time at which its first sample was spoken: its packet left when its last one was."""
        packet, offset = divmod(find(sound, np.concatenate(self._said)).delay, FRAME)
        return self._left[packet] - FRAME_S + offset / RATE

    def heard_at(self, sound: np.ndarray) -> float:
        """Loop time at which its first sample is heard where a packet is played as it comes."""
        packet, offset = divmod(find(sound, self.heard).delay, FRAME)
        return self._came[packet][0] + offset / RATE

    async def talk(self, mouth: Mouth, send: Callable[[bytes], None]) -> None:
        """Send a packet every 20 ms, until cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            await asyncio.sleep(max(0.0, began + len(self._left) * FRAME_S - loop.time()))
            frame = np.zeros(FRAME, np.float32)
            frame[: len(self._saying[:FRAME])] = self._saying[:FRAME]
            self._saying = self._saying[FRAME:]
            self._said.append(frame)
            self._left.append(loop.time())
            for data in mouth.beat(frame):
                send(data)


@contextlib.asynccontextmanager
async def wire_call(
    port: int, extension: str = "100", lost: float = 0.0
) -> AsyncIterator[WirePhone]:
    """A call to an extension at this port of 127.0.0.1, in which something is heard already.

    `lost`: the share of its packets that never leave.
    """
    handset = WirePhone()
    phone = SipPhone(SipSettings(port=free_udp_port()), lambda line: line.reject(486))
    await phone.open()
    rtp = await open_port("127.0.0.1", range(20_000, 29_999), handset.hear)
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(phone.run())
            line = await phone.call(f"sip:{extension}@127.0.0.1:{port}", rtp.address)
            await until(lambda: line.leg.media is not None)
            media = line.leg.media
            assert isinstance(media, Media)

            def send(data: bytes) -> None:
                if random.random() >= lost:
                    rtp.send(data, media.address)

            talking = group.create_task(handset.talk(Mouth(media), send))
            await until(lambda: len(handset.heard) > 0)
            yield handset
            line.hang_up()
            talking.cancel()
            await phone.close()
            running.cancel()
    finally:
        rtp.close()
