"""How much a far loudspeaker has played, by our clock and its reports."""

from pytest import approx, mark

from audio_io.asterisk.marked_clock import MarkedClock

RATE = 8000
FRAME_S = 0.02


def an_hour(ppm, network_s=0.0):
    """An hour of frames, each handed over when 20 ms wait, to a clock that is `ppm` faster, with
    reports that take `network_s` each way; how much waited there, least and most, in seconds."""
    clock, marks, answers = MarkedClock(RATE), [], []
    now, dry_at, least_s, most_s = 0.0, 0.0, 1.0, 0.0
    for frame in range(1, 50 * 3600):
        until = clock.put(160, now)
        arrived = now + network_s
        least_s = min(least_s, dry_at - arrived) if frame > 3 else least_s
        dry_at = max(dry_at, arrived) + FRAME_S / (1 + ppm / 1e6)  # the truth
        most_s = max(most_s, dry_at - arrived)
        if frame % 5 == 0:
            marks.append((dry_at + network_s, frame * 160))
            clock.ask(now)
            answers.append((arrived + network_s, int((dry_at - arrived) / FRAME_S)))
        now = max(now, until - 0.02)
        while marks and marks[0][0] <= now:
            clock.mark(marks.pop(0)[1], now)
        while answers and answers[0][0] <= now:
            clock.waited(answers.pop(0)[1] * 160)
    return least_s, most_s


@mark.parametrize("ppm", [0, 50, -50, 500, -500])
@mark.parametrize("network_s", [0.0, 0.03])
def test_over_an_hour_with_another_clock_the_far_side_neither_runs_dry_nor_fills_up(ppm, network_s):
    least_s, most_s = an_hour(ppm, network_s)
    assert least_s > -0.001
    assert most_s < 0.07


def test_a_mark_proves_what_is_out_at_once():
    clock = MarkedClock(RATE)
    clock.put(1600, 0.0)
    clock.mark(800, 0.05)
    assert clock.played(0.05) == 800  # although 400 were due


def test_what_waited_proves_what_is_not_out_yet():
    clock = MarkedClock(RATE)
    clock.put(320, 0.0)
    clock.ask(0.01)
    clock.put(160, 0.02)
    clock.waited(480)  # more than was handed over: nonsense
    assert clock.pending_s(0.02) == approx(0.04)
    clock.ask(0.03)
    clock.waited(480)
    assert clock.pending_s(0.03) == approx(0.06)  # it was dry when it came there


def test_an_answer_that_was_not_asked_for_says_nothing():
    clock = MarkedClock(RATE)
    clock.put(160, 0.0)
    clock.waited(160)
    assert clock.pending_s(0.0) == approx(0.02)


def test_reports_of_what_was_flushed_or_never_sent_say_nothing():
    clock = MarkedClock(RATE)
    clock.put(1600, 0.0)
    clock.ask(0.0)
    clock.flush(0.05)
    clock.put(1600, 0.05)
    clock.waited(1600)
    clock.mark(800, 0.06)
    clock.mark(9999, 0.06)
    assert clock.played(0.06) == 1600 + 80


def test_questions_that_are_never_answered_do_not_pile_up():
    clock = MarkedClock(RATE)
    for number in range(1000):
        clock.put(160, number * FRAME_S)
        clock.ask(number * FRAME_S)
    for _ in range(1000):
        clock.waited(0)
    assert clock.pending_s(20.0) == 0.0
