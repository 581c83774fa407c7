"""The agent's own manners, in whole calls of virtual time."""

import asyncio

import numpy as np

from agent.core.calls import CallTraits
from agent.core.protocols import Protect
from agent.core.turns import TurnConfig
from agent.scenario import Say, Scene, SceneCall, act, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.engines.scripted import ScriptedResponderSettings

GREETING = "Hello, how can I help you?"
STORY = "We are open from nine to five on weekdays, and from ten to four on saturdays and sundays."


def play(*say, end_s=20.0, responder=(GREETING, STORY, "All right."), first_token_s=0.2, **rest):
    settings = ScriptedResponderSettings(responder, first_token_s=first_token_s)
    return run_virtual(act(Scene(end_s, say=say, responder=settings, **rest)))


def asked(acted, kind):
    return [line for line in acted.asked("Backchannel") if line["kind"] == kind]


def loudness(acted, start_s, end_s):
    samples, rate = np.concatenate(acted.call.heard), acted.call.play_rate
    return float(np.abs(samples[int(start_s * rate) : int(end_s * rate)]).max(initial=0.0))


def test_a_reply_that_is_late_is_announced_and_the_filler_is_not_in_the_history():
    acted = play(Say(8, "what are your hours"), first_token_s=3.0)
    (late,) = asked(acted, "late")
    at_s = float(late["t"])
    assert loudness(acted, at_s - 0.5, at_s) == 0
    assert loudness(acted, at_s, at_s + 0.5) > 0.01
    assert [text for text, _ in acted.heard()] == [GREETING, STORY]


def test_a_reply_in_time_needs_no_filler():
    assert asked(play(Say(8, "what are your hours")), "late") == []


def test_a_caller_who_speaks_up_silences_the_filler():
    acted = play(Say(8, "what are your hours"), Say(11.6, "please"), first_token_s=3.0)
    late = asked(acted, "late")[0]
    assert 11.2 < float(late["t"]) < 11.5
    assert loudness(acted, 11.5, 11.6) > 0.01
    assert loudness(acted, 11.8, 12.1) == 0


def test_a_long_story_is_listened_to_audibly_where_that_is_wanted():
    say = [Say(4 + 2.0 * n, "and then we went on") for n in range(4)]
    turns = TurnConfig(listen_every_s=3.0)
    acted = play(*say, end_s=30.0, probability=0.05, turns=turns)
    assert asked(acted, "listening")
    assert asked(play(*say, probability=0.05), "listening") == []
    assert [text for text, _ in acted.heard()][:2] == [GREETING, STORY]


class _Notice:
    """Answers with a legal notice."""

    def __init__(self, responder):
        self._responder = responder

    async def reply(self, messages, tools):
        if len(messages) > 2:
            yield Protect()
        async for piece in self._responder.reply(messages, tools):
            yield piece

    def expects(self, messages):
        return self._responder.expects(messages)


async def noticed(scene):
    pipeline = pipeline_of(scene)
    object.__setattr__(pipeline.engines, "responder", _Notice(pipeline.engines.responder))
    call, trace = SceneCall(scene), TraceList(asyncio.get_running_loop().time)
    await run_call(call, pipeline, trace)
    return [(line["text"], line["cut"]) for line in trace.lines if line["event"] == "heard"]


def test_what_must_be_heard_is_heard_and_the_objection_answered_after_it():
    settings = ScriptedResponderSettings((GREETING, STORY, "All right."))
    scene = Scene(24.0, say=(Say(4, "what are your hours"), Say(7, "stop it")), responder=settings)
    assert run_virtual(noticed(scene))[:3] == [
        (GREETING, False), (STORY, False), ("All right.", False)
    ]  # fmt: skip


class _FarEnd(SceneCall):
    """The scene's caller at the end of a transport of some kind."""

    def __init__(self, scene, traits):
        super().__init__(scene)
        self._traits = traits

    @property
    def traits(self):
        return self._traits

    def flush(self):
        if self._traits.flushes:
            super().flush()


async def _interrupted(traits):
    responder = ScriptedResponderSettings((GREETING, STORY, "All right."))
    scene = Scene(20.0, say=(Say(4, "what are your hours"), Say(8, "stop it")), responder=responder)
    call, trace = _FarEnd(scene, traits), TraceList(asyncio.get_running_loop().time)
    call.keeps_sound = True
    await run_call(call, pipeline_of(scene), trace)
    return call, [line for line in trace.lines if line["event"] == "heard"]


def test_history_keeps_what_was_heard_whatever_the_transport_can_do():
    kinds = (CallTraits(rewinds=True), CallTraits(), CallTraits(flushes=False))
    heard = [run_virtual(_interrupted(traits))[1][1] for traits in kinds]
    assert all(line["cut"] for line in heard)
    words = [len(str(line["text"]).split()) for line in heard]
    assert min(words) > 0 and max(words) - min(words) <= 1
    assert all(STORY.startswith(str(line["text"])) for line in heard)
