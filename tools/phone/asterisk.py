"""What a telephone call through a real Asterisk costs: likeness of the sound, delays, barge-in.

Prints a table. Run: python -m tools.phone.asterisk [calls a way [extensions]]
"""

import asyncio
import os
import platform
import statistics
import sys

import numpy as np

from agent.core.audio import AudioFrame
from tests.support import asterisk
from tests.support.asterisk_calls import (
    Studio,
    at_rate,
    calling,
    echo,
    noise,
    served,
    stop_latencies,
)
from tests.support.asterisk_files import ALAW, APPLICATION, CHANNEL, ECHO, JSON, PLAIN
from tests.support.baresip import RATE
from tests.support.correlation import find
from tools.phone.wire import FRAME, wire_call

WAYS = {
    APPLICATION: "AudioSocket application, 8 kHz",
    CHANNEL: "AudioSocket channel, slin16",
    JSON: "chan_websocket, slin16, JSON",
    PLAIN: "chan_websocket, ulaw, plain text",
    ALAW: "chan_websocket, alaw, JSON",
}
CALLS = 5
STOPS_A_CALL = 5
SAID_S = 1.5
SETTLED_S = 1.0


class Heard(Studio):
    """A studio that knows when each sample arrived and when what it plays was handed over."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[float] = []
        self.handed = 0.0

    def keep(self, item: AudioFrame) -> None:
        """A frame of the caller's, with the time of its last sample."""
        super().keep(item)
        self.arrived.append(asyncio.get_running_loop().time())

    def begin(self, sound: np.ndarray) -> None:
        """Play it as the cascade begins a reply: the silence on its way is dropped first."""
        if self.call.traits.flushes:
            self.call.flush()
        self.play(sound)
        self.handed = asyncio.get_running_loop().time()


async def round_trip(exchange: asterisk.Asterisk, extension: str, seed: int) -> float:
    """From the caller's mouth to their ear, in seconds, where everything is said back."""
    said = noise(SAID_S, seed)
    async with served(exchange, echo), wire_call(exchange.sip, extension) as handset:
        await asyncio.sleep(SETTLED_S)
        handset.say(said)
        await asyncio.sleep(SAID_S + 0.7)
        return handset.heard_at(said) - handset.spoken_at(said)


async def one_call(exchange: asterisk.Asterisk, extension: str, seed: int) -> dict[str, float]:
    """Likeness and delay of both ways, in seconds."""
    said, played = noise(SAID_S, seed), noise(SAID_S, seed + 1)
    studio = Heard()
    async with served(exchange, studio), wire_call(exchange.sip, extension) as handset:
        await asyncio.sleep(SETTLED_S)
        handset.say(said)
        studio.begin(played)
        await asyncio.sleep(SAID_S + 0.7)
        towards = find(said, at_rate(studio.heard, RATE, studio.rate))
        return {
            "towards": towards.likeness,
            "back": find(played, handset.heard).likeness,
            "to_agent_s": studio.arrived[towards.delay // FRAME] - handset.spoken_at(said),
            "to_ear_s": handset.heard_at(played) - studio.handed,
        }


async def stops(exchange: asterisk.Asterisk, extension: str) -> list[float]:
    """Stop latencies of one call, in seconds."""
    studio = Studio()
    async with served(exchange, studio), calling(exchange, extension) as handset:
        await asyncio.sleep(0.5)
        return await stop_latencies(studio, handset, STOPS_A_CALL)


def ms(values: list[float]) -> str:
    """Median and largest, in milliseconds."""
    return f"{1000 * statistics.median(values):.0f} ({1000 * max(values):.0f})"


def row(exchange: asterisk.Asterisk, extension: str, calls: int, bare_s: float) -> str:
    """A line of the table."""
    found = [asyncio.run(one_call(exchange, extension, 10 * k)) for k in range(calls)]
    trips = [asyncio.run(round_trip(exchange, extension, 10 * k + 5)) for k in range(calls)]
    delays = [d for _ in range(calls) for d in asyncio.run(stops(exchange, extension))]
    p95 = sorted(delays)[int(np.ceil(0.95 * len(delays))) - 1]
    worst = min(min(call["towards"], call["back"]) for call in found)
    columns = [
        WAYS[extension],
        f"{worst:.4f}",
        ms([call["to_agent_s"] for call in found]),
        ms([call["to_ear_s"] for call in found]),
        f"{1000 * (statistics.median(trips) - bare_s):.0f}",
        f"{1000 * statistics.median(delays):.0f} / {1000 * p95:.0f} / {1000 * max(delays):.0f}",
    ]
    return "| " + " | ".join(columns) + " |\n"


def main() -> None:
    """Call each way, and print what was found."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    with asterisk.running() as exchange:
        version = exchange.tell("core show version").split(" built")[0]
        bare = [asyncio.run(round_trip(exchange, ECHO, k)) for k in range(calls)]
        sys.stdout.write(
            f"{version}, baresip; {os.cpu_count()} cores, Python {platform.python_version()}; "
            f"{calls} calls a way, {calls * STOPS_A_CALL} stops. Asterisk's own Echo() takes "
            f"{ms(bare)} ms from mouth to ear; its part is taken off in the last column but one.\n"
            "Milliseconds: median (largest).\n\n"
            "| way | least correlation | mouth to agent | agent to ear | round trip over Echo() | "
            "stop p50 / p95 / largest |\n|---|---|---|---|---|---|\n"
        )
        for extension in sys.argv[2:] or WAYS:
            sys.stdout.write(row(exchange, extension, calls, statistics.median(bare)))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
