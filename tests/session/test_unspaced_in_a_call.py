"""A reply in Japanese that is interrupted: the history keeps what was heard of its sentence."""

import asyncio
from dataclasses import replace

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.protocols import Speech
from agent.scenario import RATE, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.engines.scripted import ScriptedResponderSettings
from pipelines.unspaced import parts

SENTENCE = "明日の夜七時に二名様でご予約ですね。"


class Voice:
    """Takes 0.2 s for each part, as real voices hand them out."""

    rate = RATE

    async def speak(self, clauses):
        start, count = 0, RATE // 5
        async for clause in clauses:
            for part in parts(clause):
                yield Speech(AudioFrame(np.full(count, 0.1, np.float32), RATE, start), part.text)
                start += count


async def call(scene):
    """What was heard of each reply, and whether it was cut."""
    pipeline = pipeline_of(scene)
    engines = replace(pipeline.engines, synthesizer=Voice())
    trace = TraceList(asyncio.get_running_loop().time)
    await run_call(SceneCall(scene), replace(pipeline, engines=engines), trace)
    return [(heard["text"], heard["cut"]) for heard in trace.named("heard")]


def test_the_history_keeps_the_part_of_a_sentence_that_was_heard():
    replies = ScriptedResponderSettings((SENTENCE, "はい。"))
    found = run_virtual(call(Scene(8, (Say(2, "stop stop stop"),), responder=replies)))
    (first, cut), last = found
    assert cut
    assert len(first) >= 5
    assert SENTENCE.startswith(first)
    assert last == ("はい。", False)
