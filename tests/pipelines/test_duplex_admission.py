"""Who may come in: what steps will take with one call more, and what the others are told."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from agent.core.duplex import Seats
from pipelines.duplex.admission import ASKED, Admission
from pipelines.duplex.step_times import FORGOTTEN_S, GROWTH, KEPT, LEAST, SIZES, StepTimes

FRAME_S = 0.08


def measured(**by_batch):
    """Times of steps in milliseconds, by batch: `b1=10` is 100 steps of 10 ms, up to now."""
    steps = StepTimes()
    for name, took_ms in by_batch.items():
        for number in range(-99, 1):
            steps.add(int(name[1:]), took_ms / 1000, number * FRAME_S)
    return steps


def test_nothing_is_predicted_before_anything_was_measured():
    steps = StepTimes()
    assert steps.predicted_s(3, 0.0) is None
    for number in range(1 - LEAST, 0):
        steps.add(1, 0.01, number * FRAME_S)
    assert steps.predicted_s(1, 0.0) is None


def test_a_size_that_was_measured_is_its_own_99th_percentile():
    steps = StepTimes()
    for number in range(200):
        took_s = 0.5 if number < 2 else 0.02 + number * 1e-5
        steps.add(4, took_s, (number - 200) * FRAME_S)
    assert steps.predicted_s(4, 0.0) == approx(0.5)
    assert steps.quantile_s(4, 0.5, 0.0) == approx(0.021, abs=0.0005)


def test_beyond_two_sizes_it_is_the_line_through_them():
    assert measured(b1=10, b2=12).predicted_s(8, 0.0) == approx(0.024)
    assert measured(b1=10, b5=18).predicted_s(3, 0.0) == approx(0.014)
    assert measured(b1=10, b4=40, b5=41).predicted_s(8, 0.0) == approx(0.044)


def test_one_size_alone_grows_with_care():
    assert measured(b2=20).predicted_s(4, 0.0) == approx(0.02 * (1 + GROWTH))
    assert measured(b2=20).predicted_s(1, 0.0) == approx(0.02)


def test_more_calls_never_cost_less_than_fewer():
    assert measured(b1=10, b2=30, b3=20).predicted_s(4, 0.0) == approx(0.03)


def test_what_was_measured_long_ago_is_forgotten():
    steps = measured(b1=90)
    assert steps.predicted_s(1, FORGOTTEN_S - 10) == approx(0.09)
    assert steps.predicted_s(1, FORGOTTEN_S + 1) is None


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1)), max_size=300))
def test_it_is_bounded_and_never_negative(taken):
    steps = StepTimes()
    for batch, took_s in taken:
        steps.add(batch, took_s, 0.0)
        for number in range(30):
            steps.add(1, took_s, (number - 30) * FRAME_S)
    for batch in (1, 2, 50):
        predicted_s = steps.predicted_s(batch, 0.0)
        assert predicted_s is None or predicted_s >= 0
    assert len(steps._steps) <= SIZES
    assert all(len(kept) <= KEPT for kept in steps._steps.values())


def test_a_step_that_many_calls_shared_is_one_step():
    # One in 150 is long: that is beyond the 99th of 100, and is remembered for 41 s.
    steps = StepTimes()
    for number in range(150):
        took_s = 0.2 if number == 49 else 0.03 + number * 1e-6
        for call in range(32):
            steps.add(32, took_s, number * FRAME_S + call * 1e-4)
        if number < LEAST - 1:
            assert steps.predicted_s(32, number * FRAME_S) is None
    assert steps.predicted_s(32, 150 * FRAME_S) == approx(0.03, abs=0.001)
    assert steps.quantile_s(32, 0.995, 150 * FRAME_S) == 0.2


# --- the door -----------------------------------------------------------------------------------


def test_a_call_comes_in_while_the_predicted_step_is_under_the_deadline():
    door = Admission(measured(b1=11, b2=21, b3=31), 0.07)
    assert door.full(Seats(5, 32), 0.0) is None
    full = door.full(Seats(6, 32), 0.0)
    assert "expected steps under 70 ms with one call more, predicted 71 ms" in full.message


def test_an_idle_model_takes_a_call_whatever_was_measured():
    door = Admission(measured(b1=500), 0.07)
    assert door.full(Seats(0, 8), 0.0) is None
    assert door.full(Seats(1, 8), 0.0) is not None


def test_a_batch_of_a_fixed_size_costs_the_same_with_one_call_more():
    door = Admission(measured(b32=60), 0.07)
    assert door.full(Seats(20, 32, next_batch=32), 0.0) is None


def test_all_seats_taken_and_no_model_are_said_in_words():
    door = Admission(StepTimes(), 0.07)
    assert "all 8 taken" in door.full(Seats(8, 8), 0.0).message
    assert "found none" in door.full(Seats(0, 0), 0.0).message


def test_who_is_refused_is_told_their_place_and_when_to_ask_again():
    door = Admission(StepTimes(), 0.07)
    fulls = [door.full(Seats(32, 32), 0.0) for _ in range(3)]
    assert [full.place for full in fulls] == [1, 2, 3]
    assert "you are number 3 in the queue, try again in 17 s" in fulls[2].message
    assert fulls[2].retry_s == 17
    assert door.full(Seats(32, 32), 1000.0).place == 1  # those before have had their time


def test_the_wait_is_reckoned_from_the_calls_that_ended():
    door = Admission(StepTimes(), 0.07)
    for _ in range(100):
        door.ended(16.0)
    assert door.full(Seats(2, 2), 0.0).retry_s == 8


def test_a_crowd_is_remembered_only_so_far():
    door = Admission(StepTimes(), 0.07)
    for _ in range(1000):
        last = door.full(Seats(2, 2), 0.0)
    assert last.place == ASKED + 1
    assert last.retry_s == 60
