"""The scripted engines: when what they say comes."""

import asyncio

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame, level_db
from agent.core.protocols import Expectation, Message, Role
from agent.virtual_loop import run_virtual
from pipelines.engines import scripted
from pipelines.engines.scripted import ScriptedWords


def recognizer(*words, **settings):
    said = tuple(ScriptedWords(*word) for word in words)
    return scripted.ScriptedRecognizer.load(scripted.ScriptedRecognizerSettings(said, **settings))


def sound(from_s, to_s):
    return AudioFrame(np.zeros(round((to_s - from_s) * 16_000), np.float32), 16_000,
                      round(from_s * 16_000))  # fmt: skip


async def fed(engine, *frames):
    """Transcripts in order, and how long `finish` took."""
    recognition = await engine.open(1, Expectation())
    found = []
    for frame in frames:
        found += await recognition.feed(frame)
    asked = asyncio.get_running_loop().time()
    found.append(await recognition.finish())
    return found, asyncio.get_running_loop().time() - asked


def test_a_word_is_reported_once_its_delay_has_been_heard():
    engine = recognizer((0.1, 0.4, "yes"), partial_delay_s=0.2)

    async def first_feeds():
        recognition = await engine.open(1, Expectation())
        return [await recognition.feed(sound(s, s + 0.1)) for s in (0.0, 0.3, 0.45, 0.5)]

    found = run_virtual(first_feeds())
    assert [[t.text for t in transcripts] for transcripts in found] == [[], [], [], ["yes"]]


def test_the_final_words_take_their_delay():
    found, took_s = run_virtual(fed(recognizer((0, 0.4, "yes"), final_delay_s=0.3), sound(0, 0.5)))
    assert found[-1].stable == "yes"
    assert found[-1].final
    assert took_s == approx(0.3)


def test_the_last_word_so_far_is_unstable():
    engine = recognizer((0, 0.3, "two"), (0.3, 0.6, "people"), partial_delay_s=0)
    found, _ = run_virtual(fed(engine, sound(0, 0.7)))
    assert [(t.stable, t.unstable) for t in found] == [
        ("", "two"),
        ("two", "people"),
        ("two people", ""),
    ]


def test_only_words_whose_middle_was_fed_are_understood():
    engine = recognizer((0, 0.4, "before"), (0.8, 1.2, "inside"), (1.4, 2.0, "after"))
    found, _ = run_virtual(fed(engine, sound(0.5, 1.5)))
    assert found[-1].text == "inside"


def test_a_responder_says_the_reply_after_those_in_the_history():
    engine = scripted.ScriptedResponder.load(
        scripted.ScriptedResponderSettings(("one", "two"), 0.5, 0.1)
    )

    async def said(count):
        history = [Message(Role.AGENT, "before")] * count
        return [piece async for piece in engine.reply(history, ())]

    assert [run_virtual(said(count)) for count in range(3)] == [["one"], ["two"], ["one"]]


def test_words_come_after_the_first_delay_and_then_one_by_one():
    engine = scripted.ScriptedResponder.load(
        scripted.ScriptedResponderSettings(("good morning sir",), 0.5, 0.1)
    )

    async def times():
        loop = asyncio.get_running_loop()
        return [(piece, loop.time()) async for piece in engine.reply((), ())]

    found = run_virtual(times())
    assert [piece for piece, _ in found] == ["good", " morning", " sir"]
    assert [time for _, time in found] == approx([0.5, 0.6, 0.7])


def synthesizer(**settings):
    return scripted.ScriptedSynthesizer.load(scripted.ScriptedSynthesizerSettings(**settings))


async def spoken(engine, *texts):
    async def clauses():
        for text in texts:
            yield text

    loop = asyncio.get_running_loop()
    return [(speech, loop.time()) async for speech in engine.speak(clauses())]


def test_sound_is_as_long_as_its_characters():
    found = run_virtual(spoken(synthesizer(char_s=0.05), "hello", "you"))
    assert found[-1][0].frame.end == round((6 + 4) * 0.05 * 16_000)


def test_only_the_first_sound_of_a_reply_takes_the_first_delay():
    found = run_virtual(spoken(synthesizer(first_audio_s=0.4), "hello", "you"))
    assert [time for _, time in found] == approx([0.4] * len(found))


def test_work_makes_each_sound_wait_for_its_share():
    found = run_virtual(spoken(synthesizer(first_audio_s=0, work_s=2.0, char_s=0.1), "abc"))
    assert found[-1][1] == approx(2 * 0.4)


def test_the_tone_has_the_level_that_was_asked_for():
    speech, _ = run_virtual(spoken(synthesizer(level_db=-26.0), "hello"))[0]
    assert level_db(speech.frame.samples) == approx(-26.0, abs=0.1)


@mark.parametrize(("level", "likely"), [(-60, False), (-30, True)])
def test_loud_is_speech_and_quiet_is_not(level, likely):
    engine = scripted.EnergyDetector.load(scripted.EnergySettings(threshold_db=-45))
    steady = np.full(engine.step_samples, 10 ** (level / 20), np.float32)
    assert (engine.step(None, steady)[1] > 0.5) is likely


def test_sound_at_the_threshold_is_as_likely_as_not():
    engine = scripted.EnergyDetector.load(scripted.EnergySettings(threshold_db=-40))
    steady = np.full(engine.step_samples, 0.01, np.float32)
    assert engine.step(None, steady)[1] == approx(0.5, abs=1e-3)


@mark.parametrize(
    ("settings", "values", "says"),
    [
        (scripted.ScriptedWords, {"start_s": 1, "end_s": 1, "text": "a"}, "start_s < end_s"),
        (scripted.ScriptedRecognizerSettings, {"partial_delay_s": -1}, "partial_delay_s"),
        (scripted.ScriptedRecognizerSettings, {"rate": 0}, "rate"),
        (scripted.ScriptedResponderSettings, {"replies": ()}, "at least one reply"),
        (scripted.ScriptedResponderSettings, {"token_s": -0.1}, "token_s"),
        (scripted.ScriptedSynthesizerSettings, {"char_s": 0}, "char_s"),
        (scripted.ScriptedSynthesizerSettings, {"level_db": 0}, "level_db"),
        (scripted.ScriptedSynthesizerSettings, {"first_audio_s": -1}, "first_audio_s"),
        (scripted.EnergySettings, {"threshold_db": 0}, "threshold_db"),
        (scripted.EnergySettings, {"slope_db": 0}, "slope_db"),
        (scripted.EnergySettings, {"step_s": 0}, "step_s"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings, values, says):
    with raises(ValueError, match=says):
        settings(**values)
