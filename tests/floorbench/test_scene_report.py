"""The real pipeline with scripted engines, recorded, and measured by ear."""

import asyncio

import pytest

from agent.scenario import RATE, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceFile
from agent.virtual_loop import run_virtual
from audio_io.wav_file import StereoWriter
from floorbench.call.report import write_report
from floorbench.call.results import Interruption, Outcome
from pipelines.engines.scripted import ScriptedResponderSettings

STORY = "We are open from nine to five on weekdays, and from ten to four on saturdays and sundays."


def reported(folder, scene):
    async def hold():
        trace = TraceFile(folder / "trace.jsonl", asyncio.get_running_loop().time)
        trace.header(agent="scene", call="one", turns={})
        with StereoWriter(folder / "call.wav", RATE) as recording:
            call = SceneCall(scene, recording)
            await run_call(call, pipeline_of(scene), trace)
        trace.close()

    run_virtual(hold())
    return write_report(folder)


def test_a_call_of_three_turns_with_an_interruption_is_measured_by_ear(tmp_path):
    results = reported(
        tmp_path,
        Scene(
            end_s=24.0,
            say=(
                Say(4.0, "what are your hours"),
                Say(8.0, "wait stop i want a table for two"),
                Say(15.0, "thank you"),
            ),
            responder=ScriptedResponderSettings(replies=("Hello.", STORY, "Two it is.", "Bye.")),
        ),
    )
    assert [t.outcome for t in results.turns] == [Outcome.HEARD] * 3
    assert [i.outcome for i in results.interjections] == [Interruption.YIELDED]
    assert (results.turns[0].cut, results.turns[0].unheard != "") == (True, True)
    assert results.notices == ()
    for turn, said_until_s in zip(results.turns, (5.2, 10.4, 15.6), strict=True):
        assert turn.caller_end_s == pytest.approx(said_until_s, abs=0.0101)
        assert turn.end_lag_s == pytest.approx(0, abs=0.03)
        # The circuit holds 40 ms, and a trace stamp is up to one 20 ms frame early.
        assert 0 <= turn.waited.remainder_s <= 0.08


def test_a_caller_who_hangs_up_at_once_leaves_a_report(tmp_path):
    results = reported(tmp_path, Scene(end_s=0.1))
    assert (results.turns, results.summary.ear.n) == ((), 0)
