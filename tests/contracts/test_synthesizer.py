"""What every synthesizer keeps to."""

import asyncio
import contextlib

import numpy as np
from pytest import fixture, importorskip, mark, param

from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.pocket_tts import write_pocket_tts
from benchmarks.tiny_models.voices import kokoro_voice, piper_voice
from pipelines.engines.espeak import Espeak, EspeakSettings
from pipelines.engines.kokoro import Kokoro, KokoroSettings
from pipelines.engines.piper import Piper, PiperSettings
from pipelines.engines.pocket_tts import PocketTTS, PocketTTSSettings
from pipelines.engines.realtimetts import RealtimeTTS, RealtimeTTSSettings
from pipelines.engines.scripted import ScriptedSynthesizer, ScriptedSynthesizerSettings
from tests.contracts.voices import given, said
from tests.support.tools import package

CLAUSES = ("Hello there,", "how can I help you? We open at 9 tomorrow.", "Incomprehensibilities!")


def piper(folder):
    package("piper")
    return Piper.load(PiperSettings(piper_voice(folder / "voice.onnx")))


def kokoro(folder):
    package("kokoro_onnx")
    return Kokoro.load(KokoroSettings(*kokoro_voice(folder)))


def realtimetts(_):
    importorskip("RealtimeTTS.engines.base_engine", reason="RealtimeTTS brings 314 MB")
    return RealtimeTTS.load(RealtimeTTSSettings("tests.support.tone_engine:ToneEngine"))


def pocket_tts(folder):
    importorskip("pocket_tts", reason="it brings torch")
    write_pocket_tts(folder)
    files = [str(folder / name) for name in ("config.yaml", "voice.wav", "consent.wav")]
    return PocketTTS.load(PocketTTSSettings(*files))


@fixture(
    params=[
        param(lambda _: ScriptedSynthesizer.load(ScriptedSynthesizerSettings()), id="scripted"),
        param(lambda _: Espeak.load(EspeakSettings()), id="espeak", marks=mark.models),
        param(piper, id="piper", marks=mark.models),
        param(kokoro, id="kokoro", marks=mark.models),
        param(realtimetts, id="realtimetts", marks=mark.models),
        param(pocket_tts, id="pocket_tts", marks=mark.models),
    ]
)
def engine(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.close()


def alike(first, second):
    """Whether two sounds say the same: espeak-ng never makes the same samples twice.

    Their length agrees within 1 %, and their loudness, taken every 20 ms, rises and falls together.
    """
    if abs(len(first) - len(second)) > 0.01 * len(first):
        return False
    count = min(len(first), len(second)) // 400 * 400
    rise = [np.sqrt(np.mean(s[:count].reshape(-1, 400) ** 2, axis=1)) for s in (first, second)]
    flat = np.ptp(rise[0]) < 1e-3  # a steady tone
    return flat or float(np.corrcoef(*rise)[0, 1]) > 0.9


async def pieces(engine, *clauses):
    return [speech async for speech in engine.speak(given(*clauses))]


def test_pieces_follow_each_other_from_the_first_sample_without_a_gap(engine):
    frames = [speech.frame for speech in run_virtual(pieces(engine, *CLAUSES))]
    assert [f.start for f in frames] == [0, *(f.end for f in frames[:-1])]
    assert {f.rate for f in frames} == {engine.rate}


def test_a_piece_is_never_longer_than_a_fifth_of_a_second(engine):
    found = run_virtual(pieces(engine, *CLAUSES))
    assert max(speech.frame.duration_s for speech in found) <= 0.2
    assert min(len(speech.frame.samples) for speech in found) > 0


def test_sound_is_float32_within_full_scale_and_audible(engine, request):
    sound = run_virtual(said(engine, *CLAUSES))
    assert sound.dtype == np.float32
    # Untrained weights are as loud as chance has it; a silent sound is cut away to nothing.
    least = 0.0 if request.node.callspec.id == "pocket_tts" else 0.05
    assert least < np.abs(sound).max() <= 1


def test_the_pieces_carry_exactly_the_words_that_were_given(engine):
    found = run_virtual(pieces(engine, *CLAUSES))
    assert " ".join(speech.text for speech in found if speech.text) == " ".join(CLAUSES)


def test_the_sound_of_a_clause_does_not_depend_on_what_comes_after_it(engine):
    alone = run_virtual(said(engine, CLAUSES[0]))
    longer = run_virtual(said(engine, *CLAUSES))
    assert alike(longer[: len(alone)], alone)


def test_the_first_sound_comes_before_the_second_clause_is_asked_for(engine):
    asked = []

    async def clauses():
        for clause in CLAUSES:
            asked.append(clause)
            yield clause

    async def first():
        async with contextlib.aclosing(engine.speak(clauses())) as speech:
            return await anext(speech)

    assert len(run_virtual(first()).frame.samples) > 0
    assert asked == [CLAUSES[0]]


def test_no_words_make_no_sound(engine):
    assert run_virtual(pieces(engine, "", "  ")) == []


def test_two_replies_at_once_do_not_mix(engine):
    async def both():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(said(engine, c)) for c in (CLAUSES[0], CLAUSES[2])]
        return [task.result() for task in tasks]

    first, second = run_virtual(both())
    assert alike(first, run_virtual(said(engine, CLAUSES[0])))
    assert alike(second, run_virtual(said(engine, CLAUSES[2])))


@mark.parametrize("after", [1, 2, 5])
def test_a_reply_left_in_the_middle_does_not_disturb_the_next(engine, after):
    async def left():
        async with contextlib.aclosing(engine.speak(given(*CLAUSES))) as speech:
            for _ in range(after):
                await anext(speech)

    whole = run_virtual(said(engine, *CLAUSES))
    run_virtual(left())
    assert alike(run_virtual(said(engine, *CLAUSES)), whole)


@mark.parametrize("after", [0, 1, 3])
def test_a_reply_cancelled_at_any_piece_does_not_disturb_the_next(engine, after):
    async def waiting_for(speech):
        for _ in range(after):
            await anext(speech)
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        async for _ in speech:
            await asyncio.sleep(0)

    async def cancelled():
        async with contextlib.aclosing(engine.speak(given(*CLAUSES))) as speech:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(waiting_for(speech))
            except asyncio.CancelledError:
                pass
        return await said(engine, *CLAUSES)

    assert alike(run_virtual(cancelled()), run_virtual(said(engine, *CLAUSES)))


def test_an_engine_may_be_closed_twice(engine):
    engine.close()
    engine.close()
