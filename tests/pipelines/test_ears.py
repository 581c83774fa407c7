"""The caller's sound, cut into steps: the same segments and samples however it is framed."""

import asyncio
import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.core.audio import AudioFrame
from agent.core.events import SpeechEnded, SpeechStarted
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.ears import MEMORY_S, Ears, probabilities
from pipelines.cascade.listener import ListenerConfig

RATE = 16_000
STEP = 512
CONFIG = ListenerConfig(start_s=0.06, end_s=0.1, pre_roll_s=0.3)
PRE_ROLL = int(0.3 * RATE)


class Detector:
    """Speech is whatever is positive; its state counts the steps."""

    rate, step_samples = RATE, STEP

    def open(self):
        return 0

    def step(self, state, samples):
        assert samples.shape == (STEP,)
        assert samples.dtype == np.float32
        return state + 1, float(samples.mean() > 0)


class Log:
    """What a hearing would be given, and the events, in the order in which they came."""

    def __init__(self):
        self.entries = []

    def begin(self, segment):
        self.entries.append(("begin", segment))

    def feed(self, frame):
        self.entries.append(("feed", frame))

    def end(self, segment):
        self.entries.append(("end", segment))

    def tell(self, event):
        self.entries.append(("told", event))

    def frames(self):
        return [item for what, item in self.entries if what == "feed"]

    def order(self):
        """All but the sound."""
        return [entry for entry in self.entries if entry[0] != "feed"]

    def spans(self):
        """What each segment was fed, as (start, end), and nothing but whole sound in between."""
        spans = []
        for what, item in self.entries:
            if what == "begin":
                spans.append([])
            elif what == "feed":
                spans[-1].append((item.start, item.end))
        for span in spans:
            assert all(a[1] == b[0] for a, b in itertools.pairwise(span))
        return [(span[0][0], span[-1][1]) for span in spans]


def sound_of(*stretches):
    """Positive for speech, negative for silence; each sample has a value of its own."""
    length = sum(int(seconds * RATE) for _, seconds in stretches)
    sign = np.concatenate([np.full(int(s * RATE), 1 if voiced else -1) for voiced, s in stretches])
    return (sign * np.linspace(0.1, 0.9, length)).astype(np.float32)


def framed(sound, sizes):
    """The sound in frames of these sizes, over and over."""
    start, number = 0, 0
    while start < len(sound):
        size = sizes[number % len(sizes)]
        yield AudioFrame(sound[start : start + size], RATE, start)
        start, number = start + size, number + 1


def listen(sound, sizes=(320,), config=CONFIG):
    async def main():
        log, trace = Log(), TraceList(asyncio.get_running_loop().time)
        ears = Ears(Detector(), None, config, log, log.tell, trace)
        for frame in framed(sound, sizes):
            ears.take(frame)
        return ears, log, trace

    return run_virtual(main())


SPEECH = sound_of((False, 1.0), (True, 0.5), (False, 1.0), (True, 0.4), (False, 0.5))


def test_segments_are_told_as_they_begin_and_end():
    ears, log, _ = listen(SPEECH)
    assert log.order() == [
        ("told", SpeechStarted(1)),
        ("begin", 1),
        ("end", 1),
        ("told", SpeechEnded(1)),
        ("told", SpeechStarted(2)),
        ("begin", 2),
        ("end", 2),
        ("told", SpeechEnded(2)),
    ]
    assert ears.segment == 2


def test_the_recogniser_gets_the_sound_before_the_start():
    _, log, _ = listen(SPEECH)
    start, end = log.spans()[0]
    assert RATE - PRE_ROLL - STEP < start <= RATE - PRE_ROLL
    assert end >= int(1.5 * RATE)


def test_the_recogniser_gets_the_very_samples_of_the_call():
    _, log, _ = listen(SPEECH)
    for frame in log.frames():
        assert np.array_equal(frame.samples, SPEECH[frame.start : frame.end])


def test_the_silence_that_ends_a_segment_belongs_to_it():
    _, log, trace = listen(SPEECH)
    for line, (_, end) in zip(trace.named("speech"), log.spans(), strict=True):
        assert end / RATE - line["end_s"] >= CONFIG.end_s


