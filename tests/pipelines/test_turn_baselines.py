"""The rules that most agents end a turn by, and an opinion with another behind it."""

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import ConfigError, EngineTooSlow
from agent.core.protocols import Expectation, Pause, Prediction
from agent.core.turn_config import TurnConfig
from agent.virtual_loop import run_virtual
from pipelines.cascade.baselines import DETECTED_S, AskedOnce, FixedSilence, SilenceSettings
from pipelines.cascade.first_opinion import FirstOpinion

RATE = 16_000


class Told:
    """A predictor that answers from a list, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def predict(self, pause):
        self.asked.append(pause)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Prediction(answer, "so it sounds")


def pauses(*silences_s, words="a table", spoken_s=2.0, seed=1):
    """The same pause after ever more silence."""
    rng = np.random.default_rng(seed)
    spoken = rng.standard_normal(round(spoken_s * RATE)).astype(np.float32)
    for silence_s in silences_s:
        quiet = np.zeros(round(silence_s * RATE), np.float32)
        sound = np.concatenate([spoken, quiet])
        yield Pause(AudioFrame(sound, RATE, 0), silence_s, words, Expectation())


def opinions(predictor, asked):
    return [run_virtual(predictor.predict(pause)) for pause in asked]


# --- a fixed silence ----------------------------------------------------------------------------


@mark.parametrize("silence_s", [0.5, 0.8])
@mark.parametrize(("low_s", "high_s"), [(0.0, 2.9), (0.15, 1.2), (0.4, 0.7)])
def test_every_pause_is_as_long_as_was_set(silence_s, low_s, high_s):
    turns = TurnConfig(pause_min_s=low_s, pause_max_s=high_s)
    predictor = FixedSilence(SilenceSettings(silence_s), turns)
    for opinion in opinions(predictor, pauses(0.1, 0.4, words="for")):
        assert turns.pause_s(opinion.probability) + DETECTED_S == approx(silence_s)


def test_where_every_pause_is_equally_long_any_probability_does():
    turns = TurnConfig(pause_min_s=0.4, pause_max_s=0.4)
    (opinion,) = opinions(FixedSilence(SilenceSettings(0.5), turns), pauses(0.1))
    assert turns.pause_s(opinion.probability) == approx(0.4)


def test_a_silence_that_the_turn_machine_cannot_wait_for_is_a_sentence():
    with raises(ConfigError, match=r"predictor.silence_s: expected 0.25 to 1.3 seconds, found 3;"):
        FixedSilence(SilenceSettings(3.0), TurnConfig(pause_min_s=0.15, pause_max_s=1.2))


# --- asked once ---------------------------------------------------------------------------------


def test_it_is_asked_once_after_a_fifth_of_a_second_and_kept_to():
    other = Told(0.9)
    found = opinions(AskedOnce(other), pauses(0.1, 0.15, 0.23, 0.28, 1.5))
    assert [o.probability for o in found] == [0.0, 0.0, 1.0, 1.0, 1.0]
    (asked,) = other.asked
    assert asked.silence_s == approx(0.2)
    assert len(asked.audio.samples) == round(2.2 * RATE)


@mark.parametrize(("said", "verdict"), [(0.51, 1.0), (0.5, 0.0), (0.02, 0.0)])
def test_it_is_now_or_the_longest_pause(said, verdict):
    (found,) = opinions(AskedOnce(Told(said)), pauses(0.2))
    assert (found.probability, found.reason) == (verdict, "so it sounds")


def test_another_pause_is_another_question():
    other = Told(0.9, 0.1)
    once = AskedOnce(other)
    first, second = (opinions(once, pauses(0.3, seed=seed))[0] for seed in (1, 2))
    assert (first.probability, second.probability) == (1.0, 0.0)


def test_a_question_that_failed_is_asked_again():
    once = AskedOnce(Told(EngineTooSlow("smart-turn", "no opinion"), 0.9))
    with raises(EngineTooSlow):
        opinions(once, pauses(0.25))
    assert opinions(once, pauses(0.3))[0].probability == 1.0


def test_what_it_remembers_has_a_limit():
    once = AskedOnce(Told(*[0.9] * 260))
    for seed in range(260):
        opinions(once, pauses(0.2, spoken_s=0.2, seed=seed))
    assert len(once._said) == 256


# --- the first opinion there is -----------------------------------------------------------------


def test_the_first_opinion_is_taken_where_there_is_one():
    both = FirstOpinion(Told(0.7), Told())
    assert opinions(both, pauses(0.2)) == [Prediction(0.7, "so it sounds")]


def test_the_other_opinion_says_why_it_was_asked():
    first = Told(EngineTooSlow("smart-turn", "no opinion within 0.1 s"))
    (found,) = opinions(FirstOpinion(first, Told(0.3)), pauses(0.2))
    assert found == Prediction(0.3, "smart-turn: no opinion within 0.1 s: so it sounds")


def test_where_neither_has_an_opinion_there_is_none():
    first, other = (Told(EngineTooSlow(name, "late")) for name in ("one", "two"))
    with raises(EngineTooSlow, match="two: late"):
        opinions(FirstOpinion(first, other), pauses(0.2))
