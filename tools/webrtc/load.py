"""Many calls at once: how late are frames?

Run: python -m tools.webrtc.load [calls] [seconds]

The server, a process of its own, notes when it sends each frame of its own sound and when it hands
over each piece of a caller's. A frame is late by as much as the time since the one before it is
longer than that one's sound. The agent says nothing: this is what the transport costs, without
engines. The callers share the machine.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Sequence

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import Call
from agent.core.errors import CallClosed
from tools.webrtc.far_ends import calling, hush, server, take_calls

WARM_S = 3.0


def lateness(times: Sequence[tuple[float, float]]) -> list[float]:
    """How much longer each took after the one before it than its sound lasts; 0 for sooner."""
    found = np.diff(np.array(times, float).reshape(-1, 2), axis=0)
    return [max(0.0, float(at - length)) for at, length in found]


async def hold(call: Call) -> None:
    """One call; its line has the lateness of all its frames."""
    loop = asyncio.get_running_loop()
    began, used_s = loop.time(), time.process_time()
    sent: list[tuple[float, float]] = []
    heard: list[tuple[float, float]] = []
    take = call.next_frame  # type: ignore[attr-defined]

    def taken() -> object:
        samples = take()
        if samples is not None and loop.time() > began + WARM_S:
            sent.append((loop.time(), len(sent) * 0.02))
        return samples

    vars(call)["next_frame"] = taken

    async def listen() -> None:
        async for item in call.frames():
            if isinstance(item, AudioFrame) and loop.time() > began + WARM_S:
                heard.append((loop.time(), item.start / call.rate))  # noqa: PERF401

    with contextlib.suppress(CallClosed, ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            await hush(call)
    load = (time.process_time() - used_s) / (loop.time() - began)
    line = {"sent": lateness(sent), "heard": lateness(heard), "load": load}
    print(json.dumps(line), flush=True)  # noqa: T201


async def one(address: str, seconds: float, after_s: float) -> list[float]:
    """One caller; how late the agent's packets came."""
    await asyncio.sleep(after_s)
    async with calling(address) as came:
        await asyncio.sleep(seconds)
    times = [(at, number * 0.02) for number, at in enumerate(came) if at > came[0] + WARM_S]
    return lateness(times)


async def main(calls: int, seconds: float) -> None:
    """Print percentiles over all frames of all calls."""
    async with server("tools.webrtc.load") as (address, process):
        assert process.stdout
        async with asyncio.TaskGroup() as group:
            callers = [group.create_task(one(address, seconds, n * 0.1)) for n in range(calls)]
        lines = [json.loads(await process.stdout.readline()) for _ in callers]
    table = {
        "the server sends": [late for line in lines for late in line["sent"]],
        "the server hands over": [late for line in lines for late in line["heard"]],
        "packets arrive at the callers": [late for caller in callers for late in caller.result()],
    }
    sys.stdout.write(f"{calls} calls, {seconds:g} s; server {lines[0]['load']:.0%} of a core\n")
    sys.stdout.write("| frames | n | p50 ms | p99 ms | latest ms |\n|---|---|---|---|---|\n")
    for name, late in table.items():
        if not late:
            sys.stdout.write(f"| {name} | 0 | | | |\n")
            continue
        p50, p99, most = (1e3 * float(np.quantile(late, share)) for share in (0.5, 0.99, 1.0))
        sys.stdout.write(f"| {name} | {len(late)} | {p50:.1f} | {p99:.1f} | {most:.1f} |\n")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(take_calls(hold))
    else:
        numbers = [float(word) for word in sys.argv[1:]]
        asyncio.run(main(int(numbers[0]) if numbers else 20, numbers[1] if numbers[1:] else 20.0))
