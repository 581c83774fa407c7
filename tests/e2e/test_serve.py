"""`parley serve` as a whole process, with the real offline agent, over a real socket."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest

from agent.core.audio import AudioFrame
from audio_io.websocket_client import connect
from audio_io.wire import Start
from tests.support.tools import package

pytestmark = [pytest.mark.e2e, pytest.mark.models]

SPOKEN_S = 1.5


@pytest.fixture
def served(tmp_path):
    package("pocketsphinx")
    package("espeakng_loader")
    command = [sys.executable, "-m", "agent.cli", "serve", "--set", "server.port=0",
               "--out", str(tmp_path)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://\S+", process.stdout.readline())[0]
            yield address, tmp_path, process
        finally:
            process.kill()


async def greeting(address):
    """Says nothing, and listens until the agent has spoken for a while."""
    heard = []
    async with connect(address.replace("http", "ws") + "/ws", Start(1, 16_000)) as far:
        quiet = np.zeros(320, np.float32)
        async for item in far.arrivals():
            await far.speak(quiet)
            if isinstance(item, AudioFrame):
                heard.append(item.samples)
            loud = [s for s in heard if np.abs(s).max() > 0.01]
            if len(loud) * 0.02 > SPOKEN_S:
                break
        await far.hang_up()
    return len(loud) * 0.02


def test_a_caller_is_greeted_and_the_call_is_kept(served):
    address, folder, process = served
    assert asyncio.run(greeting(address)) > SPOKEN_S
    with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0
    (call,) = [path for path in folder.iterdir() if path.is_dir()]
    lines = [json.loads(line) for line in (call / "trace.jsonl").read_text().splitlines()]
    assert lines[0]["agent"] == "The Olive Tree"
    assert lines[-1]["event"] == "end"
    assert (call / "call.wav").stat().st_size > 44
