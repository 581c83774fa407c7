"""Connect and disconnect many times: does the server keep anything?

Run: python -m tools.webrtc.cycles [cycles]
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from agent.core.calls import Call
from agent.core.errors import CallClosed
from tools.webrtc.far_ends import calling, hush, memory_mb, server, take_calls


async def hold(call: Call) -> None:
    """One call; its line says how many tasks there were when it began."""
    print(len(asyncio.all_tasks()), flush=True)  # noqa: T201
    with contextlib.suppress(CallClosed):
        await hush(call)


async def main(cycles: int) -> None:
    """Print what the server holds, every 20 calls."""
    write = sys.stdout.write
    async with server("tools.webrtc.cycles") as (address, process):
        assert process.stdout
        write("| calls | memory MB | threads | open files | tasks |\n|---|---|---|---|---|\n")
        for number in range(1, cycles + 1):
            async with calling(address) as came:
                async with asyncio.timeout(10):
                    while len(came) < 5:  # noqa: ASYNC110  # the network tells nobody
                        await asyncio.sleep(0.02)
            tasks = (await process.stdout.readline()).decode().strip()
            if number == 1 or number % max(1, cycles // 10) == 0:
                await asyncio.sleep(1.5)  # the last call ends in its own time
                proc = Path(f"/proc/{process.pid}")
                threads, files = (
                    len(list((proc / "task").iterdir())),
                    len(list((proc / "fd").iterdir())),
                )
                write(
                    f"| {number} | {memory_mb(process.pid):.1f} | {threads} | {files} | {tasks} |\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(take_calls(hold))
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
