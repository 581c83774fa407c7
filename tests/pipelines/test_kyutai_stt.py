"""Kyutai's recogniser without torch: words and their times, the delay, the way to 24 kHz."""

import asyncio

import numpy as np
from pytest import approx, mark, raises

from agent.config import Config
from agent.core.audio import AudioFrame
from agent.core.duplex import DuplexOutput, Seats
from agent.core.errors import ConfigError, EngineFailed, EngineUnavailable
from agent.core.protocols import Expectation, Pause
from agent.core.turn_config import TurnConfig
from agent.virtual_loop import run_virtual
from agent.wiring import predictor, recognizer
from pipelines.engines.kyutai_pause import KyutaiPause
from pipelines.engines.kyutai_stt import RATE, KyutaiStt, KyutaiSttSettings
from pipelines.engines.upsampling import Upsampler

DELAY_S = 0.4
NOTHING = Expectation()


class Writer:
    """Writes each piece of its script five frames after the sound of its frame."""

    rate, frame_samples = 24_000, 1920

    def __init__(self, script, turn_end=None):
        self.script, self.turn_end = script, turn_end
        self.heard, self.open_slots = [], 0

    def seats(self):
        return Seats(self.open_slots, 8)

    async def open(self, prompt):
        self.open_slots += 1
        return [0]

    async def step(self, slot, frame):
        await asyncio.sleep(0.01)
        assert len(frame.samples) == self.frame_samples
        self.heard.append(frame)
        slot[0] += 1
        text = self.script.get(slot[0] - 1 - round(DELAY_S / 0.08), "")
        return DuplexOutput(None, text, turn_end=self.turn_end)

    async def close(self, slot):
        self.open_slots -= 1


async def written(model, seconds, prefix_s=0.0):
    recognition = await KyutaiStt(model, DELAY_S, prefix_s).open(2, NOTHING)
    sound = AudioFrame(np.zeros(round(seconds * RATE), np.float32), RATE, 0)
    found = [*await recognition.feed(sound), await recognition.finish()]
    await recognition.close()
    return found, recognition.words


def test_words_are_stable_once_the_next_one_begins_and_have_the_times_of_their_sound():
    model = Writer({0: " Good", 2: " After", 3: "noon", 8: "."})
    found, words = run_virtual(written(model, 1.0))
    assert [(t.stable, t.unstable, t.final) for t in found] == [
        ("", "good", False),
        ("good", "after", False),
        ("good", "afternoon", False),
        ("good afternoon", "", True),
    ]
    assert [(w.text, round(w.start_s, 2), round(w.end_s, 2)) for w in words] == [
        ("good", 0.0, 0.08), ("afternoon", 0.16, 0.72),
    ]  # fmt: skip
    assert model.open_slots == 0


def test_the_end_of_a_segment_is_pushed_through_and_not_waited_for():
    # The last word is said in the last frame of the sound, and written 0.4 s later.
    model = Writer({11: " end"})

    async def scene():
        recognition = await KyutaiStt(model, DELAY_S).open(1, NOTHING)
        await recognition.feed(AudioFrame(np.zeros(round(0.96 * RATE), np.float32), RATE, 0))
        before = asyncio.get_running_loop().time()
        final = await recognition.finish()
        return final.text, asyncio.get_running_loop().time() - before

    text, took_s = run_virtual(scene())
    assert text == "end"
    assert took_s == approx(7 * 0.01, abs=0.011)  # a few steps, and not 0.4 s


def test_silence_before_the_sound_where_the_model_wants_it_is_no_part_of_its_times():
    model = Writer({10: " hello"})
    _, words = run_virtual(written(model, 1.0, prefix_s=0.8))
    assert [(w.text, round(w.start_s, 2)) for w in words] == [("hello", 0.0)]


def test_a_pause_is_judged_by_its_last_seconds_and_gives_its_slot_back():
    model = Writer({}, turn_end=0.7)
    predictor = KyutaiPause(KyutaiStt(model, DELAY_S))
    sound = AudioFrame(np.zeros(8 * RATE, np.float32), RATE, 0)
    opinion = run_virtual(predictor.predict(Pause(sound, 0.3, "", NOTHING)))
    assert opinion.probability == 0.7
    assert "pause head 0.70" in opinion.reason
    assert len(model.heard) == 37
    assert model.open_slots == 0


@mark.parametrize("opinion", [None, float("nan")])
def test_without_an_opinion_there_is_none(opinion):
    model = Writer({}, turn_end=opinion)
    sound = AudioFrame(np.zeros(RATE, np.float32), RATE, 0)
    with raises(EngineFailed, match="expected an opinion"):
        run_virtual(KyutaiPause(KyutaiStt(model, DELAY_S)).predict(Pause(sound, 0.3, "", NOTHING)))
    assert model.open_slots == 0


def test_a_tone_comes_out_at_the_same_pitch_and_level_in_whatever_pieces():
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / RATE).astype(np.float32)
    whole = Upsampler().push(tone)
    pieces, upsampler = [], Upsampler()
    for start, end in ((0, 1), (1, 2), (2, 500), (500, 500), (500, 501), (501, 16_000)):
        pieces.append(upsampler.push(tone[start:end]))
    assert len(whole) == 24_000
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    late = np.arange(200, 24_000) / 24_000 - 12 / RATE
    np.testing.assert_allclose(whole[200:], np.sin(2 * np.pi * 1000 * late), atol=1e-3)


def test_settings_and_wiring_say_what_is_wrong():
    with raises(ValueError, match=r"slots: expected 1\.\.512, found 0"):
        KyutaiSttSettings("somewhere", slots=0)
    tables = {
        "recognizer": {"engine": "kyutai-stt", "checkpoint": "/nowhere", "device": "cpu"},
        "predictor": {"engine": "kyutai"},
    }
    config = Config("test.toml", "Test", tables)
    with raises(EngineUnavailable, match=r"is not installed here|config\.json"):
        recognizer(config)
    with raises(ConfigError, match="expected the recogniser whose pause head it is"):
        predictor(config, TurnConfig(), lambda engine: engine, None)
