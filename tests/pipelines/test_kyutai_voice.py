"""Kyutai's voice without torch: replies share steps, wait for a slot, and may be left."""

import asyncio
import contextlib

import numpy as np
from pytest import fixture, mark, raises

from agent.config import Config
from agent.core.errors import EngineFailed, EngineUnavailable
from agent.virtual_loop import run_virtual
from agent.wiring import synthesizer
from pipelines.engines.kyutai_voice import GATHER_S, KyutaiVoice
from pipelines.engines.kyutai_voice_batch import Spoken
from pipelines.engines.kyutai_voice_load import KyutaiTtsSettings
from pipelines.engines.voice import Voice
from tests.contracts.voices import given

FRAME = 1920
LATE = 3


class Humming:
    """A frame for each word, as loud as the slot's number, so many steps late."""

    slots, rate = 2, 24_000

    def __init__(self):
        self.texts, self.at, self.steps, self.closed = {}, {}, [], False
        self.breaks_at = None

    def begin(self, slot, text):
        self.texts[slot], self.at[slot] = text.split(), 0

    def step(self, slots):
        self.steps.append(list(slots))
        if len(self.steps) == self.breaks_at:
            raise OSError("no more room on the device")
        found = {}
        for slot in slots:
            self.at[slot] += 1
            number = self.at[slot] - LATE
            words = tuple(FRAME * n for n in range(min(self.at[slot], len(self.texts[slot]))))
            sound = np.full(FRAME, 0.1 * (slot + 1), np.float32) if number > 0 else None
            found[slot] = Spoken(sound, words, number == len(self.texts[slot]))
        return found

    def close(self):
        self.closed = True


@fixture
def batch():
    return Humming()


@fixture
def voice(batch):
    with contextlib.closing(Voice(KyutaiVoice(lambda: batch))) as made:
        yield made


async def pieces(voice, *clauses):
    async with contextlib.aclosing(voice.speak(given(*clauses))) as speech:
        return [piece async for piece in speech]


def test_a_passage_is_spoken_word_by_word_as_the_model_hands_them_in(voice):
    found = run_virtual(pieces(voice, "one two three"))
    assert [(piece.text, piece.frame.start // FRAME) for piece in found] == [
        ("one", 0), ("two", 1), ("three", 2)
    ]  # fmt: skip


def test_replies_in_a_hurry_share_their_steps(voice, batch):
    async def scene():
        async with asyncio.TaskGroup() as group:
            group.create_task(pieces(voice, "one two three four five six seven"))
            group.create_task(pieces(voice, "a b c d e f g"))

    run_virtual(scene())
    assert batch.steps.count([0, 1]) >= 7 + LATE - 1
    assert len(batch.steps) <= 7 + LATE + 2


def test_a_reply_alone_and_one_beside_a_reply_in_no_hurry_wait_for_nobody(voice):
    async def slow():
        async with contextlib.aclosing(voice.speak(given("one two three four"))) as speech:
            async for _ in speech:
                await asyncio.sleep(0.08)

    async def took_s():
        began_s = asyncio.get_running_loop().time()
        await pieces(voice, "five six seven")
        return asyncio.get_running_loop().time() - began_s

    async def beside():
        async with asyncio.TaskGroup() as group:
            group.create_task(slow())
            await asyncio.sleep(0.1)
            return await took_s()

    assert run_virtual(took_s()) < 0.001
    assert run_virtual(beside()) <= 2 * GATHER_S


def test_a_reply_for_which_there_is_no_slot_waits_for_one(voice, batch):
    async def scene():
        async with asyncio.TaskGroup() as group:
            texts = ("one two", "three four five six", "seven")
            return [group.create_task(pieces(voice, text)) for text in texts]

    texts = [" ".join(p.text for p in task.result()) for task in run_virtual(scene())]
    assert texts == ["one two", "three four five six", "seven"]
    assert max(len(step) for step in batch.steps) == 2


def test_a_reply_that_is_left_gives_its_slot_back_and_changes_nothing_for_others(voice):
    async def left():
        async with contextlib.aclosing(voice.speak(given("one two three four"))) as speech:
            await anext(speech)

    async def scene():
        for _ in range(5):
            await left()
        task = asyncio.create_task(pieces(voice, "five six"))  # noqa: TID251  # to be cancelled
        await asyncio.sleep(0.002)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        async with asyncio.TaskGroup() as group:
            return [group.create_task(pieces(voice, text)) for text in ("a b", "c d")]

    found = [[p.text for p in task.result()] for task in run_virtual(scene())]
    assert found == [["a", "b"], ["c", "d"]]


@mark.parametrize("at", [1, 4])
def test_a_step_that_fails_is_told_to_all_who_speak_and_the_next_reply_is_tried(voice, batch, at):
    batch.breaks_at = at

    async def scene():
        both = (pieces(voice, text) for text in ("one two", "three four"))
        faults = await asyncio.gather(*both, return_exceptions=True)
        return faults, await pieces(voice, "five")

    faults, after = run_virtual(scene())
    for fault in faults:
        assert isinstance(fault, EngineFailed)
        assert "kyutai-tts: a step failed: OSError('no more room on the device')" in str(fault)
    assert [piece.text for piece in after] == ["five"]


def test_a_batch_that_cannot_be_made_is_told(batch):
    def broken():
        raise EngineUnavailable("kyutai-tts", "no weights")

    with raises(EngineUnavailable, match="no weights"):
        KyutaiVoice(broken)


def test_closing_the_voice_gives_the_model_back(batch):
    Voice(KyutaiVoice(lambda: batch)).close()
    assert batch.closed


def test_settings_and_wiring_say_what_is_wrong():
    with raises(ValueError, match=r"codebooks: expected 1\.\.64, found 0"):
        KyutaiTtsSettings("somewhere", codebooks=0)
    table = {"engine": "kyutai-tts", "checkpoint": "/nowhere", "device": "cpu"}
    with raises(EngineUnavailable, match=r"is not installed here|config\.json"):
        synthesizer(Config("test.toml", "Test", {"synthesizer": table}))
