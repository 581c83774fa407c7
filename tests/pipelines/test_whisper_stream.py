"""A segment through the Whisper adapter: when the model runs, on what, and what is reported."""

import asyncio
from itertools import pairwise

import numpy as np
from pytest import mark, raises

from agent.config import load
from agent.core.audio import AudioFrame, silence, split
from agent.core.errors import EngineFailed
from agent.core.protocols import Expectation
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.tones import RATE, WORDS, tones
from pipelines.engines.whisper import Whisper, WhisperSettings
from pipelines.engines.whisper_beat import PAUSE_BLOCKS, Beat
from pipelines.engines.whisper_model import Question
from pipelines.engines.whisper_segment import WhisperSegment
from pipelines.engines.whisper_window import BLOCK, SOFT_S
from pipelines.engines.whisper_words import Hypothesis, placed
from tests.support.tones import ToneWhisper

EXPECTED = Expectation(("yes", "no"))


async def heard(engine, sound, count=1_600, expected=EXPECTED):
    recognition = await engine.open(1, expected)
    found = []
    while len(sound.samples):
        frame, sound = split(sound, count)
        found += await recognition.feed(frame)
    return [*found, await recognition.finish()]


def listen(sound, model=None, settings=None, **more):
    engine = Whisper(settings or WhisperSettings(), model or ToneWhisper())
    try:
        return run_virtual(heard(engine, sound, **more))
    finally:
        engine.close()


def followed_by(sound, quiet_s):
    hush = np.zeros(round(quiet_s * RATE), np.float32)
    return AudioFrame(np.concatenate([sound.samples, hush]), RATE, 0)


# --- when -----------------------------------------------------------------------------------------


def beats(pattern, every_s=0.4):
    """Places of the blocks at which the model is run; `#` is loud."""
    beat = Beat(every_s)
    due = []
    for place, block in enumerate(pattern):
        if beat.take(block == "#"):
            beat.seen()
            due.append(place)
    return due


def test_speech_is_looked_at_every_so_often_from_where_it_began():
    assert beats("." * 30 + "#" * 60) == [49, 69, 89]


def test_a_pause_is_looked_at_at_once_and_not_again():
    assert beats("#" * 30 + "." * 100) == [19, 29 + PAUSE_BLOCKS]


def test_the_closure_of_a_consonant_is_no_pause():
    assert beats("#" * 10 + "." * (PAUSE_BLOCKS - 1) + "#" * 10) == [19]


def test_silence_is_never_looked_at():
    assert beats("." * 500) == []


# --- what is reported -----------------------------------------------------------------------------


def test_words_become_certain_one_after_the_other():
    found = listen(tones("where are you located"))
    stable = [t.stable for t in found]
    assert stable[0] == ""
    assert stable[-1] == "where are you located"
    for before, after in pairwise(stable):
        assert after.startswith(before)
    assert len(set(stable)) >= 4


def test_a_pause_that_was_seen_costs_nothing_at_the_end():
    model = ToneWhisper()
    sound = followed_by(tones("yes no"), 0.2)

    async def scene():
        engine = Whisper(WhisperSettings(), model)
        try:
            recognition = await engine.open(1, EXPECTED)
            await recognition.feed(sound)
            steps = len(model.asked)
            final = await recognition.finish()
            return steps, final
        finally:
            engine.close()

    steps, final = run_virtual(scene())
    assert final.text == "yes no"
    assert len(model.asked) == steps


def test_speech_up_to_the_last_sample_is_heard_at_the_end():
    model = ToneWhisper()
    sound, _ = split(tones("yes no"), 8_000 + 6_250)
    assert listen(sound, model)[-1].text == "yes no"
    assert len(model.asked[-1].samples) == 8_000 + 6_400  # the rest of a block is filled up


def test_silence_is_not_given_to_the_model():
    model = ToneWhisper()
    assert listen(silence(5 * RATE, RATE), model)[-1].text == ""
    assert model.asked == []


def test_what_is_expected_and_the_language_are_told_to_the_model():
    model = ToneWhisper()
    listen(tones("yes"), model, WhisperSettings(model="small", language="de"))
    assert {(q.hot_words, q.language) for q in model.asked} == {("yes, no", "de")}


def test_a_language_is_kept_for_the_segment_once_two_seconds_have_shown_it():
    model = ToneWhisper()
    listen(tones("yes no stop oh yes no"), model, WhisperSettings(language=""))
    asked = [(len(q.samples) > 2.4 * RATE, q.language) for q in model.asked]
    assert set(asked) == {(False, ""), (True, "en")}


def test_another_rate_is_refused():
    with raises(EngineFailed, match="expected sound at 16000 Hz, found 8000 Hz"):
        listen(silence(800, 8_000))


