"""What parley adds to the delay of a telephone call, and whether the sound comes through. A table.

A telephone of our own sends a signal in packets of 20 ms over the loopback interface; the agent
says back what it hears. Each packet that returns is compared with what was sent: the delay is from
the end of a packet's sound, which is when it was sent, to when that sound came back. No far side's
buffer is in it.

Run: python tools/phone/sip_delay.py [calls] [seconds each] [share of packets lost]
"""

import asyncio
import random
import statistics
import sys

import numpy as np

from audio_io.codecs import mulaw_decode
from audio_io.rtp.packets import Mouth
from audio_io.rtp.port import open_port
from audio_io.sip.message import Address
from audio_io.sip.phone import Line, SipPhone
from audio_io.sip.sdp import Media
from audio_io.sip.settings import SipSettings
from tests.support.correlation import find
from tests.support.sip_phones import free_udp_port, telephone, until

RATE, FRAME = 8000, 160
GOAL_MS = 40
HEADER_BYTES = 12


def say(line: str) -> None:
    """One line of the table."""
    sys.stdout.write(f"{line}\n")


def signal(seconds: float, seed: int) -> np.ndarray:
    """A sound like nothing else, float32."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (0.15 * np.convolve(noise, np.ones(3) / 3, "same")).astype(np.float32)


async def one_call(phone: SipPhone, port: int, seconds: float, lose: float) -> tuple[float, float]:
    """Delay in ms and correlation of one call."""
    came: list[tuple[float, bytes]] = []

    def hear(data: bytes, place: Address, now: float) -> None:
        del place
        came.append((now, data[HEADER_BYTES:]))

    rtp = await open_port("127.0.0.1", range(20_000, 29_999), hear)
    line: Line = await phone.call(f"sip:100@127.0.0.1:{port}", rtp.address)
    await until(lambda: line.leg.media is not None)
    media = line.leg.media
    assert isinstance(media, Media)
    sound, mouth, loop = signal(seconds, 1), Mouth(media), asyncio.get_running_loop()
    began = loop.time()
    for n in range(len(sound) // FRAME):
        await asyncio.sleep(max(0.0, began + n * 0.02 - loop.time()))
        for data in mouth.beat(sound[n * FRAME : (n + 1) * FRAME]):
            if random.random() >= lose:
                rtp.send(data, media.address)
    await asyncio.sleep(0.1)
    line.hang_up()
    rtp.close()
    heard = mulaw_decode(b"".join(payload for _, payload in came))
    match = find(sound[RATE : 2 * RATE], heard)
    packet, offset = divmod(match.delay, FRAME)
    # The first sample of what was found went out at the beginning of its packet.
    returned = came[packet][0] + offset / RATE
    return (returned - (began + RATE / RATE)) * 1000, match.likeness


async def measure(calls: int, seconds: float, lose: float) -> None:
    """Several calls, one after another."""
    async with telephone() as (_, port):
        phone = SipPhone(SipSettings(port=free_udp_port()), lambda line: line.reject(486))
        await phone.open()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(phone.run())
            results = [await one_call(phone, port, seconds, lose) for _ in range(calls)]
            await phone.close()
            running.cancel()
    delays = sorted(delay for delay, _ in results)
    alike = sorted(likeness for _, likeness in results)
    say(f"{calls} calls of {seconds:g} s, {lose:.0%} of packets lost; PCMU, echo, loopback")
    say(f"  added delay   median {statistics.median(delays):.0f} ms, from {delays[0]:.0f} to "
          f"{delays[-1]:.0f} ms   (goal: at most {GOAL_MS} ms)")  # fmt: skip
    say(f"  correlation   median {statistics.median(alike):.4f}, least {alike[0]:.4f}")


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:]]
    numbers = given + [5, 4.0, 0.0][len(given) :]
    asyncio.run(measure(int(numbers[0]), numbers[1], numbers[2]))
