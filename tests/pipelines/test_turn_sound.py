"""The sound of a turn: its segments in order, and never more than a responder takes."""

import numpy as np

from agent.core.audio import AudioFrame
from pipelines.cascade.turn_sound import TurnSound

RATE = 1_000


def frame(start, value):
    """A tenth of a second."""
    return AudioFrame(np.full(100, value, np.float32), RATE, start)


def kept(limit_s, *numbers):
    """Of segments 1, 2, 3 … in frames of their own number."""
    sound = TurnSound(limit_s)
    for place, segment in enumerate(numbers):
        sound.take(segment, frame(place * 100, segment))
    return sound


def test_a_turn_is_the_sound_of_its_segments_one_after_the_other():
    found = kept(10.0, 1, 1, 2, 3, 3).of((1, 3))
    assert (found.rate, found.start) == (RATE, 0)
    assert found.samples.tolist() == [1.0] * 200 + [3.0] * 200


def test_the_oldest_sound_goes_where_there_is_too_much_of_it():
    found = kept(0.3, 1, 1, 2, 3, 3).of((1, 2, 3))
    assert found.samples.tolist() == [2.0] * 100 + [3.0] * 200


def test_what_was_answered_is_forgotten_and_what_follows_of_it_is_kept():
    sound = kept(0.5, 1, 2, 2)
    sound.forget((1, 2))
    assert sound.of((1, 2)) is None
    for place in range(4):
        sound.take(2, frame(300 + 100 * place, place))
    found = sound.of((1, 2))
    assert (found.start, len(found.samples)) == (300, 400)


def test_of_segments_that_nobody_spoke_there_is_no_sound():
    assert kept(10.0, 1).of(()) is None
    assert kept(10.0, 1).of((-1,)) is None  # a key


def test_a_responder_that_wants_none_is_given_none():
    assert kept(0.0, 1, 2).of((1, 2)) is None
