"""From events to figures: shares, percentiles, intervals, amounts, the joint score, all by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbench.activity import Span
from floorbench.recording import Recording
from floorbench.score.figure import Better, Kind
from floorbench.score.intervals import (
    bootstrap,
    bootstrap_difference,
    mean,
    newcombe,
    paired_shares,
    percentile_of,
    wilson,
)
from floorbench.score.joint import product
from floorbench.score.matched import CurvePoint, matched_point
from floorbench.score.outcome import EventResult, Measure, Outcome, SessionResult, State
from floorbench.score.run import score
from floorbench.score.session import score_session
from floorbench.score.summary import behind, summary
from floorbench.session import RATE, Expect, Session
from tests.support.floor import Stage, ignored, interruption, results, session, turn


def happened(figures, id_="e", scenario="S1", **params):
    return EventResult(
        id_, "s", scenario, "turn", Expect.REPLY, 0.0, 1.0, Outcome.REPLIED, figures, "", params
    )


def named(events=(), sessions=(), seed=1):
    return {f.name: f for f in summary(list(events), list(sessions), seed)}


def gaps(*values_s):
    return [happened({"gap_s": g, "missed": 0.0}, id_=str(i)) for i, g in enumerate(values_s)]


# --- shares and percentiles -----------------------------------------------------------------------


def test_percentiles_are_signed_and_interpolated():
    found = named([*gaps(-0.2, 0.3, 0.5, 0.9, 1.5), happened({"missed": 1.0})])
    assert found["gap.p50"].value == 0.5
    assert found["gap.p90"].value == pytest.approx(1.26)
    assert found["gap.p95"].value == pytest.approx(1.38)
    assert found["gap.p99"].value == pytest.approx(1.476)
    assert found["gap.mean"].value == pytest.approx(0.6)
    assert (found["gap.p50"].n, found["gap.p50"].missed) == (5, 1)


def test_a_share_comes_with_its_n_its_interval_and_what_it_was_bought_with():
    found = named([*gaps(0.4, 0.6, 0.8), happened({"missed": 1.0})])["missed"]
    assert (found.value, found.n, found.kind, found.better) == (0.25, 4, Kind.SHARE, Better.LOWER)
    assert (found.low, found.high) == pytest.approx((0.0456, 0.6994), abs=1e-4)
    assert (found.bought_with, found.bought_value) == ("gap.p50", 0.6)


def test_a_delay_names_the_share_it_was_bought_with():
    found = named([*gaps(0.4), happened({"premature_pause": 1.0, "pause_s": 0.5})])
    assert (found["gap.p50"].bought_with, found["gap.p50"].bought_value) == ("premature.pause", 1)


def test_what_was_not_counted_has_no_value_and_no_interval():
    found = named()
    assert {f.value for f in found.values()} == {None}
    assert (found["missed"].low, found["missed"].n) == (None, 0)


def test_enough_is_two_hundred_for_a_share_and_a_hundred_for_a_delay():
    assert not named(gaps(*[0.5] * 99))["gap.p50"].enough
    found = named(gaps(*[0.5] * 100))
    assert found["gap.p50"].enough
    assert not found["missed"].enough
    assert named(gaps(*[0.5] * 200))["missed"].enough


def test_pauses_are_counted_by_the_length_that_was_meant():
    events = [
        happened({"premature_pause": 1.0, "pause_s": 0.48}, pause_s=0.5),
        happened({"premature_pause": 0.0, "pause_s": 0.53}, pause_s=0.5),
        happened({"premature_pause": 0.0, "pause_s": 2.04}),
    ]
    found = named(events)
    assert found["premature.pause"].value == pytest.approx(1 / 3, abs=1e-6)
    assert found["premature.pause.0.5s"].value == 0.5
    assert (found["premature.pause.2.0s"].value, found["premature.pause.2.0s"].n) == (0.0, 1)
    assert behind("premature.pause.0.5s", "premature_pause", events) == events[:2]
    assert behind("premature.pause", "premature_pause", events) == events


def test_the_mean_stop_takes_those_that_did_not_yield_as_two_seconds():
    events = [
        happened({"stop_s": 0.4, "stop_of_all_s": 0.4, "yield_2s": 1.0}),
        happened({"stop_of_all_s": 2.0, "yield_2s": 0.0}),
    ]
    found = named(events)
    assert found["stop.mean_of_all"].value == pytest.approx(1.2)
    assert (found["stop.p50"].value, found["stop.p50"].n, found["stop.p50"].missed) == (0.4, 1, 1)


def test_every_figure_has_a_name_of_its_own():
    names = [f.name for f in summary([], [])]
    assert len(names) == len(set(names))


@given(st.lists(st.floats(-2, 5), min_size=1, max_size=40))
def test_an_interval_holds_the_range_it_was_drawn_from(values):
    low, high = bootstrap(values, percentile_of(50), 3)
    assert min(values) <= low <= high <= max(values)


# --- intervals ------------------------------------------------------------------------------------


def test_wilson_as_in_the_tables():
    assert wilson(0, 60) == pytest.approx((0.0, 0.0602), abs=1e-4)  # "no fault in 60 events"
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert wilson(5, 5)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_own_interval(counted):
    low, high = wilson(*counted)
    assert 0 <= low <= counted[0] / counted[1] <= high <= 1


def test_newcombe_as_published():
    low, high = newcombe((48, 80), (56, 70))  # Newcombe 1998 (part II), table II: 56/70 - 48/80
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_paired_shares_see_what_unpaired_ones_do_not():
    before = [True] * 30 + [False] * 10
    after = [True] * 40
    low, high = paired_shares(before, after)
    assert 0 < low < 0.25 < high
    assert paired_shares(before, before)[0] < 0 < paired_shares(before, before)[1]
    assert paired_shares([False] * 3, [True] * 3)[0] < 0  # three events prove nothing


def test_a_bootstrap_is_the_same_for_the_same_seed_and_holds_the_mean():
    values = list(np.linspace(0.2, 1.0, 50))
    first = bootstrap(values, mean, 5)
    assert first == bootstrap(values, mean, 5) != bootstrap(values, mean, 6)
    assert first[0] < 0.6 < first[1]
    assert first[1] - first[0] == pytest.approx(2 * 1.96 * np.std(values) / 50**0.5, rel=0.1)


def test_a_paired_bootstrap_finds_a_constant_shift_and_an_unpaired_one_doubts_it():
    before = list(np.linspace(0.2, 2.0, 30))
    after = [v + 0.05 for v in before]
    paired = bootstrap_difference(before, after, mean, 1, paired=True)
    assert paired == pytest.approx((0.05, 0.05))
    low, high = bootstrap_difference(before, after, mean, 1, paired=False)
    assert low < 0 < high


# --- amounts --------------------------------------------------------------------------------------


def amounts(events, agent, **how):
    return results(events, agent, **how)[1].amounts


def test_talk_over_belongs_to_whoever_came_in_second():
    events = [turn((1.0, 3.0)), interruption(6.0, 7.0), ignored("backchannel", 10.0, 10.4)]
    found = amounts(events, [(2.7, 4.5), (5.0, 6.5), (9.0, 12.0)])
    assert found["both_by_agent_s"] == pytest.approx(0.3)
    assert found["both_by_caller_s"] == pytest.approx(0.5)
    assert found["both_backchannel_s"] == pytest.approx(0.4)
    per_minute = named([], [SessionResult("s", "S1", State.SCORED, 20.0, (), found)])
    assert per_minute["talk_over.caller"].value == pytest.approx(1.5)  # 0.5 s in 20 s


def test_the_agents_sounds_of_listening_are_apart_too():
    found = amounts([turn((1.0, 4.0))], [(2.0, 2.4), (4.5, 6.0)])
    assert (found["both_by_agent_s"], found["both_backchannel_s"]) == (0, pytest.approx(0.4))


def test_noise_and_side_talk_are_nobody_the_agent_talks_over():
    found = amounts([ignored("noise", 3.0, 4.0)], [(2.0, 6.0)])
    assert found["both_by_caller_s"] == found["both_by_agent_s"] == 0


def cut_out(*cuts, noise_db=None):
    stage = Stage("S1")
    stage.say(1.0, 4.0)
    stage.say(5.0, 7.0)
    stage.cuts += [Span(a, b) for a, b in cuts]
    return score_session(stage.session(1, noise_db)).session.amounts["underrun_s"]


def test_a_cut_in_the_agents_sound_is_measured_to_the_sample():
    assert cut_out() == 0.0
    assert cut_out((2.0, 2.02)) == pytest.approx(0.02, abs=2 / RATE)
    assert cut_out((2.0033, 2.0351), (5.5, 5.6)) == pytest.approx(0.1318, abs=4 / RATE)


def test_a_voice_that_dies_away_before_a_gap_is_not_cut():
    rng = np.random.default_rng(2)
    sound = rng.standard_normal(3 * RATE).astype(np.float32) * np.float32(0.1)
    gap = slice(RATE, RATE + 800)
    sound[gap] = 0.0
    assert of_sound(sound) == pytest.approx(0.05, abs=2 / RATE)
    fade = np.linspace(1, 0, 400, dtype=np.float32) ** 2
    sound[gap.start - 400 : gap.start] *= fade
    assert of_sound(sound) == 0.0


def of_sound(agent):
    made = session([], [], duration_s=len(agent) / RATE)
    quiet = Session("s", "S1", Recording(made.recording.caller, agent, RATE), ())
    return score_session(quiet).session.amounts["underrun_s"]


def test_an_agent_that_takes_a_pause_talks_over_the_rest_of_the_turn():
    found = amounts([turn((1.0, 2.0), (3.0, 4.0))], [(2.3, 3.6)])
    assert found["both_by_agent_s"] == pytest.approx(0.6)
    assert found["both_by_caller_s"] == 0


def test_the_silence_between_two_episodes_is_no_cut():
    assert cut_out((3.9, 5.1)) == 0.0


def test_stops_away_from_events_are_counted_per_minute_of_speech():
    echo = session([interruption(3.0, 4.0)], [(1.0, 3.5), (8.0, 11.0), (12.0, 15.0)], scenario="S9")
    calm = session([], [(1.0, 7.0)], scenario="S1")
    found = {f.name: f for f in score([echo, calm]).figures}
    # 2 of 3 ends lie away from the interruption and the 2 s after it; so do 2 + 3 + 3 s of speech
    assert found["self_interruption"].value == pytest.approx(60 * 2 / 8.0)
    assert found["self_interruption.usual"].value == pytest.approx(60 * 1 / 6.0)


def test_what_echo_changes_is_a_difference_between_scenarios():
    def yielded(scenario, *shares):
        return [
            happened({"yield_2s": float(s), "stop_s": 0.5 + 0.1 * (scenario == "S9")},
                     id_=f"{scenario}{i}", scenario=scenario)
            for i, s in enumerate(shares)
        ]  # fmt: skip

    found = named([*yielded("S4", 1, 1, 1, 0), *yielded("S9", 1, 0, 0, 0)])
    assert found["echo.yield"].value == -0.5
    assert found["echo.yield"].low < -0.5 < found["echo.yield"].high
    assert found["echo.stop.p50"].value == pytest.approx(0.1)
    assert found["echo.S_BC"].value is None


# --- the joint score ------------------------------------------------------------------------------

PARTS = {
    "yield": 0.9, "S_BC": 0.8, "S_VT": 1.0, "S_ND": 0.6, "S_NOISE": 1.0,
    "premature.pause": 0.05, "missed": 0.02,
}  # fmt: skip


def test_the_joint_score_is_a_product():
    assert product(PARTS) == pytest.approx(0.9 * 0.85 * 0.95 * 0.98)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_of_the_joint_score_counts_in_its_own_direction(name):
    better = {**PARTS, name: PARTS[name] + (-0.01 if name in ("premature.pause", "missed") else 0)}
    worse = {**PARTS, name: PARTS[name] + (0.02 if name in ("premature.pause", "missed") else -0.1)}
    assert product(worse) < product(PARTS) <= product(better)


EVERY_PART = {
    "yield_2s": 1.0, "kept_bc": 1.0, "kept_vt": 1.0, "kept_nd": 1.0, "kept_noise": 1.0,
    "premature_pause": 0.0, "pause_s": 1.0, "missed": 0.0,
}  # fmt: skip


def test_a_part_that_was_not_measured_leaves_no_joint_score():
    assert named([happened(EVERY_PART)])["joint"].value == 1.0
    without = {k: v for k, v in EVERY_PART.items() if k != "kept_vt"}
    found = named([happened(without)])["joint"]
    assert found.value is None
    assert found.note == "not measured: S_VT"


# --- the matched point ----------------------------------------------------------------------------


def test_the_matched_point_is_the_best_that_was_measured():
    curve = [
        CurvePoint("0.2 s", 0.25, 0.40),
        CurvePoint("0.4 s", 0.45, 0.20),
        CurvePoint("0.5 s", 0.55, 0.25),
        CurvePoint("0.8 s", 0.85, 0.05),
        CurvePoint("1.2 s", 1.25, 0.01),
    ]
    found = matched_point(curve)
    assert (found.gap_s, found.premature_300ms, found.premature_600ms) == (0.85, 0.40, 0.20)
    assert [p.setting for p in found.frontier] == ["0.2 s", "0.4 s", "0.8 s", "1.2 s"]


def test_a_budget_that_no_setting_reaches_has_no_figure():
    found = matched_point([CurvePoint("slow", 0.9, 0.2)])
    assert (found.gap_s, found.premature_300ms, found.premature_600ms) == (None, None, None)
    assert matched_point([]).frontier == ()


# --- a whole run ----------------------------------------------------------------------------------


def test_sessions_are_taken_one_at_a_time():
    alive = []

    def made():
        for _ in range(3):
            alive.append(1)
            assert len(alive) == 1
            yield session([turn((1.0, 3.0))], [(3.5, 6.0)])
            alive.pop()

    found = score(made())
    assert {f.name: f.n for f in found.figures}["gap.p50"] == 3


def test_scenarios_are_told_apart_and_in_order():
    made = [session([turn((1.0, 3.0))], [(3.5, 6.0)], scenario=s) for s in ("S10", "S2", "S1")]
    found = score(made).scenarios
    assert list(found) == ["S1", "S2", "S10"]
    assert {f.name: f.n for f in found["S2"]}["gap.p50"] == 1


def test_every_measure_of_an_event_belongs_to_a_figure_or_explains_one():
    measures = {f.measure for f in summary([happened(EVERY_PART)], [])}
    unseen = {Measure.FIRST_SOUND, Measure.PAUSE}
    assert {m for m in Measure if m not in measures} == unseen
