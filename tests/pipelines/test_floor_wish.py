"""The floor wish: a request rises, a murmur does not, and nothing that is heard breaks it."""

import wave
from pathlib import Path

import numpy as np
from pytest import mark, raises

from agent.core.errors import EngineFailed, EngineUnavailable
from pipelines.cascade.floor_wish.features import STEP, WIDTH, ear, heard, relative
from pipelines.cascade.floor_wish.model import FloorWish

RATE = 16_000
THRESHOLD = 0.8
STIMULI = Path(__file__).parents[2] / "floorbench/stimuli/wav"


def stimulus(name):
    """A rendered sound in faint noise, half a second before it and 0.1 s after it."""
    with wave.open(str(STIMULI / name), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return on_line(pcm / 32768)


def on_line(sound):
    line = np.random.default_rng(1).standard_normal(len(sound) + 9600) * 0.0005
    line[8000 : 8000 + len(sound)] += sound
    return line.astype(np.float32)


def hum(seconds=0.45):
    """A made "mm-hm": harmonics of a low voice behind closed lips, a dip between two syllables."""
    at = np.arange(round(seconds * RATE)) / RATE
    turns = np.cumsum(120 + 25 * (at > seconds / 2)) / RATE
    voice = sum(np.sin(2 * np.pi * k * turns) / k**2.5 for k in range(1, 20))
    return voice * np.sin(2 * np.pi * at / seconds) ** 2 * 0.1


def wishes(wish, line, onset_s=0.09):
    """The wish at every step from 0.09 s after the sound set in, as a detector would be late."""
    begin = 8000 + round(onset_s * RATE)
    state, out = wish.begin(line[:begin]), []
    for at in range(begin, len(line) - STEP + 1, STEP):
        state, probability = wish.step(state, line[at : at + STEP])
        out.append(probability)
    return out


@mark.parametrize("name", ["43_slt.wav", "45_awb.wav", "46_slt.wav"])
def test_a_request_that_goes_on_is_taken_for_one(name):
    assert max(wishes(FloorWish.load(), stimulus(name))[:25]) > THRESHOLD


def test_a_made_hum_is_no_wish_to_speak():
    assert max(wishes(FloorWish.load(), on_line(hum()))) < THRESHOLD


@mark.parametrize("name", ["28_rms.wav", "30_slt.wav"])
def test_a_rendered_mm_hm_is_no_wish_to_speak(name):
    assert max(wishes(FloorWish.load(), stimulus(name))) < THRESHOLD


def test_the_same_sound_gives_the_same_wishes():
    line = stimulus("43_slt.wav")
    assert wishes(FloorWish.load(), line) == wishes(FloorWish.load(), line)


def test_a_state_is_a_value_and_calls_do_not_mix():
    wish, line = FloorWish.load(), stimulus("46_slt.wav")
    state = wish.begin(line[:9440])
    hidden = state.hidden.copy()
    step = line[9440 : 9440 + STEP]
    after, first = wish.step(state, step)
    wish.step(wish.begin(on_line(hum())), np.zeros(STEP, np.float32))
    again, second = wish.step(state, step)
    assert first == second
    assert np.array_equal(after.hidden, again.hidden)
    assert np.array_equal(state.hidden, hidden)
    assert state.steps == 0


def test_a_caller_may_reuse_the_buffer_it_handed_over():
    wish, line = FloorWish.load(), stimulus("46_slt.wav")
    before, step = line[:9440].copy(), line[9440 : 9440 + STEP].copy()
    state = wish.begin(before)
    expected = wish.step(state, step)[1]
    before[:] = 0
    assert wish.step(state, step)[1] == expected


def test_loudness_of_the_line_does_not_matter():
    line = stimulus("46_slt.wav")
    loud, soft = (wishes(FloorWish.load(), line * factor) for factor in (1.0, 0.25))
    assert np.allclose(loud, soft, atol=0.05)


@mark.parametrize(
    "sound",
    [
        np.zeros(STEP), np.full(STEP, np.nan), np.full(STEP, np.inf), np.full(STEP, -np.inf),
        np.full(STEP, 1e30), np.sign(np.sin(np.arange(STEP) / 9)), np.full(STEP, 1e-30),
    ],
    ids="silence nan inf -inf huge clipped tiny".split(),
)  # fmt: skip
def test_no_sound_leads_out_of_the_probabilities(sound):
    wish = FloorWish.load()
    samples = sound.astype(np.float32)
    state = wish.begin(np.tile(samples, 10))
    for _ in range(60):
        state, probability = wish.step(state, samples)
        assert 0.0 <= probability <= 1.0


@mark.parametrize("count", [0, 1, 255, 256, 767, 768, 8000])
def test_any_stretch_may_come_before(count):
    wish = FloorWish.load()
    state = wish.begin(np.zeros(count, np.float32))
    assert 0.0 <= wish.step(state, np.zeros(STEP, np.float32))[1] <= 1.0


def test_steps_one_by_one_are_heard_as_steps_together():
    sound, tables = stimulus("46_slt.wav")[: 256 + 10 * STEP], ear()
    together, levels = heard(tables, sound)
    single = [heard(tables, sound[at : at + 256 + STEP]) for at in range(0, 10 * STEP, STEP)]
    assert np.allclose(together, np.concatenate([steps for steps, _ in single]), atol=1e-4)
    assert relative(together, np.maximum.accumulate(levels)).shape == (10, WIDTH)


def test_a_step_of_another_size_is_refused_in_words():
    wish = FloorWish.load()
    with raises(EngineFailed, match="expected 512 samples"):
        wish.step(wish.begin(np.zeros(0, np.float32)), np.zeros(160, np.float32))


def test_missing_weights_say_where_they_come_from(tmp_path):
    with raises(EngineUnavailable, match="train"):
        FloorWish.load(tmp_path / "weights.npz")


def test_weights_are_small():
    path = Path(FloorWish.load.__code__.co_filename).with_name("weights.npz")
    assert path.stat().st_size < 200_000
