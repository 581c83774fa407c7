"""Espeak speaks."""

import asyncio
import contextlib
import sys
import threading

import numpy as np
from pytest import approx, fixture, mark, raises

from agent.core.audio import level_db
from agent.core.errors import EngineUnavailable
from pipelines.engines.espeak import Espeak, EspeakSettings
from pipelines.engines.espeak_native import Library, Voice
from tests.contracts.voices import given, said

pytestmark = mark.models
SENTENCE = "One moment please, I will look it up."


@fixture
def engine():
    made = Espeak.load(EspeakSettings())
    yield made
    made.close()


def sound_of(text, **settings):
    made = Espeak.load(EspeakSettings(**settings))
    try:
        return asyncio.run(said(made, text))
    finally:
        made.close()


def pieces(engine, *clauses):
    async def collect():
        return [speech async for speech in engine.speak(given(*clauses))]

    return asyncio.run(collect())


def test_a_sentence_takes_as_long_as_a_person_would(engine):
    assert engine.rate == 22_050
    assert 1.5 < len(asyncio.run(said(engine, SENTENCE))) / engine.rate < 4


def test_a_word_has_sound_while_it_is_carried(engine):
    found = pieces(engine, SENTENCE)
    assert [s.text for s in found if s.text][:3] == ["One", "moment", "please,"]
    assert all(level_db(s.frame.samples) > -45 for s in found if s.text)


def test_more_words_a_minute_are_shorter():
    fast = sound_of(SENTENCE, words_per_minute=240)
    assert len(fast) < 0.8 * len(sound_of(SENTENCE, words_per_minute=160))


def test_gain_makes_it_louder_by_as_much():
    plain, loud = sound_of(SENTENCE, gain_db=-12.0), sound_of(SENTENCE, gain_db=-6.0)
    assert level_db(loud) - level_db(plain) == approx(6, abs=0.2)


def voice_hz(sound):
    """Median pitch of the voiced 50 ms frames, by the highest peak of their autocorrelation."""
    found = []
    for frame in sound[: len(sound) // 1_102 * 1_102].reshape(-1, 1_102):
        same = np.correlate(frame, frame, "full")[len(frame) - 1 :]
        lag = 60 + int(np.argmax(same[60:400]))  # 55 to 370 Hz
        if same[lag] > 0.5 * same[0] > 0:
            found.append(22_050 / lag)
    return np.median(found)


def test_a_higher_pitch_is_a_higher_voice():
    low, high = sound_of(SENTENCE, pitch=20), sound_of(SENTENCE, pitch=80)

    assert voice_hz(high) > 1.2 * voice_hz(low)


def test_sentences_are_parted_by_a_pause_and_the_last_one_ends_at_once(engine):
    found = pieces(engine, "Yes.", "No.")
    no = next(n for n, s in enumerate(found) if s.text == "No.")
    first = next(n for n, s in enumerate(found) if s.text == "Yes.")
    silent = [s.frame.duration_s for s in found[first + 1 : no] if not s.frame.samples.any()]
    assert sum(silent) == approx(0.25, abs=0.001)
    assert level_db(found[-1].frame.samples[-400:]) > -60


def test_the_lines_of_a_list_are_parted_by_a_breath(engine):
    found = pieces(engine, "Pizza", "Pasta")
    silent = [s.frame.duration_s for s in found if not s.frame.samples.any()]
    assert sum(silent) == approx(0.12, abs=0.001)


@mark.parametrize("text", ["...", "\x00\x01", "\u200b", "!?"])
def test_what_cannot_be_spoken_does_no_harm(engine, text):
    assert "word" in [s.text for s in pieces(engine, text, "word")]


def test_markdown_is_not_said_and_is_kept(engine):
    marked = "- We have **three** `tables`, see [the menu](https://example.com/menu)."
    plain = sound_of("We have three tables, see the menu.")
    found = pieces(engine, marked)
    assert " ".join(s.text for s in found if s.text) == marked
    assert sum(len(s.frame.samples) for s in found) == approx(len(plain), rel=0.02)


def test_marks_alone_are_kept_on_a_short_silence(engine):
    assert pieces(engine, "---", "word")[0].text == "---"


def test_a_tag_that_never_ends_is_said_as_the_text_it_is(engine):
    found = pieces(engine, "The price is <ten euros")
    assert " ".join(s.text for s in found if s.text) == "The price is <ten euros"


def test_two_voices_in_one_process_keep_to_their_own_settings():
    slow = Espeak.load(EspeakSettings(words_per_minute=100))
    fast = Espeak.load(EspeakSettings(words_per_minute=300, voice="en-gb"))

    async def both():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(said(e, *[SENTENCE] * 5)) for e in (slow, fast)]
        return [len(task.result()) for task in tasks]

    try:
        together = asyncio.run(both())
        alone = [len(asyncio.run(said(e, *[SENTENCE] * 5))) for e in (slow, fast)]
    finally:
        slow.close()
        fast.close()
    assert together == approx(alone, rel=0.01)
    assert together[0] > 1.5 * together[1]


def test_a_synthesis_nobody_wants_stops_at_its_first_sound():
    abandoned = threading.Event()
    abandoned.set()
    sound, _ = Library.load().speak("word " * 60, Voice("en-us", 160, 50), abandoned)
    assert len(sound) < 0.1 * 22_050


def test_leaving_a_reply_tells_the_library_to_stop(engine, monkeypatch):
    seen = []
    speak = Library.speak

    def watched(self, text, voice, abandoned):
        seen.append(abandoned)
        return speak(self, text, voice, abandoned)

    monkeypatch.setattr(Library, "speak", watched)

    async def leave():
        async with contextlib.aclosing(engine.speak(given("word " * 2_000))) as speech:
            await anext(speech)
            assert not seen[0].is_set()

    asyncio.run(leave())
    assert len(seen) == 1
    assert seen[0].is_set()


def test_an_unknown_voice_is_named():
    with raises(EngineUnavailable, match="'zz-top'"):
        Espeak.load(EspeakSettings(voice="zz-top"))


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with raises(EngineUnavailable, match=r"pip install 'parley\[offline\]'"):
        Espeak.load(EspeakSettings())


@mark.parametrize(
    "values",
    [{"voice": ""}, {"words_per_minute": 79}, {"pitch": 101}, {"gain_db": 13.0}],
)
def test_settings_out_of_range_are_refused_by_name(values):
    with raises(ValueError, match=next(iter(values))):
        EspeakSettings(**values)
