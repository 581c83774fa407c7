"""From probabilities to segments: hysteresis in time and in level."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.events import SpeechEnded, SpeechStarted
from pipelines.cascade.listener import Listener, ListenerConfig

RATE = 16_000
STEP = 512  # 32 ms
CONFIG = ListenerConfig(start_s=0.06, end_s=0.1)  # two steps of speech, four of silence
YES, MAYBE, NO = 0.9, 0.4, 0.1


def listen(*probabilities, config=CONFIG):
    """A listener after these steps, and what it told, each with the number of its step."""
    listener, told = Listener(config, RATE), []
    for number, probability in enumerate(probabilities):
        event = listener.step(probability, number * STEP, (number + 1) * STEP)
        if event is not None:
            told.append((number, event))
    return listener, told


def test_silence_starts_nothing():
    listener, told = listen(*[NO] * 20)
    assert told == []
    assert not listener.is_speaking
    assert listener.segment == 0


def test_speech_starts_a_segment_once_it_is_long_enough():
    listener, told = listen(NO, NO, YES, YES)
    assert told == [(3, SpeechStarted(1))]
    assert listener.is_speaking


def test_a_segment_begins_where_its_speech_began():
    listener, _ = listen(NO, NO, YES, YES, YES)
    assert listener.speech_start == 2 * STEP


def test_a_click_starts_nothing():
    _, told = listen(NO, YES, NO, YES, NO, YES, NO)
    assert told == []


def test_speech_interrupted_before_it_counts_begins_anew():
    listener, told = listen(YES, NO, YES, YES)
    assert told == [(3, SpeechStarted(1))]
    assert listener.speech_start == 2 * STEP


def test_silence_ends_a_segment_once_it_is_long_enough():
    listener, told = listen(YES, YES, YES, NO, NO, NO, NO)
    assert told == [(1, SpeechStarted(1)), (6, SpeechEnded(1))]
    assert not listener.is_speaking


def test_a_segment_ends_where_its_speech_ended():
    listener, _ = listen(YES, YES, YES, NO, NO, NO, NO, NO)
    assert listener.speech_end == 3 * STEP


def test_a_stop_inside_a_word_ends_nothing():
    listener, told = listen(YES, YES, NO, NO, NO, YES, NO, NO, NO)
    assert told == [(1, SpeechStarted(1))]
    assert listener.speech_end == 6 * STEP


def test_what_lies_between_the_thresholds_starts_nothing_and_ends_nothing():
    assert listen(*[MAYBE] * 20)[1] == []
    assert listen(YES, YES, *[MAYBE] * 20)[1] == [(1, SpeechStarted(1))]


def test_segments_count_up():
    _, told = listen(*[YES, YES, NO, NO, NO, NO] * 3)
    assert [event for _, event in told] == [
        kind(number) for number in (1, 2, 3) for kind in (SpeechStarted, SpeechEnded)
    ]


def test_thresholds_are_part_of_what_they_bound():
    config = ListenerConfig(start_probability=0.5, end_probability=0.35)
    assert listen(0.5, 0.5, config=config)[1] == [(1, SpeechStarted(1))]
    assert listen(0.5, 0.5, *[0.35] * 9, config=config)[1] == [(1, SpeechStarted(1))]


def test_a_detector_that_breaks_down_hears_silence():
    nan = float("nan")
    assert listen(*[nan] * 20)[1] == []
    assert listen(YES, YES, *[nan] * 4)[1] == [(1, SpeechStarted(1)), (5, SpeechEnded(1))]


def test_speech_and_silence_of_just_the_minimum_are_long_enough():
    config = ListenerConfig(start_s=2 * STEP / RATE, end_s=4 * STEP / RATE)
    _, told = listen(YES, YES, NO, NO, NO, NO, config=config)
    assert told == [(1, SpeechStarted(1)), (5, SpeechEnded(1))]


def test_without_minimum_durations_every_step_counts():
    config = ListenerConfig(start_s=0, end_s=0)
    _, told = listen(YES, NO, config=config)
    assert told == [(0, SpeechStarted(1)), (1, SpeechEnded(1))]


PROBABILITIES = st.lists(st.floats(0, 1), max_size=100)


@given(PROBABILITIES)
def test_starts_and_ends_alternate_and_agree_on_their_segment(probabilities):
    listener, told = listen(*probabilities)
    events = [event for _, event in told]
    expected = [k(n) for n in range(1, len(events) + 1) for k in (SpeechStarted, SpeechEnded)]
    assert events == expected[: len(events)]
    assert listener.is_speaking == (len(events) % 2 == 1)


@given(PROBABILITIES)
def test_a_segment_is_told_after_its_minimum_and_not_before(probabilities):
    listener = Listener(CONFIG, RATE)
    for number, probability in enumerate(probabilities):
        end = (number + 1) * STEP
        match listener.step(probability, number * STEP, end):
            case SpeechStarted():
                assert end - listener.speech_start >= CONFIG.start_s * RATE
            case SpeechEnded():
                assert end - listener.speech_end >= CONFIG.end_s * RATE


@given(PROBABILITIES)
def test_segments_do_not_overlap(probabilities):
    listener, spans = Listener(CONFIG, RATE), []
    for number, probability in enumerate(probabilities):
        event = listener.step(probability, number * STEP, (number + 1) * STEP)
        if isinstance(event, SpeechEnded):
            spans.append((listener.speech_start, listener.speech_end))
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@mark.parametrize(
    "wrong",
    [
        {"start_probability": 1.1},
        {"end_probability": -0.1},
        {"start_probability": 0.3, "end_probability": 0.4},
        {"start_s": -0.1},
        {"end_s": -0.1},
        {"pre_roll_s": -0.1},
        {"pre_roll_s": 2.1},
    ],
)
def test_thresholds_that_contradict_each_other_are_refused(wrong):
    with raises(ValueError, match="expected"):
        ListenerConfig(**wrong)
