"""How a pause really ended, by the plan of the call: the trace alone can be wrong about it."""

import json

from pytest import approx, mark

from agent.core.events import SpeechEnded, SpeechStarted
from floorbench.activity import Span
from floorbench.baselines import ONCE, beside, curve_of
from floorbench.caller import Held
from floorbench.pauses import Pause, Told
from floorbench.recording import Recording
from floorbench.session import RATE, CallerEvent, Expect, Session
from floorbench.session_files import SESSIONS, write_session
from floorbench.sweep import recorded, sweep, to_json, to_text
from floorbench.truth import by_events
from tests.support.recordings import answered, in_order, line, sounding, spoken, told

TURNS = {"pause_min_s": 0.1, "pause_max_s": 1.1, "prior": 0.5}

# "a table" until 2.0 s, "for four" from 2.6 to 3.5 s; the agent takes the first pause at 2.4 s and
# is heard at 2.5 s, and the caller goes on only 0.3 s after that: the trace takes it for an end.
CUT = in_order(
    [line(0.0, "call", version=1, turns=TURNS)],
    spoken(1, 1.0, 2.0, "a table"),
    answered(1, "a table", 2.4, 2.45, 3.0, "Yes.", heard=""),
    [told(2.9, "SpeechStarted", segment=2)],
    [told(3.7, "SpeechEnded", segment=2)],
    [line(3.7, "speech", segment=2, start_s=2.8, end_s=3.5)],
    [told(3.8, "Transcript", segment=2, stable="for four", unstable="", final=True)],
    answered(2, "for four", 4.2, 4.25, 6.0, "Yes."),
    [line(7.0, "end", reason="hung_up")],
)


def happened(kind, expect, *parts, id_="1"):
    spans = tuple(Span(a, b) for a, b in parts)
    return CallerEvent(id_, kind, spans[0].start_s, spans[-1].end_s, spans, expect)


TURN = happened("turn", Expect.REPLY, (1.0, 2.0), (2.8, 3.5))


def paused(quiet_s, gone_on_s=None):
    before = (Told(quiet_s - 0.8, SpeechStarted(1)), Told(quiet_s + 0.1, SpeechEnded(1)))
    return Pause(1, before, (), quiet_s, gone_on_s)


def write(folder, lines, events, name="S2-000"):
    ends = [(part.start_s, part.end_s) for event in events for part in event.parts]
    both = Recording(sounding(ends, 8.0), sounding([(4.3, 6.0)], 8.0), RATE)
    session = Session(name, "S2", both, tuple(events))
    write_session(folder / SESSIONS / name, Held(session, trace=lines))
    return folder


@mark.parametrize(
    ("pause", "gone_on_s"),
    [
        (paused(2.03), 2.8),  # nobody heard them go on, but they did
        (paused(1.96, 2.9), 2.9),  # the machine's own time, where it heard them
        (paused(3.48), None),
        (paused(3.55, 4.0), None),  # what came then was no part of the turn
        (paused(3.2, 3.4), 3.4),  # a dip inside a part, as the detector hears it
    ],
)
def test_a_pause_ends_as_it_was_planned(pause, gone_on_s):
    (found,) = by_events([pause], [TURN])
    assert found.gone_on_s == gone_on_s
    assert found.quiet_s == (3.5 if gone_on_s is None else pause.quiet_s)


def test_what_is_no_turns_pause_and_a_second_silence_after_a_turn_are_left_out():
    cough = happened("noise", Expect.IGNORE, (6.0, 6.4), id_="2")
    found = by_events([paused(3.5, 3.6), paused(3.9), paused(6.4)], [TURN, cough])
    assert [pause.quiet_s for pause in found] == [3.5]


def test_a_pause_belongs_to_the_last_turn_that_had_begun():
    then = happened("turn", Expect.REPLY, (3.7, 4.5), id_="2")
    assert [p.turn for p in by_events([paused(3.5), paused(4.5)], [TURN, then])] == [0, 1]


def test_a_cut_that_a_trace_takes_for_an_answer_is_premature_by_the_plan(tmp_path):
    with_plan = write(tmp_path / "a", CUT, [TURN])
    alone = write(tmp_path / "b", CUT, [TURN])
    (alone / SESSIONS / "S2-000" / "events.json").unlink()
    spec = "turns.pause_max_s=0.3..1.5:2"
    (quick, slow), (blind, _) = (sweep([f], spec).points for f in (with_plan, alone))
    assert (quick.holds, quick.premature, slow.premature, quick.ends) == (1, 1, 0, 1)
    assert (blind.holds, blind.premature, blind.ends) == (0, 0, 2)


def test_it_says_how_the_truth_is_known(tmp_path):
    curve = sweep([write(tmp_path, CUT, [TURN])], "turns.pause_max_s=1.1")
    assert curve.planned == 1
    assert "2 turns of 1 calls" not in to_text(curve)
    assert to_text(curve).startswith("1 turns of 1 calls, judged by their plan: 1 ends, 1 pauses")


def test_the_common_rules_decide_the_same_pauses(tmp_path):
    calls = recorded([write(tmp_path, CUT, [TURN])])
    short, long, once = beside(calls)
    # 0.5 s after 2.0 s is before they go on at 2.8 s and 0.8 s after it is not: the detector's own
    # 0.2 s are longer than the 0.1 s that are taken off.
    assert (short.name, short.point.premature, long.point.premature) == ("silence 0.5 s", 1, 0)
    assert short.point.gap_s == approx(3.7 + 0.4 + 0.05 - 3.5)
    assert (once.name, once.point is None) == (ONCE, "smart-turn" in once.note)


def test_a_run_with_traces_has_a_curve_and_one_without_has_none(tmp_path):
    curve = curve_of(write(tmp_path / "a", CUT, [TURN]))
    assert [p.value for p in curve.points][:3] == [0.4, 0.6, 0.8]
    held = json.loads(json.dumps(to_json(curve)))
    assert [b["name"] for b in held["beside"]] == ["silence 0.5 s", "silence 0.8 s", ONCE]
    assert curve_of(write(tmp_path / "b", (), [TURN])) is None
    empty = [line(0.0, "call", version=1, turns=TURNS)]
    assert curve_of(write(tmp_path / "c", empty, [TURN])) is None
