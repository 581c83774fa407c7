"""Calls that we place, in virtual time: people are greeted at once, machines left a message."""

import asyncio
from dataclasses import replace

import numpy as np
from pytest import approx

from agent.scenario import RATE, Acted, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.responder import FlowResponder
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.cascade.voicemail import VoicemailSettings
from tests.support.lines import QUICK

REMINDER = "This is the Olive Tree. Your table is at seven tonight. Goodbye."
FLOW = load_flow(
    {
        "start": "desk",
        "greeting": "Hello, this is the Olive Tree. Will you come tonight?",
        "after_beep": "reminder",
        "states": {
            "desk": {"ask": ["Will you come tonight?"], "on": {"yes": "fine"}},
            "fine": {"say": "See you tonight.", "call": "hang_up"},
            "reminder": {
                "say": REMINDER,
                "call": "hang_up",
                "arguments": {"reason": "voicemail"},
            },
        },
    },
    "reminder: [flow]",
)


class Far(SceneCall):
    """The far side: a voice of harmonics where it speaks, and a beep where `beep_s` says."""

    beep_s = 0.0

    def _sound(self, position, count):
        lines = super()._sound(position, count)
        t = np.arange(position, position + count) / RATE
        voice = sum(np.sin(2 * np.pi * 130 * n * t + 3 * np.sin(2 * t)) / n for n in range(1, 9))
        sound = np.where(lines != 0, 0.1 * voice, 0.0)
        if self.beep_s:
            is_beep = (t >= self.beep_s) & (t < self.beep_s + 0.4)
            sound = np.where(is_beep, 0.2 * np.sin(2 * np.pi * 1000 * t), sound)
        return sound.astype(np.float32)


def place(*say, beep_s=0.0, end_s=40.0, voicemail=True):
    scene = Scene(end_s, say=say, synthesizer=QUICK)
    made = pipeline_of(scene)
    settings = VoicemailSettings() if voicemail else None
    config = replace(made.config, voicemail=settings)
    engines = replace(made.engines, responder=FlowResponder(FLOW))

    async def main():
        call, trace = Far(scene), TraceList(asyncio.get_running_loop().time)
        call.beep_s = beep_s
        ended = await run_call(call, CascadePipeline(engines, config), trace)
        return Acted(ended, trace, call)

    return run_virtual(main())


GREETING = Say(0.5, "", 9.0)  # of a machine: nine seconds without a pause


def test_a_person_is_greeted_as_soon_as_without_the_detection():
    def audible(voicemail):
        acted = place(Say(0.5, "hello"), Say(4, "yes i will"), voicemail=voicemail)
        return acted, [float(line["t"]) for line in acted.told("ReplyAudible")]

    (with_it, times), (_, without) = audible(True), audible(False)
    assert times == without
    assert [line["who"] for line in with_it.trace.named("far")] == ["person"]
    assert with_it.heard()[-1] == ("See you tonight.", False)


def test_a_machine_is_left_the_message_after_its_beep():
    acted = place(GREETING, beep_s=10.0)
    assert [line["who"] for line in acted.trace.named("far")] == ["machine", "records"]
    assert acted.heard()[-1] == (REMINDER, False)
    audible = float(acted.told("ReplyAudible")[-1]["t"])
    assert audible == approx(10.4, abs=0.3)
    (over,) = acted.trace.named("over")
    assert (over["who"], over["why"]) == ("agent", "voicemail")


def test_a_machine_without_a_beep_is_left_the_message_when_it_is_silent():
    acted = place(GREETING)
    assert acted.heard()[-1] == (REMINDER, False)
    assert float(acted.told("ReplyAudible")[-1]["t"]) == approx(9.5 + 2.0, abs=0.4)


def test_what_the_machine_says_is_not_answered():
    acted = place(Say(0.5, "please leave a message after the tone thank you", 9.0), beep_s=10.0)
    texts = [text for text, _ in acted.heard()]
    assert not any("Sorry" in text for text in texts)
    assert texts[-1] == REMINDER
