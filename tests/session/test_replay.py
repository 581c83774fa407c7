"""A call replayed decides as it did; with other settings the places where it differs are found."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.errors import ConfigError
from agent.core.events import (
    CallAnswered,
    CancelReply,
    Digit,
    DuckReply,
    PrepareReply,
    ReleaseReply,
    ReplyAudible,
    ReplyDone,
    ReplyFailed,
    SpeechEnded,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
)
from agent.core.record import to_fields
from agent.core.turns import TurnConfig, TurnMachine
from agent.replay import replay
from agent.scenario import Say, Scene, act
from agent.trace import TraceList
from agent.virtual_loop import run_virtual

CONFIG = TurnConfig(pause_min_s=0.2, pause_max_s=1.0)

NUMBERS = st.integers(1, 4)
WORDS = st.lists(st.sampled_from("a table uh-huh stop".split()), max_size=3).map(" ".join)
EVENTS = st.one_of(
    st.just(CallAnswered()),
    NUMBERS.map(SpeechStarted),
    NUMBERS.map(SpeechEnded),
    st.builds(lambda n, w, f: Transcript(n, w, final=f), NUMBERS, WORDS, st.booleans()),
    st.builds(TurnEndPredicted, NUMBERS, st.floats(0, 1)),
    NUMBERS.map(ReplyAudible),
    NUMBERS.map(ReplyDone),
    NUMBERS.map(ReplyFailed),
    st.sampled_from("4#").map(Digit),
)
HISTORIES = st.lists(st.tuples(st.floats(0, 2), EVENTS | st.none()), max_size=30)

A_TURN = (
    (1.0, SpeechStarted(1)),
    (1.0, SpeechEnded(1)),
    (0.0, Transcript(1, "hello", final=True)),
    (0.6, None),
    (0.1, ReplyAudible(1)),
    (1.0, SpeechStarted(2)),
)


class Clock:
    """Seconds that a test sets."""

    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


def recorded(history, config=CONFIG):
    """The trace of a machine that is told (gap, event) pairs; None is a deadline."""
    clock = Clock()
    trace, machine = TraceList(clock), TurnMachine(config)
    trace("call", version=1, turns=asdict(config))
    for gap, event in history:
        clock.now += gap
        if event is None:
            trace("expired", now=clock.now)
            actions = machine.expire(clock.now)
        else:
            trace("told", now=clock.now, **to_fields(event))
            actions = machine.handle(event, clock.now)
        for action in actions:
            trace("asked", **to_fields(action))
        trace("floor", floor=machine.floor.value)
    return trace.lines


def on_disk(lines):
    """The same lines as they come back from a file."""
    return [json.loads(json.dumps(line, ensure_ascii=False)) for line in lines]


@given(HISTORIES)
def test_a_history_replayed_with_its_own_settings_has_no_differences(history):
    outcome = replay(on_disk(recorded(history)))
    assert outcome.steps == len(history)
    assert outcome.differences == ()


@given(HISTORIES)
def test_a_trace_in_memory_replays_like_one_from_a_file(history):
    assert replay(recorded(history)) == replay(on_disk(recorded(history)))


def test_a_whole_call_through_the_pipeline_has_no_differences():
    scene = Scene(12.0, (Say(1.0, "a table for four"), Say(4.0, "stop please"), Say(7.0, "uh-huh")))
    acted = run_virtual(act(scene))
    outcome = replay(acted.trace.lines)
    assert outcome.steps > 20
    assert outcome.differences == ()


def test_more_patience_is_found_where_the_call_was_decided():
    lines = recorded(A_TURN)
    outcome = replay(lines, replace(CONFIG, pause_min_s=0.9, pause_max_s=3.0))
    first = outcome.differences[0]
    assert first.told == "a deadline"
    assert (first.recorded, first.replayed) == ((ReleaseReply(1),), ())
    assert lines[first.line - 1]["event"] == "expired"
    assert first.t == lines[first.line - 1]["t"]


def test_settings_that_decide_the_same_are_no_difference():
    assert replay(recorded(A_TURN), replace(CONFIG, agent_max_s=90.0)).differences == ()


def test_one_action_changed_by_hand_is_one_difference():
    lines = recorded(A_TURN)
    duck = next(n for n, line in enumerate(lines) if line.get("what") == "DuckReply")
    lines[duck] = {**lines[duck], **to_fields(CancelReply(1))}
    (found,) = replay(lines).differences
    assert (found.recorded, found.replayed) == ((CancelReply(1),), (DuckReply(1),))
    assert found.told == str(SpeechStarted(2))


def test_an_action_that_is_gone_from_the_trace_is_a_difference():
    lines = recorded(A_TURN)
    lines = [line for line in lines if line.get("what") != "PrepareReply"]
    (found,) = replay(lines).differences
    assert (found.recorded, found.replayed) == ((), (PrepareReply(1, "hello"),))


def test_lines_that_are_not_about_decisions_are_passed_over():
    lines = recorded(A_TURN)
    noise = [{"t": 0.0, "event": "said", "text": "hi"}, {"t": 0.0}]
    mixed = [lines[0], *[part for line in lines[1:] for part in (line, *noise)]]
    assert replay(mixed).differences == ()
    assert replay(mixed).steps == len(A_TURN)


def test_a_call_that_was_told_nothing_has_nothing_to_replay():
    outcome = replay([{"t": 0.0, "event": "call"}])
    assert (outcome.steps, outcome.differences) == (0, ())


@mark.parametrize("lines", [[], [{"event": "told"}], [{"event": "floor"}], [{"a": 1}]])
def test_what_is_no_trace_is_refused_in_a_sentence(lines):
    with raises(ConfigError, match="expected a trace that begins with a call line"):
        replay(lines)


HEADER = {"t": 0.0, "event": "call", "turns": {}}


@mark.parametrize(
    ("line", "said"),
    [
        ({"event": "told", "now": 1.0, "what": "Sneeze"}, "expected one of CallAnswered"),
        ({"event": "told", "now": 1.0, "what": "SpeechStarted"}, "SpeechStarted: segment missing"),
        ({"event": "told", "what": "CallAnswered"}, "expected loop time in seconds as now"),
        ({"event": "expired", "now": "late"}, "expected loop time in seconds as now, found 'late'"),
        ({"event": "asked", "what": "Sing"}, "expected one of PrepareReply"),
    ],
)
def test_a_line_that_this_version_does_not_know_is_refused_by_its_number(line, said):
    with raises(ConfigError, match=r"replay: line 2: .*another version") as refused:
        replay([HEADER, line])
    assert said in str(refused.value)


def test_settings_that_this_version_does_not_know_are_refused():
    with raises(ConfigError, match="trace turns: unknown key paws_s"):
        replay([{"t": 0.0, "event": "call", "turns": {"paws_s": 1.0}}])


PAGE = (Path(__file__).parents[2] / "docs" / "trace.md").read_text(encoding="utf-8")


def test_the_example_on_the_page_replays_without_a_difference():
    example = PAGE.split("```jsonl\n")[1].split("```")[0]
    outcome = replay([json.loads(line) for line in example.splitlines()])
    assert outcome.steps == 20
    assert outcome.differences == ()
