"""Is the turn over? What the words, the melody and the silence say, as a sum of log-odds.

Nothing here is a threshold: each kind of evidence moves the probability by what it weighs, and the
silence moves it further with every moment, on the scale of the caller's own pauses. A sure end is
taken in a breath; "a table for" has to be followed by a long silence to be taken at all.

The few weights of the melody were fitted by `tools/turn_end` on rendered and on recorded voices
apart, and are kept small, where both agree: on people, sound alone tells an end from a pause in
three of four cases.
"""

import math

from agent.core.protocols import Pause, Prediction
from pipelines.cascade.completeness import judge
from pipelines.cascade.turn_end.pauses import mean_s
from pipelines.cascade.turn_end.prosody import Prosody, ending

SILENCE = 0.5
"""Log-odds that a silence as long as the caller's mean pause is worth. If pauses inside turns were
as random as radioactive decay, and a turn once over never went on, it would be 1; half of it,
because who has a long pause behind them makes more of them."""

FADING = 0.3
"""Log-odds for each FADING_DB that the end is quieter than usual."""
FADING_DB = 4.0
USUAL_DECAY_DB = 9.0
MOST_FADING = 1.5

FALLING = 0.2
"""Log-odds for each semitone that the end is lower than usual."""
USUAL_LOW_ST = 1.2
MOST_FALLING = 2.0

HELD = -2.5
"""Log-odds of a level, drawn-out sound: a filler, whatever the recogniser made of it."""
HELD_S = 0.26
"""Longer than the level part of 19 of 20 last syllables; half the fillers hold one for longer."""
HELD_WITHIN_S = 0.02

TELLING = 0.3
"""Log-odds from which a sign is worth mentioning."""

Sign = tuple[float, str]
"""Log-odds of the end, and why."""


class HazardPredictor:
    """A TurnPredictor that reads, listens and counts. Keeps nothing; takes one to two ms."""

    async def predict(self, pause: Pause) -> Prediction:
        """From everything that is known of the pause."""
        return judge_pause(pause)


def judge_pause(pause: Pause) -> Prediction:
    """How likely the turn is over, and which signs told."""
    words = judge(pause.text, pause.expected)
    told = ending(pause.audio, pause.silence_s)
    melody = melody_signs(told) if told is not None else []
    silence = SILENCE * pause.silence_s / mean_s(pause.own_pauses_s)
    log_odds = _log_odds(words.probability) + sum(weight for weight, _ in melody) + silence
    telling = [reason for weight, reason in melody if abs(weight) >= TELLING]
    return Prediction(1 / (1 + math.exp(-log_odds)), "; ".join([words.reason, *telling]))


def melody_signs(told: Prosody) -> list[Sign]:
    """What each sign in the sound says."""
    fading = FADING * _bounded((told.decay_db - USUAL_DECAY_DB) / FADING_DB, MOST_FADING)
    falling = FALLING * _bounded(told.low_st - USUAL_LOW_ST, MOST_FALLING)
    held = HELD / (1 + math.exp((HELD_S - told.held_s) / HELD_WITHIN_S))
    return [
        (fading, "faded out" if fading > 0 else "broke off at full voice"),
        (falling, f"pitch fell {told.low_st:.0f} st" if falling > 0 else "pitch stayed up"),
        (held, f"a level sound held for {told.held_s:.1f} s"),
    ]


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _bounded(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))
