"""How late received sound is handed over: aiortc's own receive path and parley's, side by side.

    python -m tools.webrtc.receive_delay [calm|one|bursts] [--seconds 30]

Two connections on this machine carry the same marks, a beep of 20 ms every half second, and lose
the same packets. For each: the time from handing a beep to the sender until its sound is handed
over, the marks that were never heard, and the longest time without any sound handed over.
"""

import argparse
import asyncio
import random
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame as AvFrame

from agent.core.audio import AudioFrame, Samples
from audio_io.webrtc.call import answer
from audio_io.webrtc.settings import WebRtcSettings

RATE = 48_000
FRAME = 960
EVERY = 25  # frames from one mark to the next
LOUD = 0.06
NO_SERVERS = RTCConfiguration(iceServers=[])


class Beeper(MediaStreamTrack):
    """Silence with a beep now and then; `sent` says when each was handed over."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[float] = []
        self._count = 0
        self._began = 0.0

    async def recv(self) -> AvFrame:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._count * 0.02 - loop.time()))
        samples = np.zeros((1, FRAME), np.int16)
        if self._count % EVERY == EVERY - 1:
            at = np.arange(FRAME)
            samples[0] = (8000 * np.sin(2 * np.pi * 1000 * at / RATE)).astype(np.int16)
            self.sent.append(loop.time())
        frame = AvFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._count * FRAME, Fraction(1, RATE)
        self._count += 1
        return frame


@dataclass
class Heard:
    """What one receive path handed over."""

    name: str
    delays_s: list[tuple[float, float]] = field(default_factory=list)  # when sent, how late
    longest_gap_s: float = 0.0
    sent: int = 0

    def take(self, samples: Samples, sent: list[float], now: float, last: float) -> None:
        """A piece of sound was handed over."""
        self.longest_gap_s = max(self.longest_gap_s, now - last if len(self.delays_s) > 1 else 0.0)
        at = max((t for t in sent if t <= now), default=None)
        is_new = at is not None and (not self.delays_s or self.delays_s[-1][0] != at)
        if at is not None and is_new and float(np.abs(samples).max(initial=0.0)) > LOUD:
            self.delays_s.append((at, now - at))


def lose(receiver: RTCRtpReceiver, lost: frozenset[int]) -> None:
    """Drop packets by their place in the stream."""
    handle, count = receiver._handle_rtp_packet, 0

    async def dropping(packet: object, arrival_time_ms: int) -> None:
        nonlocal count
        count += 1
        if count not in lost:
            await handle(packet, arrival_time_ms)  # type: ignore[arg-type]

    vars(receiver)["_handle_rtp_packet"] = dropping


async def stock(lost: frozenset[int], seconds: float) -> Heard:
    """Through aiortc's own buffer and track."""
    near, far, beeper = RTCPeerConnection(NO_SERVERS), RTCPeerConnection(NO_SERVERS), Beeper()
    near.addTrack(beeper)
    await near.setLocalDescription(await near.createOffer())
    await far.setRemoteDescription(near.localDescription)
    receiver = far.getTransceivers()[0].receiver
    lose(receiver, lost)
    await far.setLocalDescription(await far.createAnswer())
    await near.setRemoteDescription(far.localDescription)

    async def pieces() -> AsyncIterator[Samples]:
        while True:
            frame = await receiver.track.recv()
            assert isinstance(frame, AvFrame)
            yield frame.to_ndarray().reshape(-1, 2)[:, 0].astype(np.float32) / 32768

    try:
        return await listen("stock aiortc", pieces(), beeper, seconds)
    finally:
        await near.close()
        await far.close()


async def ours(lost: frozenset[int], seconds: float) -> Heard:
    """Through parley's call."""
    near, beeper = RTCPeerConnection(NO_SERVERS), Beeper()
    near.addTrack(beeper)
    near.createDataChannel("parley")
    await near.setLocalDescription(await near.createOffer())
    call, text = await answer("bench", near.localDescription.sdp, WebRtcSettings())
    assert call._peer is not None
    lose(call._peer._transceiver.receiver, lost)

    async def pieces() -> AsyncIterator[Samples]:
        async for item in call.frames():
            if isinstance(item, AudioFrame):
                yield item.samples

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(call.carry())
            await near.setRemoteDescription(RTCSessionDescription(text, "answer"))
            heard = await listen("parley", pieces(), beeper, seconds)
            await call.close()
        sound = call.hearing.sound
        counts = f"{sound.buffer.lost} lost, {sound.buffer.late} late"
        copied, made_up = sound.recovered / sound.rate, sound.concealed / sound.rate
        made = f"{copied:.2f} s from copies, {made_up:.2f} s made up"
        sys.stdout.write(f"  (parley's buffer: {counts}; {made})\n")
        return heard
    finally:
        await near.close()


async def listen(
    name: str, pieces: AsyncIterator[Samples], beeper: Beeper, seconds: float
) -> Heard:
    """Time the marks for so long."""
    loop = asyncio.get_running_loop()
    heard, last = Heard(name), loop.time()
    try:
        async with asyncio.timeout(seconds):
            async for samples in pieces:
                now = loop.time()
                heard.take(samples, beeper.sent, now, last)
                last = now
    except TimeoutError:
        heard.sent = sum(at < loop.time() - 0.4 for at in beeper.sent)
    return heard


def losses(kind: str, seconds: float) -> frozenset[int]:
    """Places of the packets that are lost."""
    count, chance = round(seconds * 50), random.Random(1)
    if kind == "one":
        return frozenset([count // 3])
    if kind == "calm":
        return frozenset()
    gone: set[int] = set()
    for at in range(100, count):
        if chance.random() < 0.05 / 4:  # 5 % in bursts of 60 to 100 ms
            gone |= set(range(at, at + chance.choice([3, 4, 5])))
    return frozenset(gone)


def row(heard: Heard) -> str:
    """One line of the table."""
    delays = [
        late for _, late in heard.delays_s[2:]
    ]  # the first ones meet a connection in the making
    third = max(1, len(delays) // 3)
    before, after = statistics.median(delays[:third]), statistics.median(delays[-third:])
    p95 = sorted(delays)[round(0.95 * (len(delays) - 1))]
    marks = f"{len(heard.delays_s)}/{heard.sent}"
    return (
        f"| {heard.name} | {before * 1e3:.0f} | {after * 1e3:.0f} | {p95 * 1e3:.0f} | "
        f"{max(delays) * 1e3:.0f} | {marks} | {heard.longest_gap_s * 1e3:.0f} |\n"
    )


async def main(kinds: list[str], seconds: float) -> None:
    """Print a table for each kind of loss."""
    for kind in kinds:
        lost = losses(kind, seconds)
        sys.stdout.write(
            f"\n{kind}: {len(lost)} packets lost of {round(seconds * 50)}, {seconds:g} s\n"
        )
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(path(lost, seconds)) for path in (stock, ours)]
        sys.stdout.write(
            "| receive path | median ms, first third | last third | p95 | longest | marks heard "
            "| longest gap ms |\n|---|---|---|---|---|---|---|\n"
        )
        for done in both:
            sys.stdout.write(row(done.result()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["calm", "one", "bursts"])
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    asyncio.run(main(options.kinds, options.seconds))
