"""`parley bench` holds calls with an engine of every family, on tiny models in true formats."""

from dataclasses import replace

from pytest import mark

from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.gguf import write_gguf
from benchmarks.tiny_models.voices import kokoro_voice, piper_voice
from benchmarks.tiny_models.whisper import write_tone_whisper
from benchmarks.tiny_models.zipformer import write_tone_zipformer
from floorbench.caller import hold
from floorbench.scenarios import planned
from floorbench.stimuli.library import open_library
from floorbench.targets.in_process import InProcess
from tests.support.tools import package

pytestmark = mark.models

CALL_S = 25.0
"""The greeting, one turn of the caller's, and whatever such a model makes of it."""


def whisper(folder):
    package("faster_whisper")
    write_tone_whisper(folder)
    return ["recognizer.engine='whisper'", f"recognizer.model='{folder}'"]


def sherpa(folder):
    package("sherpa_onnx")
    write_tone_zipformer(folder / "zipformer")
    return ["recognizer.engine='sherpa'", f"recognizer.model='{folder / 'zipformer'}'"]


def llama(folder):
    package("llama_cpp")
    write_gguf(folder / "random.gguf")
    model = f"responder.model='{folder / 'random.gguf'}'"
    return ["responder.engine='llama'", model, "responder.max_tokens=12"]


def piper(folder):
    package("piper")
    model = piper_voice(folder / "voice.onnx")
    return ["synthesizer.engine='piper'", f"synthesizer.model='{model}'"]


def kokoro(folder):
    package("kokoro_onnx")
    kokoro_voice(folder)
    files = f"synthesizer.voices='{folder / 'voices.bin'}'"
    return ["synthesizer.engine='kokoro'", f"synthesizer.model='{folder / 'kokoro.onnx'}'", files]


def smart_turn(folder):
    package("pipecat")
    return ["predictor.engine='smart-turn'"]


def told(held, what):
    return [line for line in held.trace if line.get("what") == what]


@mark.parametrize("family", [whisper, sherpa, llama, piper, kokoro, smart_turn])
def test_a_call_is_held(family, tmp_path):
    whole = planned(["S1"])[0].plan(open_library(), 1)
    plan = replace(whole, steps=whole.steps[:1], limit_s=CALL_S)
    with InProcess("offline", family(tmp_path)) as target:
        held = run_virtual(hold(target, plan))
    # A caller waits in vain for the answer of a model that has heard nothing, or has none to give.
    assert not held.session.fault or "reached its limit" in held.session.fault
    assert held.session.recording.agent.any()
    assert told(held, "ReplyAudible")
    assert [line for line in told(held, "Transcript") if line["final"]]
    assert [line for line in held.trace if line["event"] == "error"] == []
