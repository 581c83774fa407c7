"""What is remembered of a history: time, and nothing else."""

import tomllib
from datetime import datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pytest import fixture, mark

from agent.core.protocols import Message, Role, ToolCall, ToolResult
from pipelines.cascade.flow import known as known_module
from pipelines.cascade.flow.begun import noted
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.fold import fold
from pipelines.cascade.flow.known import KnownPositions

CONFIGS = Path(__file__).parents[2] / "configs"
DESK, BANK = (
    load_flow(tomllib.loads((CONFIGS / name).read_text("utf-8"))["flow"], name)
    for name in ("offline.toml", "ivr_bank.toml")
)
BOOKING = ("a table please", "for four", "on friday", "at seven", "no for five", "wait", "yes")
OPEN, SHUT = datetime(2026, 11, 17, 13, 0), datetime(2026, 11, 15, 3, 0)

SAID = st.sampled_from(
    [*BOOKING, "account", "1", "2", "4 7 1 1 0 8 1 5", "1 2 3 4", "payment", "stop", "bla"]
)
TOOLS = st.sampled_from(["check_identity", "balance", "pay", ""])
MESSAGE = st.one_of(
    st.builds(Message, st.just(Role.CALLER), SAID),
    st.builds(Message, st.just(Role.AGENT), SAID, st.booleans()),
    st.builds(Message, st.just(Role.EVENT), st.sampled_from(["greeting", "silence", "trouble"])),
    st.builds(noted, st.sampled_from([OPEN, SHUT])),
    st.builds(
        ToolResult,
        st.just(Role.EVENT),
        st.sampled_from(["yes", "no", "12", "paid", "trouble"]),
        call=st.builds(ToolCall, TOOLS),
    ),
)
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 6),  # messages taken off the end, as after a barge-in or a draft
        st.lists(MESSAGE, max_size=3),
        st.sampled_from([None, OPEN, SHUT]),
    ),
    max_size=25,
)


@given(CHANGES, st.sampled_from([DESK, BANK]), st.sampled_from([1, 3, 256]))
def test_what_is_remembered_gives_what_would_have_been_folded(changes, flow, most):
    known, history = KnownPositions(flow, most), []
    for taken_off, added, now in changes:
        history = [*history[: len(history) - taken_off], *added]
        assert known.fold(history, now=now) == fold(flow, history, now=now)


@given(st.lists(st.lists(MESSAGE, max_size=12), max_size=6), st.randoms())
def test_calls_that_take_turns_do_not_mix(histories, chance):
    known = KnownPositions(BANK, 4)
    asked = [history[:n] for history in histories for n in range(len(history) + 1)]
    chance.shuffle(asked)
    for history in asked:
        assert known.fold(history) == fold(BANK, history)


@fixture
def steps(monkeypatch):
    """The messages that were gone through."""
    taken = []

    def step(flow, at, message, real=known_module.step):
        taken.append(message)
        return real(flow, at, message)

    monkeypatch.setattr(known_module, "step", step)
    return taken


def booking(count):
    """A caller who never makes up their mind: this many questions and answers."""
    for number in range(count):
        yield Message(Role.CALLER, BOOKING[number % len(BOOKING)])
        yield Message(Role.AGENT, "Of course.", cut=number % 3 == 0)


@mark.parametrize("length", [1, 10, 100])
def test_a_reply_goes_through_what_is_new_however_long_the_call(steps, length):
    known, history = KnownPositions(DESK), list(booking(length))
    known.fold(history[:-1])
    steps.clear()
    asked = Message(Role.CALLER, "what are your opening hours")
    known.fold([*history, asked])
    assert steps == [history[-1], asked]


def test_a_second_guess_at_what_the_caller_said_costs_no_more(steps):
    known, history = KnownPositions(DESK), list(booking(20))
    known.fold(history)
    steps.clear()
    for guess in ("a table", "a table for", "a table for two"):
        known.fold([*history, Message(Role.CALLER, guess)])
    assert len(steps) == 3


def test_what_is_asked_for_stays_known_while_the_rest_is_forgotten(steps):
    known, history = KnownPositions(DESK, 2), list(booking(20))
    for number in range(5):
        known.fold(history)
        known.fold([Message(Role.CALLER, f"bla {number}")])
    assert len(steps) == len(history) + 5
    known.fold([Message(Role.CALLER, "bla 0")])
    assert len(steps) == len(history) + 6


def test_on_another_day_or_after_hours_nothing_is_known():
    desk, bank = KnownPositions(DESK), KnownPositions(BANK)
    history = [Message(Role.CALLER, "a table for two tomorrow at six")]
    assert "closed on Mondays" in desk.fold(history, "sunday").text
    assert "Shall I book it?" in desk.fold(history, "monday").text
    lost = [Message(Role.CALLER, "2")]
    assert "I will put you through" in bank.fold(lost, now=OPEN).text
    assert "from Monday to Friday" in bank.fold(lost, "tuesday", SHUT).text


def test_a_history_with_a_secret_in_it_is_not_kept(steps):
    known, history = KnownPositions(BANK), list(booking(3))
    known.fold(history)
    secret = [*history, Message(Role.CALLER, "1 2 3 4", private=True)]
    steps.clear()
    assert known.fold(secret) == known.fold(secret) == fold(BANK, secret)
    assert steps == secret[-1:] * 2
