"""The beat is steady, forgives a little and skips after a stall."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark, raises

from audio_io.pacing import Pacer, PlayoutClock, position


def test_frames_are_due_one_period_apart_from_the_first_question():
    pacer, due = Pacer(0.02), []
    for _ in range(4):
        due.append(pacer.due(5.0))
        pacer.sent(due[-1])
    assert due == approx([5.0, 5.02, 5.04, 5.06])
    assert (pacer.late, pacer.worst_late_s) == (0, approx(0))


def test_the_beat_does_not_drift_in_an_hour():
    pacer = Pacer(0.02)
    pacer.due(1.0)
    for _ in range(180_000):
        pacer.sent(pacer.due(0.0) + 0.003)
    assert pacer.due(0.0) == approx(3601.0, abs=1e-6)
    assert pacer.shifted_s == 0


def test_a_lead_lets_the_first_frames_out_together():
    pacer, now = Pacer(0.02, lead_s=0.04), 10.0
    for _ in range(3):
        assert pacer.due(now) <= now
        pacer.sent(now)
    assert pacer.due(now) == approx(10.02)


def test_a_late_frame_inside_the_lead_moves_nothing_and_is_not_counted():
    pacer = Pacer(0.02, lead_s=0.04)
    pacer.due(0.0)
    pacer.sent(0.0)
    pacer.sent(0.0)
    pacer.sent(0.039)
    assert pacer.late == 0
    assert pacer.due(0.039) == approx(0.02)


def test_after_a_stall_the_beat_starts_anew_without_a_burst():
    pacer = Pacer(0.02)
    pacer.due(0.0)
    pacer.sent(0.0)
    pacer.sent(2.0)
    assert pacer.due(2.0) == approx(2.02)
    assert (pacer.late, pacer.shifted_s, pacer.worst_late_s) == (1, approx(1.98), approx(1.98))


def test_after_a_stall_a_lead_is_built_up_again_and_no_more():
    pacer = Pacer(0.02, lead_s=0.04)
    pacer.due(0.0)
    pacer.sent(0.0)
    sent_at_once = sum(1 for _ in itertools.takewhile(lambda _: _send(pacer, 5.0), range(100)))
    assert sent_at_once == 3


def _send(pacer, now):
    if pacer.due(now) > now + 1e-9:
        return False
    pacer.sent(now)
    return True


def test_lateness_below_the_stall_is_caught_up():
    pacer = Pacer(0.02, stall_s=0.5)
    pacer.due(0.0)
    pacer.sent(0.0)
    pacer.sent(0.3)
    assert (pacer.late, pacer.shifted_s) == (1, 0)
    assert pacer.due(0.3) == approx(0.04)


@mark.parametrize(("period_s", "lead_s"), [(0.0, 0.0), (-1.0, 0.0), (0.02, -0.1)])
def test_a_beat_that_cannot_be_is_refused(period_s, lead_s):
    with raises(ValueError, match="expected period_s > 0"):
        Pacer(period_s, lead_s)


def test_sound_handed_over_plays_at_its_rate():
    clock = PlayoutClock(16000)
    assert clock.put(320, 1.0) == approx(1.02)
    assert [clock.played(t) for t in (1.0, 1.01, 1.02, 9.0)] == [0, 160, 320, 320]


def test_a_loudspeaker_that_ran_dry_goes_on_from_now():
    clock = PlayoutClock(16000)
    clock.put(320, 0.0)
    assert clock.put(320, 5.0) == approx(5.02)
    assert clock.gaps == 1
    assert clock.played(5.01) == 480


def test_flushed_sound_counts_as_played():
    clock = PlayoutClock(16000)
    clock.put(960, 0.0)
    clock.flush(0.01)
    assert clock.played(0.01) == 960
    assert clock.pending_s(0.01) == 0
    assert clock.put(320, 0.01) == approx(0.03)


@given(st.lists(st.tuples(st.floats(0, 0.1), st.integers(0, 2000), st.booleans()), max_size=40))
def test_played_never_runs_back_and_never_exceeds_what_was_handed_over(steps):
    clock, now, last = PlayoutClock(16000), 0.0, 0
    for pause_s, samples, flush in steps:
        now += pause_s
        if flush:
            clock.flush(now)
        clock.put(samples, now)
        assert last <= clock.played(now) <= clock.handed
        last = clock.played(now)


def test_a_position_forgives_the_rounding_of_float_seconds():
    assert position(0.1 + 0.2 - 0.3 + 0.02 - 1e-12, 16000) == 320
