"""A server with one agent for callers over WebRTC."""

import asyncio
import contextlib

import numpy as np

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.calls import Note
from agent.core.events import Digit, Typed
from agent.entrances.webrtc import WebRtcEntrance
from audio_io.receive.presence import PresenceLimits
from audio_io.webrtc.settings import WebRtcSettings
from tests.support.servers import serve

LIMITS = PresenceLimits(connect_s=10, idle_s=1.5, away_s=0.5, rejoin_s=4, closed_s=0.3)
SETTINGS = WebRtcSettings(presence=LIMITS)


class Singer:
    """Hears everything, sings without an end, and repeats keys and lines as notes."""

    def __init__(self, hz=660.0):
        self.calls = []
        self.heard = []
        self.handed = 0
        self._hz = hz

    async def __call__(self, call):
        self.calls.append(call)
        async with asyncio.TaskGroup() as group:
            singing = group.create_task(self._sing(call))
            async for item in call.frames():
                if isinstance(item, Digit | Typed):
                    call.tell(Note("said", {"what": str(item)}))
                else:
                    self.heard.append(item.samples)
            singing.cancel()

    async def _sing(self, call):
        at = np.arange(call.frame_samples)
        for start in range(0, 10**9, call.frame_samples):
            samples = 0.3 * np.sin(2 * np.pi * self._hz * (at + start) / call.play_rate)
            await call.play(AudioFrame(samples.astype(np.float32), call.play_rate, start))
            self.handed = start + call.frame_samples

    @property
    def sound(self):
        return np.concatenate([np.zeros(0, np.float32), *self.heard])


@contextlib.asynccontextmanager
async def running(agent, settings=SETTINGS, **options):
    """The address of a server on a free port, stopped at the end."""
    ready = asyncio.get_running_loop().create_future()
    made = []

    def entrance(switchboard):
        made.append(switchboard)
        return WebRtcEntrance(switchboard, settings)

    async with asyncio.TaskGroup() as group:
        served = serve(
            ServerSettings(port=0, **options), agent, ready.set_result, entrances=(entrance,)
        )
        server = group.create_task(served)
        try:
            address = (await ready).removeprefix("http://")
            yield address
            async with asyncio.timeout(15):
                while made[0].active:  # noqa: ASYNC110  # nobody tells
                    await asyncio.sleep(0.02)  # calls end by themselves, not by our cut
        finally:
            server.cancel()
