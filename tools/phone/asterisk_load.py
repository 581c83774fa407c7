"""Many telephone calls at once through a real Asterisk, from sipp, with scripted engines.

Prints how late each frame of parley's left, by its own clock. sipp's voice comes in packets of
30 ms. Run: python -m tools.phone.asterisk_load [extension [calls]]
"""

import asyncio
import os
import sys
from collections import Counter

from agent.commands.recorded import hold
from agent.config import checked
from agent.core.audio import AudioFrame
from agent.core.calls import Call, Json
from agent.wiring import Agent, build
from audio_io.asterisk.audiosocket import LEAD_S as AUDIOSOCKET_LEAD_S
from audio_io.asterisk.call import LEAD_S as WEBSOCKET_LEAD_S
from audio_io.pacing import PlayoutClock
from tests.support import asterisk
from tests.support import sipp as step
from tests.support.asterisk_calls import served
from tests.support.asterisk_files import APPLICATION
from tests.support.sipp import sipp
from tools.phone.sip_load import CONFIG, at_share

CALLS = 50
LIMIT_S = 60


class Timed:
    """A call that notes how late each frame is handed over, in whole milliseconds."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lead_s = WEBSOCKET_LEAD_S if call.traits.flushes else AUDIOSOCKET_LEAD_S
        self._clock = PlayoutClock(call.play_rate)
        self._due = 0.0
        self.late: Counter[int] = Counter()

    def __getattr__(self, name: str) -> object:
        """Everything else is the call's own."""
        return getattr(self._call, name)

    def flush(self) -> None:
        """The next frame may go at once."""
        self._clock.flush(self._now())
        self._due = 0.0
        self._call.flush()

    async def play(self, frame: AudioFrame) -> None:
        """Hand it over, and note when."""
        now = self._now()
        if self._due:
            self.late[max(0, round(1000 * (now - self._due)))] += 1
        until = self._clock.put(len(frame.samples), now)
        self._due = max(now, until - self._lead_s)
        await self._call.play(frame)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def silent(event: str, /, **fields: Json) -> None:
    """No trace."""


async def load(exchange: asterisk.Asterisk, agent: Agent, extension: str, count: int) -> None:
    """Hold the calls, and say how it went."""
    calls: list[Timed] = []
    endings: Counter[str] = Counter()

    async def talk(call: Call) -> None:
        calls.append(Timed(call))
        ended = await hold(agent, calls[-1], silent)
        endings[ended.ending.value] += 1

    voice = (step.play("g711a"), step.pause(9))
    steps = [*step.call(), *voice, *voice, *step.hang_up()]
    options = ("-l", str(count), "-r", "10", "-s", extension)
    async with served(exchange, talk, max_calls=count + 10):
        status, output = await sipp(steps, exchange.sip, *options, calls=count, limit_s=LIMIT_S)
        await asyncio.sleep(0.5)
    late: Counter[int] = Counter()
    for call in calls:
        late += call.late
    shares = " / ".join(f"{at_share(late, share)}" for share in (0.5, 0.95, 0.99, 0.999))
    sys.stdout.write(
        f"extension {extension}: {len(calls)} calls of {count}, {dict(endings)}, sipp {status}; "
        f"{late.total()} frames, late p50 / p95 / p99 / p99.9 / most: {shares} / "
        f"{max(late, default=0)} ms; load {os.getloadavg()[0]:.1f}\n"
    )
    if status:
        sys.stdout.write(output[-1500:])


def main() -> None:
    """From the command line."""
    extension = sys.argv[1] if len(sys.argv) > 1 else APPLICATION
    count = int(sys.argv[2]) if len(sys.argv) > 2 else CALLS
    with asterisk.running() as exchange, build(checked("load.toml", CONFIG)) as agent:
        asyncio.run(load(exchange, agent, extension, count))


if __name__ == "__main__":
    main()