def test_a_segment_at_the_very_start_has_what_sound_there_is_before_it():
    _, log, _ = listen(sound_of((True, 0.5), (False, 0.5)))
    assert log.spans()[0][0] == 0


def test_a_pre_roll_takes_no_sound_that_an_earlier_segment_had():
    sound = sound_of((False, 0.5), (True, 0.3), (False, 0.15), (True, 0.3), (False, 0.5))
    _, log, _ = listen(sound)
    first, second = log.spans()
    assert second[0] == first[1]


def test_without_a_pre_roll_a_segment_begins_where_the_speech_does():
    _, log, _ = listen(SPEECH, config=ListenerConfig(start_s=0.06, end_s=0.1, pre_roll_s=0))
    assert log.spans()[0][0] == RATE // STEP * STEP


def test_silence_feeds_nothing():
    _, log, trace = listen(sound_of((False, 3.0)))
    assert log.entries == []
    assert trace.lines == []


def test_every_segment_is_traced_with_its_place_in_the_sound():
    _, _, trace = listen(SPEECH)
    first, second = trace.named("speech")
    assert first["segment"] == 1
    assert abs(first["start_s"] - 1.0) <= STEP / RATE
    assert abs(first["end_s"] - 1.5) <= STEP / RATE
    assert second["segment"] == 2


STRETCHES = st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.6)), min_size=1, max_size=8).map(
    lambda stretches: sound_of(*stretches)
)
SIZES = st.lists(st.integers(1, 2000), min_size=1, max_size=5)


def plain(log):
    """The log with every frame as its place and samples, those of one stretch in one."""
    return log.order(), log.spans(), [float(x) for f in log.frames() for x in f.samples]


@given(STRETCHES, SIZES)
def test_the_size_of_the_frames_makes_no_difference(sound, sizes):
    ears, log, trace = listen(sound, sizes)
    other_ears, other_log, other_trace = listen(sound, (len(sound),))
    assert plain(log) == plain(other_log)
    assert trace.lines == other_trace.lines
    assert ears.segment == other_ears.segment
    assert np.array_equal(ears.recent().samples, other_ears.recent().samples)


@given(STRETCHES)
def test_no_sample_is_fed_twice_and_all_in_order(sound):
    _, log, _ = listen(sound)
    frames = log.frames()
    assert all(a.end <= b.start for a, b in itertools.pairwise(frames))


@given(STRETCHES)
def test_every_sample_of_speech_in_a_segment_is_fed(sound):
    _, log, trace = listen(sound)
    for line, (start, end) in zip(trace.named("speech"), log.spans(), strict=False):
        assert start <= line["start_s"] * RATE
        assert end >= line["end_s"] * RATE


def test_an_empty_frame_changes_nothing():
    ears, log, _ = listen(SPEECH)
    before = len(log.entries)
    ears.take(AudioFrame(np.zeros(0, np.float32), RATE, 0))
    assert len(log.entries) == before


def test_nothing_was_heard_before_the_first_step():
    ears, _, _ = listen(sound_of((False, 0.02)))
    recent = ears.recent()
    assert (len(recent.samples), recent.rate) == (0, RATE)


def test_recent_sound_is_the_newest_and_no_longer_than_its_limit():
    sound = sound_of((False, 12.0))
    ears, _, _ = listen(sound)
    recent = ears.recent()
    assert MEMORY_S <= recent.duration_s < MEMORY_S + STEP / RATE
    assert recent.end == len(sound) // STEP * STEP
    assert np.array_equal(recent.samples, sound[recent.start : recent.end])


def test_a_detector_keeps_its_state_from_step_to_step():
    class Counting(Detector):
        def step(self, state, samples):
            return state + 1, state / 10

    step = probabilities(Counting())
    silence = np.zeros(STEP, np.float32)
    assert [step(silence) for _ in range(3)] == [0.0, 0.1, 0.2]


def test_two_calls_of_one_detector_do_not_mix():
    class Counting(Detector):
        def step(self, state, samples):
            return state + 1, float(state)

    detector = Counting()
    one, other = probabilities(detector), probabilities(detector)
    silence = np.zeros(STEP, np.float32)
    assert [one(silence), one(silence), other(silence), one(silence)] == [0, 1, 0, 2]
