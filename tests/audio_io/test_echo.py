"""The agent does not hear itself, and hears whoever speaks meanwhile."""

import numpy as np
import pytest
from pytest import approx

from agent.core.audio import level_db
from audio_io.echo.call import EchoCanceller
from tests.support.rooms import RATE, echo_of, noise, response, voice

QUIET_DB = -58.0  # of the loudest 50 ms that the agent may hear of itself


def cancelled(played, microphone):
    """What is left, and the canceller."""
    canceller = EchoCanceller(RATE)
    step = canceller.block
    blocks = [
        canceller.step(played[at : at + step], microphone[at : at + step])
        for at in range(0, len(played) - step + 1, step)
    ]
    return np.concatenate(blocks), canceller


def loudest_db(samples):
    return max(level_db(samples[at : at + 800]) for at in range(0, len(samples) - 799, 800))


def loud_s(samples):
    """For how long it is louder than it may be."""
    levels = [level_db(samples[at : at + 800]) for at in range(0, len(samples) - 799, 800)]
    return 0.05 * sum(level > QUIET_DB for level in levels)


def kept(out, near, start_s, end_s):
    """How much of the caller is in it, as a projection: 1 is all."""
    part = slice(round(start_s * RATE), round(end_s * RATE))
    return float(np.dot(out[part], near[part]) / np.dot(near[part], near[part]))


def caller(total, *spans):
    near = np.zeros(total, np.float32)
    for number, (start_s, end_s) in enumerate(spans):
        sound = voice(end_s - start_s, seed=20 + number, pitch_hz=190.0, level=0.05)
        near[round(start_s * RATE) :][: len(sound)] = sound
    return near


@pytest.mark.parametrize(
    ("loss_db", "delay_s", "rt60_s"),
    [(20, 0.02, 0.5), (10, 0.25, 0.2), (10, 0.02, 0.5), (0, 0.12, 0.2), (10, 0.3, 0.2)],
)
def test_the_agent_never_hears_itself_from_the_first_sample_on(loss_db, delay_s, rt60_s):
    played = voice(3.5)
    heard = echo_of(played, response(rt60_s, delay_s, loss_db)) + noise(len(played))
    out, canceller = cancelled(played, heard)
    assert loudest_db(out) < QUIET_DB
    assert canceller.report().delay_s == approx(delay_s, abs=0.015)


@pytest.mark.parametrize(("loss_db", "least"), [(40, 0.95), (20, 0.9), (10, 0.85)])
def test_a_caller_who_speaks_over_the_agent_keeps_their_voice(loss_db, least):
    played = voice(4.5)
    spans = ((2.0, 2.4), (3.0, 4.3))
    near = caller(len(played), *spans)
    echo = echo_of(played, response(0.2, 0.06, loss_db))
    out, _ = cancelled(played, echo + near + noise(len(played)))
    assert [kept(out, near, *span) > least for span in spans] == [True, True]


def test_a_caller_is_heard_unchanged_while_the_agent_is_silent():
    near = caller(3 * RATE, (0.2, 2.8))
    out, _ = cancelled(np.zeros_like(near), near)
    assert out == approx(near, abs=1e-6)


def test_headphones_leave_the_caller_alone():
    played = voice(4.0)
    near = caller(len(played), (1.5, 3.5))
    out, canceller = cancelled(played, near + noise(len(played)))
    assert kept(out, near, 1.5, 3.5) > 0.95
    assert canceller.report().delay_s is None


def test_a_path_that_becomes_longer_in_mid_call_is_found_again():
    played = voice(6.0)
    before, after = (echo_of(played, response(0.2, d, 10)) for d in (0.06, 0.2))
    half = len(played) // 2
    heard = np.concatenate((before[:half], after[half:])) + noise(len(played))
    out, canceller = cancelled(played, heard)
    assert loud_s(out) < 0.3
    assert loudest_db(out[half + RATE // 2 :]) < QUIET_DB
    assert canceller.report().delay_s == approx(0.2, abs=0.002)


def test_a_delay_beyond_the_filter_is_found_within_two_seconds():
    played = voice(3.5)
    heard = echo_of(played, response(0.2, 0.5, 10)) + noise(len(played))
    out, canceller = cancelled(played, heard)
    assert loudest_db(out[2 * RATE :]) < QUIET_DB
    assert canceller.report().delay_s == approx(0.5, abs=0.002)


def test_the_return_loss_is_measured():
    played = voice(3.5)
    heard = echo_of(played, response(0.2, 0.06, 15)) + noise(len(played))
    report = cancelled(played, heard)[1].report()
    assert report.return_loss_db == approx(15, abs=3)
    assert report.erle_db > 6


def test_a_microphone_that_clips_does_not_let_the_echo_in():
    played = voice(3.5)
    echo = echo_of(played, response(0.2, 0.06, 10))
    out, _ = cancelled(played, np.clip(echo, -0.05, 0.05).astype(np.float32))
    assert loudest_db(out) < QUIET_DB


def test_silence_on_both_sides_stays_silence():
    nothing = np.zeros(2 * RATE, np.float32)
    out, canceller = cancelled(nothing, nothing)
    assert not out.any()
    assert not canceller.speaks


def test_clocks_that_drift_apart_by_100_ppm_do_not_let_the_echo_in():
    played = voice(7.0)
    echo = echo_of(played, response(0.2, 0.06, 10))
    drifting = np.interp(np.arange(len(echo)) * (1 + 1e-4), np.arange(len(echo)), echo)
    out, _ = cancelled(played, drifting.astype(np.float32) + noise(len(played)))
    assert loudest_db(out) < QUIET_DB
