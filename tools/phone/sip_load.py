"""Many telephone calls at once, from sipp, with engines that follow a script. Prints a table.

What is measured is the process's own clock: how late each 20 ms frame left. Scripted engines cost
next to nothing, so it is parley's share. sipp sends a voice in packets of 30 ms.

Run: python tools/phone/sip_load.py [calls] [seconds of talk]
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable

from agent.commands.recorded import hold
from agent.config import checked
from agent.core.calls import Call, Json
from agent.wiring import Agent, build
from audio_io.sip.call import SipCall
from tests.support import sipp as step
from tests.support.sip_phones import telephone
from tests.support.sipp import sipp

GOAL_MS = 20
CONFIG = {
    "detector": {"engine": "energy"},
    "recognizer": {
        "engine": "scripted",
        "words": [{"start_s": 1.0, "end_s": 2.0, "text": "a table for four please"}],
    },
    "predictor": {"engine": "hazard"},
    "responder": {"engine": "scripted"},
    "synthesizer": {"engine": "scripted"},
}


def say(line: str) -> None:
    """One line of the table."""
    sys.stdout.write(f"{line}\n")


def silent(event: str, /, **fields: Json) -> None:
    """No trace."""


async def load(agent: Agent, count: int, talk_s: float) -> None:
    """Hold the calls, and say how it went."""
    late: Counter[int] = Counter()
    shifted_s, most = 0.0, 0
    calls: list[SipCall] = []

    async def talk(call: Call) -> None:
        nonlocal most
        assert isinstance(call, SipCall)
        calls.append(call)
        most = max(most, switchboard.active)
        await hold(agent, call, silent)

    # The recording of the voice lasts 9 s and a bit; it is said again until the talk is over.
    rounds = max(1, round(talk_s / 9))
    voice = [part for _ in range(rounds) for part in (step.play("g711a"), step.pause(9))]
    steps = [*step.call(), *voice, *step.hang_up()]
    started, used = time.monotonic(), time.process_time()
    async with telephone(talk, max_calls=count + 10) as (switchboard, port):
        options = ("-l", str(count), "-r", "10")
        status, output = await sipp(steps, port, *options, calls=count, limit_s=rounds * 9 + 60)
        counts = dict(switchboard.counts)
    for call in calls:
        late += call.lateness_ms
        shifted_s += call.pacer.shifted_s
    wall_s = time.monotonic() - started
    say(table(count, most, wall_s, time.process_time() - used))
    say(f"  sipp's exit status       {status}   (0: every call went as the scenario says)")
    say(
        f"  answered, refused, failed {counts['answered']}, {counts['refused']}, {counts['failed']}"
    )
    say(f"  frames sent              {late.total()}")
    for share in (0.5, 0.95, 0.99, 0.999):
        say(f"  lateness p{share * 100:<5g}          {at_share(late, share)} ms")
    say(f"  latest frame             {max(late)} ms   (goal: p99 under {GOAL_MS} ms)")
    say(f"  skipped after stalls     {shifted_s * 1000:.0f} ms in all calls")
    say(f"  input dropped            {counts['dropped_input_samples']} samples")
    if status:
        say(output[-1500:])


def table(count: int, most: int, wall_s: float, used_s: float) -> str:
    """The first lines: the load, and what it cost."""
    share = 100 * used_s / wall_s
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end"
    return f"{count} calls, {most} at once, {wall_s:.0f} s, {share:.0f} % of one core; {machine}"


def at_share(late: Counter[int], share: float) -> int:
    """The lateness in ms that this share of frames does not exceed."""
    rest = share * late.total()
    for ms, frames in sorted(late.items()):
        rest -= frames
        if rest <= 0:
            return ms
    return 0


def main(arguments: Iterable[str]) -> None:
    """From the command line."""
    numbers = [float(text) for text in arguments] + [50.0, 18.0][len(sys.argv) - 1 :]
    with build(checked("load.toml", CONFIG)) as agent:
        asyncio.run(load(agent, int(numbers[0]), numbers[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
