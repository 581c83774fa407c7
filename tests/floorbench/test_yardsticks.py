"""The rules of public yardsticks, on examples worked out by hand from their definitions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import ParleyError
from floorbench.activity import Span
from floorbench.yardsticks import eot_bench, eva, tau_voice
from floorbench.yardsticks.eot_bench import Label, Policy, Silence
from floorbench.yardsticks.tau_voice import Stretch, Talk
from floorbench.yardsticks.turnbench import Track, score_task

# --- eot-bench ------------------------------------------------------------------------------------


def hold(duration_s, *scores):
    return Silence(Label.HOLD, duration_s, scores)


def end(*scores, duration_s=4.0):
    return Silence(Label.END, duration_s, scores)


def point(silences, threshold, delay_s, timeout_s):
    points = eot_bench.sweep(silences, [threshold], [delay_s], [timeout_s])
    return points[0]


def test_a_score_fires_when_it_exceeds_the_threshold_and_not_when_it_equals_it():
    silence = hold(1.0, (0.1, 0.5), (0.2, 0.6))
    assert eot_bench.fire_s(silence, 0.4) == 0.1
    assert eot_bench.fire_s(silence, 0.5) == 0.2
    assert eot_bench.fire_s(silence, 0.6) == math.inf


def test_a_hold_is_cut_off_when_it_outlasts_the_score_the_delay_or_the_time_out():
    ends = [end((0.1, 0.9))]
    cases = [
        (hold(0.5, (0.1, 0.9)), 0.3, 1.0, 1.0),  # 0.5 s outlasts the delay of 0.3 s
        (hold(0.3, (0.1, 0.9)), 0.3, 1.0, 0.0),  # as long as the delay: not cut off
        (hold(0.5, (0.4, 0.9)), 0.2, 1.0, 1.0),  # the score comes at 0.4 s
        (hold(0.5, (0.5, 0.9)), 0.2, 1.0, 0.0),  # and at its very end
        (hold(1.2, (0.1, 0.2)), 0.2, 1.0, 1.0),  # never fires, but outlasts the time-out
        (hold(1.0, (0.1, 0.2)), 0.2, 1.0, 0.0),
    ]
    for silence, delay_s, timeout_s, cut in cases:
        assert point([silence, *ends], 0.5, delay_s, timeout_s).cutoff_rate == cut


def test_an_end_costs_the_later_of_score_and_delay_and_at_most_the_time_out():
    holds = [hold(0.3)]
    ends = [end((0.1, 0.9)), end((0.7, 0.9)), end((1.5, 0.9)), end((0.1, 0.1))]
    found = point([*holds, *ends], 0.5, 0.4, 1.0)
    assert found.mean_latency_s == pytest.approx((0.4 + 0.7 + 1.0 + 1.0) / 4)
    assert found.timeout_rate == 0.5


def test_holds_under_0_2_and_over_5_seconds_are_left_out():
    silences = [hold(0.19, (0.0, 1.0)), hold(5.01), hold(0.2), hold(5.0), end((0.1, 0.9))]
    assert point(silences, 0.5, 0.2, 3.5).cutoff_rate == 0.5  # of two, the one of 5 s


def test_a_time_out_shorter_than_the_delay_is_no_policy():
    silences = [hold(0.5), end((0.1, 0.9))]
    points = eot_bench.sweep(silences, [0.5], [0.2, 1.0], [0.5, 1.0])
    assert [p.policy for p in points] == [
        Policy(0.5, 0.2, 0.5), Policy(0.5, 0.2, 1.0), Policy(0.5, 1.0, 1.0),
    ]  # fmt: skip


def test_the_default_grid_is_the_published_one():
    points = eot_bench.sweep([hold(0.5), end((0.1, 0.9))])
    assert len(points) == 101 * 9 * 6
    assert {p.policy.action_delay_s for p in points} == {
        0.2,
        0.3,
        0.4,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
        1.0,
    }
    assert {p.policy.timeout_s for p in points} == {1.0, 1.5, 2.0, 2.5, 3.0, 3.5}


HOLDS = [hold(0.25 + 0.05 * i) for i in range(20)]  # 0.25 to 1.2 s


def test_silence_alone_buys_fewer_cut_offs_with_longer_waits():
    points = eot_bench.silence_only([*HOLDS, end()], [0.3, 0.6, 1.2])
    assert [(p.mean_latency_s, p.cutoff_rate) for p in points] == [(0.3, 0.9), (0.6, 0.6), (1.2, 0)]
    found = eot_bench.operating_points(eot_bench.silence_only([*HOLDS, end()]))
    assert found.cutoff_at_300ms == pytest.approx(0.9)
    assert found.cutoff_at_600ms == pytest.approx(0.6)
    assert found.latency_at_5_percent_s == pytest.approx(1.15)
    assert found.latency_at_10_percent_s == pytest.approx(1.1)


def test_a_detector_that_knows_has_no_cut_offs_at_the_smallest_delay():
    silences = [*(hold(s.duration_s, (0.1, 0.05)) for s in HOLDS), end((0.1, 0.95))]
    found = eot_bench.operating_points(eot_bench.sweep(silences))
    assert found.latency_at_5_percent_s == 0.2
    assert found.cutoff_at_300ms == 0.0


def test_a_budget_that_no_policy_reaches_has_no_figure():
    silences = [hold(4.0, (0.1, 0.9)), end((0.1, 0.0))]
    found = eot_bench.operating_points(eot_bench.sweep(silences))
    assert found.cutoff_at_300ms is None  # every wait is at least the time-out of 1 s …
    assert found.latency_at_5_percent_s is None  # … and every time-out cuts the hold off


def test_the_frontier_only_gets_better():
    silences = [*(hold(s.duration_s, (0.1, i / 20)) for i, s in enumerate(HOLDS)), end((0.3, 0.6))]
    best = eot_bench.frontier(eot_bench.sweep(silences))
    assert [p.mean_latency_s for p in best] == sorted(p.mean_latency_s for p in best)
    assert [p.cutoff_rate for p in best] == sorted((p.cutoff_rate for p in best), reverse=True)


def test_turns_without_holds_or_without_ends_are_refused():
    for silences in ([end()], [hold(0.5)], [hold(0.1), end()]):
        with pytest.raises(ParleyError, match="expected holds"):
            eot_bench.sweep(silences)


# --- TurnBench ------------------------------------------------------------------------------------


def task(events=(), traps=(), predicted=(), excluded=()):
    spans = [tuple(Span(a, b) for a, b in given) for given in (traps, excluded)]
    return score_task([Track(tuple(events), spans[0], tuple(predicted), spans[1])])


def counts(score):
    return score.found, score.missed, score.trapped, score.spared


@pytest.mark.parametrize(
    ("how", "expected", "latencies"),
    [
        ({"events": [2.0], "predicted": [2.2]}, (1, 0, 0, 0), [0.2]),
        ({"events": [2.0], "predicted": [1.8]}, (1, 0, 0, 0), [-0.2]),
        ({"events": [2.0], "predicted": [1.7]}, (0, 1, 0, 0), []),  # earlier than 0.25 s
        ({"events": [2.0], "predicted": [5.0]}, (1, 0, 0, 0), [3.0]),  # the deadline itself
        ({"events": [2.0], "predicted": [5.1]}, (0, 1, 0, 0), []),
        ({"traps": [(5.0, 6.0)], "predicted": [5.5]}, (0, 0, 1, 0), []),
        ({"traps": [(5.0, 6.0)], "predicted": [4.8]}, (0, 0, 1, 0), []),  # as early as for events
        ({"traps": [(5.0, 6.0)], "predicted": [4.7]}, (0, 0, 0, 1), []),
        ({"traps": [(5.0, 6.0)], "predicted": [6.5]}, (0, 0, 0, 1), []),
        ({"traps": [(5.0, 6.0)], "predicted": [5.1, 5.2, 5.3]}, (0, 0, 1, 0), []),  # once a span
        # found is never also a fault, nor is what lies in the window of an event
        ({"events": [3.0], "traps": [(2.0, 2.3)], "predicted": [3.1]}, (1, 0, 0, 1), [0.1]),
        ({"events": [2.0], "traps": [(2.5, 3.5)], "predicted": [2.1, 2.2, 2.6]}, (1, 0, 0, 1),
         [0.1]),
        # one prediction finds one event, and a window ends where the next event is
        ({"events": [2.0, 3.0], "predicted": [2.9]}, (1, 1, 0, 0), [0.9]),
        ({"events": [2.0, 3.0], "predicted": [3.1, 3.7]}, (1, 1, 0, 0), [0.1]),
        ({"events": [2.0, 10.0], "predicted": [4.5]}, (1, 1, 0, 0), [2.5]),
        ({"events": [2.0], "predicted": [2.2], "excluded": [(2.1, 2.3)]}, (0, 1, 0, 0), []),
    ],
)  # fmt: skip
def test_turnbench_counts_as_its_own_examples_do(how, expected, latencies):
    found = task(**how)
    assert counts(found) == expected
    assert list(found.latencies_s) == pytest.approx(latencies)


def test_turnbench_figures_over_several_tracks():
    tracks = [
        Track((2.0, 10.0), (Span(4.0, 5.0),), (2.2, 10.6)),
        Track((3.0,), (Span(6.0, 7.0), Span(8.0, 8.4)), (6.5,)),
    ]
    found = score_task(tracks)
    assert (found.recall, found.false_rate) == (2 / 3, 1 / 3)
    assert found.latency_s(50) == pytest.approx(0.4)
    assert not found.qualifies
    assert task(events=[2.0], traps=[(5.0, 6.0)], predicted=[2.1]).qualifies
    assert task().recall is task().false_rate is task().latency_s(50) is None


def test_turnbench_refuses_times_out_of_order():
    for predicted in ([3.0, 2.0], [2.0, 2.0]):
        with pytest.raises(ParleyError, match="strictly increasing"):
            task(events=[2.0], predicted=predicted)


@given(st.lists(st.floats(0, 100), unique=True, max_size=12).map(sorted))
def test_turnbench_gives_gold_its_own_full_marks(events):
    found = task(events=events, predicted=events)
    assert found.missed == 0
    assert list(found.latencies_s) == [0.0] * len(events)


# --- tau-voice ------------------------------------------------------------------------------------


def of(caller=(), agent=(), ticks=100):
    return tau_voice.panel([Talk(tuple(caller), tuple(Stretch(a, b) for a, b in agent), ticks)])


def test_a_response_is_the_agents_next_speech_before_the_callers():
    found = of([Stretch(0, 10), Stretch(40, 50), Stretch(60, 65)], [(14, 30), (70, 80)])
    # 10 → 14 is 0.8 s; 50: the caller speaks again first; 65 → 70 is 1.0 s
    assert found.response_latency_mean == pytest.approx(0.9)
    assert found.response_rate == pytest.approx(2 / 3)
    assert found.counts["response_total"] == 3


def test_a_last_turn_that_nobody_follows_is_left_out():
    found = of([Stretch(0, 10)], [])
    assert (found.response_rate, found.counts["response_total"]) == (None, 0)


def test_a_turn_that_ends_under_the_agents_speech_is_no_response_event():
    found = of([Stretch(10, 20), Stretch(30, 32)], [(5, 25), (40, 50)])
    assert found.counts["response_total"] == 1


@pytest.mark.parametrize(("stop", "latency"), [(11, 0.2), (19, 1.8), (20, None), (30, None)])
def test_an_interruption_is_yielded_to_within_ten_ticks(stop, latency):
    found = of([Stretch(10, 40)], [(0, stop)])
    assert found.yield_rate == (latency is not None)
    assert found.yield_latency_mean == (latency and pytest.approx(latency))


def test_an_agent_that_begins_while_the_caller_speaks_interrupts():
    found = of([Stretch(0, 10), Stretch(20, 30)], [(8, 12), (25, 27), (31, 33)])
    assert found.agent_interruption_rate == 2.0 / found.counts["response_total"]


@pytest.mark.parametrize(("stop", "right"), [(12, 0.0), (14, 0.0), (15, 1.0)])
def test_a_backchannel_must_be_talked_through_for_five_ticks(stop, right):
    label = tau_voice.Label.BACKCHANNEL
    assert of([Stretch(10, 12, label)], [(0, stop)]).selectivity_backchannel == right


@pytest.mark.parametrize(("onset", "right"), [(11, 0.0), (22, 0.0), (23, 1.0)])
def test_a_sound_in_silence_must_not_be_answered_within_ten_ticks(onset, right):
    for label, name in (
        (tau_voice.Label.TIC, "selectivity_vocal_tic"),
        (tau_voice.Label.NON_DIRECTED, "selectivity_non_directed"),
    ):
        found = of([Stretch(10, 12, label)], [(onset, onset + 5)])
        assert getattr(found, name) == right


def test_a_backchannel_in_silence_is_not_counted():
    found = of([Stretch(10, 12, tau_voice.Label.BACKCHANNEL)], [])
    assert found.counts["backchannel_total"] == 0


# --- EVA ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latency_ms", "plain", "tool"),
    [  # the table of its document
        (-500, 0.0, 0.0), (0, 0.5, 0.5), (200, 0.7, 0.7), (500, 1.0, 1.0), (2000, 1.0, 1.0),
        (2750, 0.5, 1.0), (3000, 1 / 3, 1.0), (3500, 0.0, 0.75), (4000, 0.0, 0.5), (5000, 0.0, 0.0),
    ],
)  # fmt: skip
def test_eva_latency_as_published(latency_ms, plain, tool):
    assert eva.latency_score(latency_ms) == pytest.approx(plain)
    assert eva.latency_score(latency_ms, with_tool=True) == pytest.approx(tool)


def test_eva_curves_as_published():
    assert [eva.overlap_score(ms) for ms in (0, 500, 1000, 2000)] == [0.5, 0.375, 0.25, 0.0]
    assert [eva.count_score(n) for n in (1, 2, 3, 4)] == [0.5, 0.25, 0.0, 0.0]
    assert [eva.yield_score(ms) for ms in (0, 600, 1000, 2500)] == pytest.approx([1, 0.7, 0.5, 0])


def spans(*pairs):
    return tuple(Span(a, b) for a, b in pairs)


def test_eva_turns_of_its_example():
    """Its document's example: latencies of 1.0 s, a cut-in of 200 ms, a yield after 100 ms."""
    turns = [
        eva.Turn(spans((0, 2)), spans((3.0, 5.0))),
        eva.Turn(spans((10, 12)), spans((14.5, 16)), with_tool=True),
        eva.Turn(spans((20, 22)), spans((21.0, 21.2), (23.0, 25.0)), agent_cut_in=True),
        eva.Turn(spans((30, 32)), spans((33, 34)), before=spans((27, 30.1)), caller_cut_in=True),
    ]
    assert [eva.turn_score(t) for t in turns] == pytest.approx([1.0, 1.0, 0.45, 0.95])
    assert eva.score(turns) == pytest.approx(0.85)


def test_eva_takes_the_worst_of_what_happened():
    many = eva.Turn(spans((0, 10)), spans((1, 1.1), (3, 3.1), (10.2, 12)), agent_cut_in=True)
    assert eva.turn_score(many) == 0.25  # two segments
    late = eva.Turn(spans((0, 2)), spans((1, 1.2), (12, 13)), agent_cut_in=True)
    assert eva.turn_score(late) == 0.0  # then 10 s of nothing
    through = eva.Turn(spans((0, 2)), spans((1, 4)), agent_cut_in=True)
    assert eva.turn_score(through) == 0.25  # 1 s of overlap; no silence to measure
    both = eva.Turn(
        spans((0, 2)), spans((1.8, 4)), spans((-3, 1.6)), agent_cut_in=True, caller_cut_in=True
    )
    assert eva.turn_score(both) == pytest.approx(0.2)  # it talked on for 1.6 s


def test_eva_leaves_out_turns_that_one_side_did_not_speak_in():
    assert eva.score([eva.Turn(spans((0, 2)), ())]) is None
