"""Engines that break, hang or say nothing, in whole calls in virtual time.

The caller hears of it, the trace says which engine and why, and the call goes on.
"""

import asyncio
from dataclasses import dataclass, field, replace

import numpy as np
from pytest import mark

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed
from agent.core.events import Transcript
from agent.core.protocols import Expectation, Role, Speech
from agent.scenario import Acted, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.asides import Manners
from pipelines.cascade.pipeline import CascadePipeline

APOLOGY = Manners().trouble
ASKS = (Say(4, "what are your hours"), Say(22, "and on sunday"))
FAULT = EngineFailed("model", "broke; do this")


@dataclass
class Model:
    """Answers; `how` it fails is about the first question, and about an apology for that."""

    how: str
    apologises: bool = False
    asked: list = field(default_factory=list)

    async def reply(self, messages, tools):
        last = messages[-1]
        self.asked.append(last)
        await asyncio.sleep(0.1)
        fails = (last.role is Role.CALLER and "hours" in last.text) or (
            last.text == "trouble" and not self.apologises
        )
        match self.how if fails else "":
            case "fails at once":
                raise FAULT
            case "fails in the middle":
                yield "Well, "
                raise FAULT
            case "hangs":
                await asyncio.sleep(1_000)
            case _:
                yield "Excuse me." if last.text == "trouble" else "All right."

    def expects(self, messages):
        return Expectation()


def play(*, end_s=32.0, say=ASKS, **changed):
    scene = Scene(end_s, say=say)

    async def main():
        pipeline = pipeline_of(scene)
        made = {name: make(getattr(pipeline.engines, name)) for name, make in changed.items()}
        engines = replace(pipeline.engines, **made)
        call, trace = SceneCall(scene), TraceList(asyncio.get_running_loop().time)
        ended = await run_call(call, CascadePipeline(engines, pipeline.config), trace)
        return Acted(ended, trace, call)

    return run_virtual(main())


@mark.parametrize("how", ["fails at once", "fails in the middle", "hangs"])
def test_a_model_that_fails_and_has_no_apology_either_is_apologised_for(how):
    acted = play(responder=lambda _: Model(how))
    said = [text for text, _ in acted.heard() if text]
    assert said[0] == "All right."  # the greeting
    assert ("Well, " if how == "fails in the middle" else "") + APOLOGY in said
    assert said[-1] == "All right."  # the second question
    if how != "hangs":
        assert {line["message"] for line in acted.trace.named("error")} == {str(FAULT)}
    (remark,) = [line["text"] for line in acted.trace.named("remark")]
    assert remark.startswith("a fixed apology is said: ")


def test_a_model_that_has_its_own_apology_says_that():
    acted = play(responder=lambda _: Model("fails at once", apologises=True))
    said = [text for text, _ in acted.heard()]
    assert "Excuse me." in said
    assert APOLOGY not in said


def test_the_apology_comes_within_the_time_that_a_reply_is_given():
    acted = play(responder=lambda _: Model("hangs"))
    (apology,) = [s for s in acted.trace.named("said") if s["text"] in APOLOGY][:1]
    assert float(apology["t"]) < 4 + 1.2 + 1 + 8.0 + 2.0 + 0.5  # spoken, decided, waited, tried


@dataclass
class Hoarse:
    """A voice that breaks on one character."""

    inner: object
    rate: int = 0

    def __post_init__(self):
        self.rate = self.inner.rate

    async def speak(self, clauses):
        async def checked():
            async for clause in clauses:
                if "☃" in clause:
                    raise EngineFailed("voice", f"{clause!r}: no such phoneme; leave it out")
                yield clause

        async for speech in self.inner.speak(checked()):
            yield speech


@dataclass
class Snowman(Model):
    how: str = ""

    async def reply(self, messages, tools):
        yield "It is ☃." if "hours" in messages[-1].text else "All right."


def test_a_voice_that_fails_on_a_character_fails_one_reply():
    say = (Say(4, "what are your hours"), Say(9, "and on sunday"))
    acted = play(say=say, end_s=13, responder=lambda _: Snowman(), synthesizer=Hoarse)
    said = [text for text, _ in acted.heard() if text]
    assert said == ["All right."] * 3  # the greeting, the model's word for trouble, the next answer
    faults = {line["message"] for line in acted.trace.named("error")}  # once as a guess
    assert faults == {"voice: 'It is ☃.': no such phoneme; leave it out"}


@dataclass
class Soundless(Hoarse):
    """A voice of whose one clause nothing comes."""

    async def speak(self, clauses):
        async for clause in clauses:
            if "☃" not in clause:
                yield Speech(AudioFrame(np.full(1600, 0.1, np.float32), self.rate, 0), clause)


def test_a_voice_without_sound_fails_its_reply_which_is_apologised_for():
    acted = play(say=ASKS[:1], end_s=12, responder=lambda _: Snowman(), synthesizer=Soundless)
    assert [text for text, _ in acted.heard() if text] == ["All right."] * 2  # and for trouble
    faults = {line["message"] for line in acted.trace.named("error")}
    assert faults == {"synthesizer: expected sound for 'It is ☃.', found none; try another voice"}


@dataclass
class Deaf:
    """A recogniser that breaks in its first segment."""

    inner: object
    rate: int = 0

    def __post_init__(self):
        self.rate = self.inner.rate

    async def open(self, segment, expected):
        return Breaking() if segment == 1 else await self.inner.open(segment, expected)


class Breaking:
    async def feed(self, frame):
        raise EngineFailed("ear", "no words come; look at its log")

    async def finish(self):
        return Transcript(1, "", final=True)

    async def close(self):
        pass


def test_a_recogniser_that_breaks_loses_its_segment_and_hears_the_next():
    acted = play(responder=lambda _: Model(""), recognizer=Deaf)
    assert "and on sunday" in [p["text"] for p in acted.asked("PrepareReply")]
    (fault,) = acted.trace.named("error")
    assert fault["message"] == "ear: no words come; look at its log"
