"""A server in a process of its own, and callers that cost next to nothing."""

import asyncio
import contextlib
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from agent.admission import ServerSettings
from agent.core.audio import silence
from agent.core.calls import Call
from agent.entrances.webrtc import WebRtcEntrance
from agent.server import serve
from agent.switchboard import Switchboard
from audio_io.opus import OpusEncoder
from audio_io.webrtc.hook import hand_over
from audio_io.webrtc.settings import WebRtcSettings

RATE = 48_000


class Voice(MediaStreamTrack):
    """One packet of noise again and again, made once."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        noise = np.random.default_rng(1).normal(0, 0.1, 960).astype(np.float32)
        self._payload = OpusEncoder(RATE).encode(noise)
        self._count = 0
        self._began = 0.0

    async def recv(self) -> av.Packet:  # type: ignore[type-arg]
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._count * 0.02 - loop.time()))
        packet = av.Packet(self._payload)
        packet.pts, packet.time_base = self._count * 960, Fraction(1, RATE)
        self._count += 1
        return packet


@contextlib.asynccontextmanager
async def calling(address: str) -> AsyncIterator[list[float]]:
    """A call that goes on; the loop times at which packets of the agent's came."""
    loop, came = asyncio.get_running_loop(), list[float]()
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = connection.createDataChannel("parley")
    connection.addTrack(Voice())
    try:
        await connection.setLocalDescription(await connection.createOffer())
        body = {"sdp": connection.localDescription.sdp, "type": "offer"}
        answer = await loop.run_in_executor(None, post, address, body)
        for transceiver in connection.getTransceivers():
            hand_over(transceiver.receiver, lambda _: came.append(loop.time()))
        await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        yield came
        if channel.readyState == "open":
            channel.send('{"type":"bye"}')
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


def post(address: str, body: dict[str, str]) -> dict[str, str]:
    """Ask for a call."""
    asked = urllib.request.Request(f"{address}/api/offer", json.dumps(body).encode())
    with urllib.request.urlopen(asked, timeout=30) as answer:
        found: dict[str, str] = json.load(answer)
    return found


async def take_calls(hold: Callable[[Call], Awaitable[None]]) -> None:
    """Be the server: the address goes out first."""
    switchboard = Switchboard(ServerSettings(port=0, max_calls=100), hold)
    entrance = WebRtcEntrance(switchboard, WebRtcSettings())
    await serve(switchboard, [entrance], lambda address: print(address, flush=True))  # noqa: T201


async def hush(call: Call) -> None:
    """Say nothing, at its beat, for as long as the call lasts."""
    start = 0
    while True:
        await call.play(silence(call.frame_samples, call.play_rate, start))
        start += call.frame_samples


@contextlib.asynccontextmanager
async def server(module: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """`python -m module --serve` as a process, and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--serve", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().strip(), process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
