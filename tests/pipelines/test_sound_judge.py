"""Who speaks and what for, put together: what is told, what is learnt, and when it is given up."""

from dataclasses import replace

import numpy as np

from agent.core.events import SpeechJudged
from agent.core.protocols import Judged
from pipelines.cascade.addressee.addressee import LEAST
from pipelines.cascade.judging import Judging
from pipelines.cascade.sound_judge import BREATH_S, DISMISSED, SoundJudge

STEP = 512
BEFORE = np.zeros(16_000, np.float32)


def hum(steps=LEAST + 4, level=0.2):
    """A voiced sound, one row a detector step."""
    t = np.arange(steps * STEP) / 16_000
    sound = sum(np.sin(2 * np.pi * 130 * n * t) / n for n in range(1, 12))
    sound = sound * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    return (level * sound / np.abs(sound).max()).astype(np.float32).reshape(steps, STEP)


def heard(judge, state, sound, pause_s=2.0):
    state = judge.begin(state, BEFORE, pause_s)
    for step in sound:
        state, judged = judge.step(state, step, 0.9)
    return state, judged


def test_before_anybody_is_known_nobody_is_a_stranger():
    judge = SoundJudge.load()
    _, judged = heard(judge, judge.open(), hum())
    assert judged.caller > 0.5
    assert 0 <= judged.floor <= 1
    assert judged.reason


def test_a_caller_who_was_answered_is_known_and_a_far_voice_is_not_theirs():
    judge = SoundJudge.load()
    state, _ = heard(judge, judge.open(), hum())
    state = judge.learn(state)
    _, near = heard(judge, state, hum())
    _, far = heard(judge, state, hum(level=0.01))
    assert near.caller > 0.9
    assert far.caller < 0.2


def test_after_a_breath_the_same_voice_goes_on():
    judge = SoundJudge.load()
    state, _ = heard(judge, judge.open(), hum())
    state, _ = heard(judge, judge.learn(state), hum())
    assert heard(judge, state, hum(level=0.01), BREATH_S)[1].caller > 0.9
    assert heard(judge, state, hum(level=0.01), BREATH_S + 0.01)[1].caller < 0.2


def test_a_caller_who_moved_away_is_not_ignored_for_ever():
    judge = SoundJudge.load()
    state, _ = heard(judge, judge.open(), hum())
    state = judge.learn(state)
    verdicts = []
    for _ in range(DISMISSED + 1):
        state, judged = heard(judge, state, hum(level=0.01))
        verdicts.append(judged.caller)
    assert max(verdicts[:DISMISSED]) < 0.5 < verdicts[DISMISSED]


class Script:
    """A judge that says what it is told to."""

    def __init__(self, *says):
        self.says, self.learnt = list(says), 0

    def open(self):
        return 0

    def begin(self, state, before, pause_s):
        return state

    def step(self, state, samples, speech):
        return state, self.says.pop(0)

    def learn(self, state):
        self.learnt += 1
        return state


def test_what_hardly_changes_is_not_told_again():
    first = Judged(0.9, 0.5, "so far")
    judging = Judging(Script(first, replace(first, floor=0.52), replace(first, floor=0.6)))
    judging.begin(7, BEFORE, 1.0)
    told = [judging.step(BEFORE[:STEP], 0.9) for _ in range(3)]
    assert told[0] == SpeechJudged(7, 0.9, 0.5, "so far")
    assert told[1] is None
    assert told[2] == SpeechJudged(7, 0.9, 0.6, "so far")


def test_only_what_sounded_like_the_caller_teaches():
    for caller, learnt in ((0.9, 1), (0.3, 0)):
        judge = Script(Judged(caller, 0.5))
        judging = Judging(judge)
        judging.begin(1, BEFORE, 1.0)
        judging.step(BEFORE[:STEP], 0.9)
        judging.learn()
        assert judge.learnt == learnt