@mark.parametrize(
    ("setting", "value"),
    [
        ("device", "tpu"),
        ("beam", 0),
        ("every_s", 0.01),
        ("window_s", 31),
        ("context_s", 7),
        ("language", "de"),
        ("hot_characters", -1),
    ],
)
def test_settings_that_cannot_work_are_refused(setting, value):
    with raises(ValueError, match=f"{setting}: expected"):
        WhisperSettings(**{setting: value})


# --- what it costs --------------------------------------------------------------------------------


def story(seconds):
    """So many seconds of different words, the same each time."""
    chosen = np.random.default_rng(7).integers(len(WORDS), size=seconds * 2)
    return " ".join(WORDS[n] for n in chosen)


def asked_by_minute(model, minutes):
    """Samples given to the model in each minute of one loud segment, and the words it found.

    Half seconds differ in their level, so that a model can tell them apart.
    """
    segment = WhisperSegment(1, "en", 0.4, 12.0)
    spent = [0] * minutes
    for place in range(60 * minutes * RATE // BLOCK):
        level = 0.1 + place // 25 % 13 / 100
        if segment.append(np.full(BLOCK, level, np.float32)):
            sound = segment.samples()
            spent[place * BLOCK // (60 * RATE)] += len(sound)
            segment.take(model(sound))
    return spent, segment.final().text.split()


def in_order(samples):
    """Hears every half second of a window as the word of its level."""
    edges = np.flatnonzero(np.diff(samples[::BLOCK], prepend=0.0, append=0.0)) * BLOCK
    pairs = [(int(a), int(b)) for a, b in pairwise(edges) if b - a == 8_000]
    words = [placed(f" w{round(float(samples[a]) * 100)}", a, b) for a, b in pairs]
    return Hypothesis(tuple(w for word in words for w in word))


def never_the_same():
    """A model whose hypotheses never agree."""
    calls = iter(range(10**6))

    def hear(samples):
        return Hypothesis(tuple(placed(f" w{next(calls)}", 0, min(len(samples), 6_400))))

    return hear


def test_a_second_of_sound_costs_the_same_in_minute_ten_as_in_minute_one_and_no_word_is_lost():
    spent, words = asked_by_minute(in_order, 10)
    assert abs(spent[9] / spent[0] - 1) < 0.1
    assert abs(len(words) - 1_200) <= 1


def test_words_that_never_agree_cost_no_more_than_the_longest_window():
    spent, _ = asked_by_minute(never_the_same(), 3)
    assert abs(spent[2] / spent[1] - 1) < 0.1
    assert max(spent) <= 60 / 0.4 * 12.0 * RATE


def test_a_long_monologue_is_heard_whole_and_in_windows_of_a_few_seconds():
    model = ToneWhisper()
    text = story(30)
    assert listen(tones(text), model)[-1].text == text
    assert max(len(q.samples) for q in model.asked) <= (SOFT_S + 2) * RATE


def test_what_left_the_window_is_told_to_the_model_as_it_was_written():
    model = ToneWhisper()
    text = story(12)
    listen(tones(text), model)
    last = model.asked[-1].before
    assert last.startswith(text.split()[0].capitalize() + ", ")
    assert len(last.split()) + len(model.asked[-1].samples) / 8_000 >= len(text.split()) - 1


class SlowWhisper(ToneWhisper):
    """Takes as long for a step as a loop's clock says; hears nothing new meanwhile."""

    def __init__(self, loop_time):
        super().__init__()
        self._loop_time = loop_time

    def hear(self, question: Question):
        self._loop_time.late_s += 1.0
        return super().hear(question)


class LateLoop:
    """A clock for the adapter that runs on while the model works."""

    late_s = 0.0


def test_a_model_that_is_too_slow_leaves_steps_out_and_still_hears_everything(monkeypatch):
    clock = LateLoop()
    model = SlowWhisper(clock)
    text = "where are you located yes no stop"

    async def live():
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + clock.late_s)
        engine = Whisper(WhisperSettings(), model)
        try:
            return await heard(engine, tones(text)), engine.skipped
        finally:
            engine.close()

    found, skipped = run_virtual(live())
    assert found[-1].text == text
    assert skipped > 0
    assert len(model.asked) <= 3.5 + 2  # a second each, and the sound lasts 3.5 s


def test_the_shipped_configuration_is_one_that_it_takes():
    config = load("cascade")
    assert config.engine("recognizer", ("whisper",)) == "whisper"
    settings = config.settings(WhisperSettings, "recognizer")
    assert (settings.model, settings.download) == ("small.en", False)
