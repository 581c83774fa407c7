"""What every speech detector keeps to."""

import numpy as np
from pytest import approx, fixture, mark, param

from pipelines.engines.scripted import EnergyDetector, EnergySettings
from pipelines.engines.silero import Silero, SileroSettings

STEPS = 24


@fixture(
    params=[
        param(lambda: EnergyDetector.load(EnergySettings()), id="energy"),
        param(lambda: Silero.load(SileroSettings()), id="silero", marks=mark.models),
    ]
)
def detector(request):
    engine = request.param()
    yield engine
    engine.close()


def noise(detector, seed, count=STEPS):
    """Bursts, float32 [count, step_samples]."""
    rng = np.random.default_rng(seed)
    shape = (count, detector.step_samples)
    loud = rng.uniform(0, 0.3, (count, 1))
    return (rng.standard_normal(shape) * loud).astype(np.float32)


def probabilities(detector, steps):
    state, found = detector.open(), []
    for samples in steps:
        state, probability = detector.step(state, samples)
        found.append(probability)
    return found


def test_a_probability_is_between_nothing_and_certainty(detector):
    assert all(0 <= p <= 1 for p in probabilities(detector, noise(detector, 1)))


def test_digital_silence_is_not_speech(detector):
    silence = np.zeros((STEPS, detector.step_samples), np.float32)
    assert max(probabilities(detector, silence)) < 0.2


def test_what_comes_later_does_not_change_what_was_found(detector):
    steps = noise(detector, 2)
    changed = np.concatenate([steps[:12], noise(detector, 3, 12)])
    assert probabilities(detector, changed)[:12] == probabilities(detector, steps)[:12]


def test_two_streams_on_one_model_do_not_mix(detector):
    first, second = noise(detector, 4), noise(detector, 5)
    states, found = [detector.open(), detector.open()], ([], [])
    for pair in zip(first, second, strict=True):
        for stream, samples in enumerate(pair):
            states[stream], probability = detector.step(states[stream], samples)
            found[stream].append(probability)
    assert found[0] == probabilities(detector, first)
    assert found[1] == probabilities(detector, second)


def test_a_state_is_a_value_that_a_step_leaves_as_it_was(detector):
    steps = noise(detector, 6)
    state = detector.open()
    for samples in steps[:5]:
        state, _ = detector.step(state, samples)
    once = detector.step(state, steps[5])[1]
    again = detector.step(state, steps[5])[1]
    assert once == approx(again, abs=0)


def test_a_step_does_not_write_into_the_sound(detector):
    steps = noise(detector, 7, 3)
    before = steps.copy()
    probabilities(detector, steps)
    assert np.array_equal(steps, before)


def test_an_engine_may_be_closed_twice(detector):
    detector.close()
    detector.close()
