"""A responder that hears the caller's sound, in whole calls in virtual time."""

import asyncio
from dataclasses import dataclass, field, replace

import numpy as np

from agent.core.protocols import Expectation, Role
from agent.scenario import Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.cascade.tools.responder import ToolUser


@dataclass
class Model:
    """Keeps what it was given."""

    sound_s: float
    given: list = field(default_factory=list)

    async def reply(self, messages, tools):
        self.given.append(tuple(messages))
        yield "All right."

    def expects(self, messages):
        return Expectation()


def play(model, *say, end_s=12.0, **rest):
    scene = Scene(end_s, say=say, **rest)

    async def main():
        pipeline = pipeline_of(scene)
        engines = replace(pipeline.engines, responder=model)
        trace = TraceList(asyncio.get_running_loop().time)
        await run_call(SceneCall(scene), CascadePipeline(engines, pipeline.config), trace)

    run_virtual(main())
    return SceneCall(scene)


def said(call, sound):
    """What the caller of the scene sounds like where this sound was taken."""
    return call._sound(sound.start, len(sound.samples))


def test_the_turn_that_is_answered_comes_with_its_sound_and_older_ones_with_words_alone():
    model = Model(sound_s=30.0)
    call = play(model, Say(2, "what are your hours"), Say(6, "and on sunday"))
    assert [m.sound for m in model.given[0]] == [None]  # the greeting
    asked = {given[-1].text: given[-1] for given in model.given}
    for text, words in (("what are your hours", 4), ("and on sunday", 3)):
        message = asked[text]
        assert np.array_equal(message.sound.samples, said(call, message.sound))
        loud_s = np.count_nonzero(np.abs(message.sound.samples) > 1e-3) / message.sound.rate
        assert abs(loud_s - 0.3 * words) < 0.1
        assert message.sound.duration_s < 0.3 * words + 0.6
    assert all(m.sound is None for given in model.given for m in given[:-1])


def test_a_turn_with_a_pause_in_it_is_heard_whole():
    model = Model(sound_s=30.0)
    play(model, Say(2, "i would like"), Say(3.4, "a table"), probability=0.1)
    last = model.given[-1][-1]
    assert last.text == "i would like a table"
    loud_s = np.count_nonzero(np.abs(last.sound.samples) > 1e-3) / last.sound.rate
    assert abs(loud_s - 0.3 * 5) < 0.1


def test_no_more_sound_is_kept_than_the_responder_takes():
    model = Model(sound_s=0.5)
    play(model, Say(2, "what are your hours on sunday"))
    last = model.given[-1][-1]
    assert 0.4 < last.sound.duration_s <= 0.5


def test_a_responder_that_does_not_hear_is_given_words_alone():
    model = Model(sound_s=0.0)
    play(model, Say(2, "what are your hours"))
    assert model.given[-1][-1].role is Role.CALLER
    assert all(m.sound is None for given in model.given for m in given)


def test_tools_stand_in_nobodys_ear():
    model = Model(sound_s=30.0)
    play(ToolUser(model, ()), Say(2, "what are your hours"))
    assert model.given[-1][-1].sound.duration_s > 1
