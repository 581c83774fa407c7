"""The report as a person opens it: in a real browser, without an error and without the network."""

import asyncio
import subprocess

import pytest

from agent.scenario import RATE, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceFile
from agent.virtual_loop import run_virtual
from audio_io.wav_file import StereoWriter
from floorbench.call.report import write_report
from pipelines.engines.scripted import ScriptedResponderSettings
from tests.support.tools import tool

pytestmark = pytest.mark.e2e

QUIET = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


def record(folder):
    """A short call with an interruption, in virtual time."""
    agent = ScriptedResponderSettings(replies=("Hello there.", "A long story. " * 9, "Yes."))
    scene = Scene(14, (Say(2.5, "tell me a story"), Say(6, "stop please")), responder=agent)

    async def call():
        trace = TraceFile(folder / "trace.jsonl", asyncio.get_running_loop().time)
        trace.header(agent="</script><b>x", call="test", turns={})
        with StereoWriter(folder / "call.wav", RATE) as recording:
            await run_call(SceneCall(scene, recording), pipeline_of(scene), trace)
        trace.close()

    run_virtual(call())
    write_report(folder)


@pytest.mark.parametrize("size", ["1280,2000", "390,2400"], ids=["desktop", "phone"])
def test_the_report_opens_without_an_error(size, tmp_path):
    browser = tool("chromium", "chromium-browser", "google-chrome")
    record(tmp_path)
    picture = tmp_path / "report.png"
    options = [*QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={size}",
               "--enable-logging=stderr", f"--screenshot={picture}"]  # fmt: skip
    page = (tmp_path / "report.html").as_uri()
    done = subprocess.run([browser, *options, page], capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if ":CONSOLE" in line] == []
    assert picture.stat().st_size > 30_000  # a blank page of this size is under 15 kB
