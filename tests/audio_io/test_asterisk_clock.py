"""How much a far loudspeaker has played, by our clock and its marks."""

from pytest import approx, mark

from audio_io.asterisk.marked_clock import NETWORK_S, MarkedClock

RATE = 8000


def an_hour(ppm, network_s=0.0):
    """An hour of frames, each handed over when 40 ms wait, to a clock that is `ppm` faster, with
    marks that take `network_s` to come back; how much waited there, least and most, in seconds."""
    clock, marks = MarkedClock(RATE), []
    now, dry_at, least_s, most_s = 0.0, 0.0, 1.0, 0.0
    for frame in range(1, 50 * 3600):
        until = clock.put(160, now)
        least_s = min(least_s, dry_at - now) if frame > 3 else least_s
        dry_at = max(dry_at, now) + 0.02 / (1 + ppm / 1e6)  # the truth
        most_s = max(most_s, dry_at - now)
        if frame % 5 == 0:
            marks.append((dry_at + network_s, frame * 160))
        now = max(now, until - 0.04)
        while marks and marks[0][0] <= now:
            arrived, samples = marks.pop(0)
            clock.mark(samples, arrived)
    return least_s, most_s


@mark.parametrize("ppm", [0, 50, -50, 500, -500])
@mark.parametrize("network_s", [0.0, 0.03])
def test_over_an_hour_with_another_clock_the_far_side_neither_runs_dry_nor_fills_up(ppm, network_s):
    least_s, most_s = an_hour(ppm, network_s)
    assert least_s > 0.005
    assert most_s < 0.06 + NETWORK_S + 0.005


def test_a_mark_proves_what_is_out_at_once():
    clock = MarkedClock(RATE)
    clock.put(1600, 0.0)
    clock.mark(800, 0.05)
    assert clock.played(0.05) == 800  # although 400 were due


def test_a_mark_that_comes_late_moves_nothing_and_one_far_too_late_a_little():
    clock = MarkedClock(RATE)
    clock.put(4000, 0.0)
    clock.mark(400, 0.15)
    assert clock.put(0, 0.1) == approx(0.5)
    clock.mark(800, 0.21)
    assert clock.put(0, 0.1) == approx(0.501)


def test_marks_of_what_was_flushed_or_never_sent_say_nothing():
    clock = MarkedClock(RATE)
    clock.put(1600, 0.0)
    clock.flush(0.05)
    clock.put(1600, 0.05)
    clock.mark(800, 0.06)
    clock.mark(9999, 0.06)
    assert clock.played(0.06) == 1600 + 80
