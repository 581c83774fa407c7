"""What every recogniser keeps to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir

import numpy as np
from pytest import fixture, mark, param

from agent.core.audio import AudioFrame, split
from agent.core.protocols import Expectation, Recognizer
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.tones import tones
from benchmarks.tiny_models.whisper import write_tone_whisper
from benchmarks.tiny_models.zipformer import write_tone_zipformer
from pipelines.engines.pocketsphinx import PocketSphinx, PocketSphinxSettings
from pipelines.engines.scripted import (
    ScriptedRecognizer,
    ScriptedRecognizerSettings,
    ScriptedWords,
)
from pipelines.engines.sherpa import Sherpa, SherpaSettings
from pipelines.engines.whisper import Whisper, WhisperSettings
from tests.contracts.voices import spoken
from tests.support.tones import ToneWhisper
from tests.support.tools import package

FIRST, SECOND = "drop the two when you add the figures", "where are you located"


@dataclass(frozen=True)
class Case:
    """A recogniser and two stretches of sound that it can tell apart."""

    make: Callable[[], Recognizer]
    sounds: Callable[[], tuple[AudioFrame, AudioFrame]]
    run: Callable


def scripted():
    said = [*FIRST.split(), *SECOND.split()]
    words = tuple(ScriptedWords(n * 0.5, n * 0.5 + 0.4, word) for n, word in enumerate(said))
    return ScriptedRecognizer.load(ScriptedRecognizerSettings(words))


def by_position():
    border, end = len(FIRST.split()) * 8_000, len(f"{FIRST} {SECOND}".split()) * 8_000
    return split(AudioFrame(np.zeros(end, np.float32), 16_000, 0), border)


def in_tones():
    return tones(FIRST), tones(SECOND)


def sherpa():
    package("sherpa_onnx")
    package("onnx")
    folder = Path(gettempdir()) / "parley-tone-zipformer"
    write_tone_zipformer(folder)
    return Sherpa.load(SherpaSettings(str(folder)))


def whisper():
    """CTranslate2's own code on weights of ours, which cannot read hot words."""
    package("faster_whisper")
    folder = Path(gettempdir()) / "parley-tone-whisper"
    write_tone_whisper(folder)
    return Whisper.load(
        WhisperSettings(str(folder), device="cpu", threads=1, context_s=12.0, hot_characters=0)
    )


@fixture(
    params=[
        param(Case(scripted, by_position, run_virtual), id="scripted"),
        param(
            Case(lambda: Whisper(WhisperSettings(), ToneWhisper()), in_tones, run_virtual),
            id="whisper-in-steps",
        ),
        param(Case(whisper, in_tones, run_virtual), id="whisper", marks=mark.models),
        param(Case(sherpa, in_tones, asyncio.run), id="sherpa", marks=mark.models),
        param(
            Case(
                lambda: PocketSphinx.load(PocketSphinxSettings(decoders=2)),
                lambda: (spoken(FIRST), spoken(SECOND)),
                asyncio.run,
            ),
            id="pocketsphinx",
            marks=mark.models,
        ),
    ]
)
def case(request):
    return request.param


@fixture
def recognizer(case):
    engine = case.make()
    yield engine
    engine.close()


EXPECTED = Expectation((FIRST, SECOND, "yes", "no"))


async def heard(recognizer, sound, count=1_600, segment=3):
    """All transcripts of a sound fed `count` samples at a time; the last is final."""
    recognition = await recognizer.open(segment, EXPECTED)
    try:
        found = []
        while len(sound.samples):
            frame, sound = split(sound, count)
            found += await recognition.feed(frame)
        return [*found, await recognition.finish()]
    finally:
        await recognition.close()


def test_it_understands_what_is_said(case, recognizer):
    first, second = case.sounds()
    assert case.run(heard(recognizer, first))[-1].text == FIRST
    assert case.run(heard(recognizer, second))[-1].text == SECOND


@mark.parametrize("count", [160, 333, 4_096, 10**6])
def test_it_does_not_matter_in_which_pieces_sound_comes(case, recognizer, count):
    sound, _ = case.sounds()
    whole = case.run(heard(recognizer, sound))
    assert case.run(heard(recognizer, sound, count)) == whole


def test_stable_words_only_grow_and_the_final_ones_begin_with_them(case, recognizer):
    sound, _ = case.sounds()
    found = case.run(heard(recognizer, sound))
    for before, after in pairwise(found):
        assert after.stable.split()[: len(before.stable.split())] == before.stable.split()


def test_only_the_last_transcript_is_final_and_all_name_their_segment(case, recognizer):
    sound, _ = case.sounds()
    found = case.run(heard(recognizer, sound, segment=7))
    assert [t.final for t in found] == [False] * (len(found) - 1) + [True]
    assert {t.segment for t in found} == {7}
    assert found[-1].unstable == ""
    assert len(found) > 2


def test_what_comes_later_does_not_change_what_was_reported(case, recognizer):
    sound, other = case.sounds()
    head, _ = split(sound, 16_000)
    longer = AudioFrame(np.concatenate([head.samples, other.samples]), head.rate, head.start)

    async def partials(sound):
        return (await heard(recognizer, sound))[:-1]

    alone = case.run(partials(head))
    assert case.run(partials(longer))[: len(alone)] == alone
    assert alone


def test_two_segments_at_once_do_not_mix(case, recognizer):
    first, second = case.sounds()

    async def both():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(heard(recognizer, s)) for s in (first, second)]
        return [task.result() for task in tasks]

    together = case.run(both())
    assert together[0] == case.run(heard(recognizer, first))
    assert together[1] == case.run(heard(recognizer, second))


def test_a_segment_without_sound_has_no_words(case, recognizer):
    async def nothing():
        recognition = await recognizer.open(1, EXPECTED)
        final = await recognition.finish()
        await recognition.close()
        return final

    assert case.run(nothing()).text == ""


@mark.parametrize("at", ["open", "feed", "feed again", "finish"])
def test_it_can_be_cancelled_at_each_step_and_used_again(case, recognizer, at):
    sound, _ = case.sounds()
    head, tail = split(sound, 12_800)

    async def broken_off():
        doing = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def then(step):
            if step == at:
                loop.call_soon(doing.cancel)

        then("open")
        recognition = await recognizer.open(1, EXPECTED)
        try:
            then("feed")
            await recognition.feed(head)
            then("feed again")
            await recognition.feed(tail)
            then("finish")
            await recognition.finish()
            await asyncio.sleep(1)  # where nothing before had to wait
        finally:
            await recognition.close()

    async def cancelled():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(broken_off())
        except asyncio.CancelledError:
            pass
        return [await heard(recognizer, sound) for _ in range(2)]

    first, second = case.run(cancelled())
    assert first[-1].text == FIRST
    assert first == second


def test_a_recognition_and_the_engine_may_be_closed_twice(case, recognizer):
    async def twice():
        recognition = await recognizer.open(1, EXPECTED)
        await recognition.close()
        await recognition.close()

    case.run(twice())
    recognizer.close()
    recognizer.close()
