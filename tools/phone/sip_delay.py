"""What parley adds to the delay of a telephone call, and whether the sound comes through. A table.

A telephone of our own sends a signal in packets of 20 ms over the loopback interface; the agent
says back what it hears. Each packet that returns is compared with what was sent: the delay is from
the end of a packet's sound, which is when it was sent, to when that sound came back. No far side's
buffer is in it.

Run: python -m tools.phone.sip_delay [calls] [seconds each] [share of packets lost]
"""

import asyncio
import statistics
import sys

import numpy as np

from tests.support.asterisk_calls import Studio, stop_latencies
from tests.support.baresip import phone
from tests.support.correlation import find
from tests.support.sip_phones import telephone, until
from tools.phone.wire import FRAME_S, RATE, wire_call

GOAL_MS = 40
STOPS = 10


def say(line: str) -> None:
    """One line of the table."""
    sys.stdout.write(f"{line}\n")


def signal(seconds: float, seed: int) -> np.ndarray:
    """A sound like nothing else, float32."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (0.15 * np.convolve(noise, np.ones(3) / 3, "same")).astype(np.float32)


async def one_call(port: int, seconds: float, lost: float) -> tuple[float, float]:
    """Delay in ms and correlation of one call: of its second second."""
    said = signal(seconds, 1)
    async with wire_call(port, lost=lost) as handset:
        handset.say(said)
        await asyncio.sleep(seconds + 0.1)
        part = said[RATE : 2 * RATE]
        delay_s = handset.heard_at(part) - handset.spoken_at(part) - FRAME_S
        return delay_s * 1000, find(part, handset.heard).likeness


async def stops(times: int) -> list[float]:
    """From an agent's cancel to its last sound in the recording at baresip's ear, in seconds."""
    studio = Studio()
    async with telephone(studio) as (_, port):
        with phone(port) as handset:
            handset.dial("100")
            await until(lambda: len(handset.heard()) > 0)
            return await stop_latencies(studio, handset, times)


async def measure(calls: int, seconds: float, lost: float) -> None:
    """Several calls, one after another."""
    async with telephone() as (_, port):
        results = [await one_call(port, seconds, lost) for _ in range(calls)]
    delays = sorted(delay for delay, _ in results)
    alike = sorted(likeness for _, likeness in results)
    say(f"{calls} calls of {seconds:g} s, {lost:.0%} of packets lost; PCMU, echo, loopback")
    say(f"  added delay   median {statistics.median(delays):.0f} ms, from {delays[0]:.0f} to "
          f"{delays[-1]:.0f} ms   (goal: at most {GOAL_MS} ms)")  # fmt: skip
    ends = [f"{1000 * s:.0f}" for s in sorted(await stops(STOPS))]
    say(f"  silent after a cancel, each of {STOPS} times: {' '.join(ends)} ms")
    say(f"  correlation   median {statistics.median(alike):.4f}, least {alike[0]:.4f}")


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:]]
    numbers = given + [5, 4.0, 0.0][len(given) :]
    asyncio.run(measure(int(numbers[0]), numbers[1], numbers[2]))
