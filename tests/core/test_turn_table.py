"""The tables of docs/turn_taking.md, row by row, against the machine: the page cannot drift."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import get_args

from pytest import approx, mark

from agent.core import playout, words
from agent.core.events import (
    CallAnswered,
    Digit,
    Event,
    Happened,
    Reason,
    ReplyAudible,
    ReplyDone,
    ReplyFailed,
    ReplyReady,
    SpeechEnded,
    SpeechJudged,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
    Typed,
    WorkDone,
    WorkDue,
)
from agent.core.overlap import Verdict
from agent.core.replies import Work
from agent.core.turns import Floor, TurnConfig, TurnMachine
from agent.core.words import CallerWords

PAGE = Path(__file__).parents[2] / "docs" / "turn_taking.md"
DEADLINE = "deadline"
KINDS = [kind.__name__ for kind in get_args(Event)] + [DEADLINE]
WALKS = 2000
CONFIG = TurnConfig(
    pause_max_s=1.2,
    user_max_s=6.0,
    agent_max_s=6.0,
    reply_wait_s=3.0,
    listen_every_s=0.5,
)


# --- the page -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One row of the transition table; `then` is None where the floor stays the same."""

    floors: tuple[Floor, ...]
    kinds: tuple[str, ...]
    when: tuple[str, ...]
    then: Floor | None
    asked: tuple[str, ...]


def table_under(heading):
    """The cells of the last table of a section, without its head."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def listed(cell, separator=","):
    return tuple(part.strip() for part in cell.split(separator) if part.strip())


@cache
def rows():
    """The transition table."""
    return [
        Row(
            tuple(Floor) if floors == "any" else tuple(Floor[name] for name in listed(floors)),
            listed(kinds),
            listed(when, ";"),
            None if then == "same" else Floor[then],
            listed(asked),
        )
        for floors, kinds, when, then, asked in table_under("The transition table")
    ]


@cache
def rows_of(floor, kind):
    return [row for row in rows() if floor in row.floors and kind in row.kinds]


# --- the conditions -----------------------------------------------------------------------------


class Moment:
    """All that a condition may look at: the machine before an event, and the words after it."""

    def __init__(self, machine, event, now):
        self.machine, self.event, self.now = machine, event, now
        self.live = machine.live
        self.words = noted(machine, event, now)
        self._known = {}

    def holds(self, condition):
        if condition not in self._known:
            self._known[condition] = CONDITIONS[condition](self)
        return self._known[condition]

    @cached_property
    def text(self):
        return self.words.text()

    @cached_property
    def is_speaking(self):
        return self.words.speaking()

    @property
    def is_this_segment(self):
        match self.event:
            case TurnEndPredicted(segment):
                return segment == self.machine._words.current
            case _:
                return True

    @cached_property
    def is_settled(self):
        if isinstance(self.event, Transcript):
            return self.event.final and not self.is_speaking and not self.words.waiting()
        return not self.is_speaking and not self.words.waiting()

    def silence_left_s(self):
        """What is missing of the silence that decides."""
        machine, pause_s = self.machine, self.machine._pause_s
        if isinstance(self.event, TurnEndPredicted):
            pause_s = machine.config.pause_s(self.event.probability)
        return machine._since + pause_s, machine._since + pause_s + machine.config.final_wait_s

    def is_too_early(self):
        return self.event is not None and self.now < self.silence_left_s()[0]

    def is_owed(self):
        _, patience = self.silence_left_s()
        return not self.is_too_early() and self.now < patience and self.words.waiting()

    @cached_property
    def verdict(self):
        """What follows for the reply, from the sound and the words so far."""
        machine, config = self.machine, self.machine.config
        overlap = machine._overlap
        if isinstance(self.event, SpeechJudged):
            overlap = dataclasses.replace(overlap, caller=self.event.caller, floor=self.event.floor)
        if self.is_speaking:
            return overlap.speaking(self.words.over(), self.now, config)
        if isinstance(self.event, SpeechEnded):
            overlap = dataclasses.replace(overlap, quiet=self.now)
        final = not self.words.waiting()
        return overlap.silent(self.words.over(), self.now, final=final, config=config)

    @property
    def is_dismissed(self):
        config = self.machine.config
        return isinstance(self.event, SpeechJudged) and self.event.caller < config.dismiss_below

    @property
    def is_news(self):
        before = self.machine._words._segments.get(self.event.segment)
        return before is not None and before.voice is not (
            self.words._segments[self.event.segment].voice
        )

    @property
    def is_sign_due(self):
        config = self.machine.config
        is_time = config.listen_every_s and (
            self.now - self.machine._listening.last >= config.listen_every_s
        )
        return bool(is_time) and self.event.probability < config.listen_below

    @property
    def is_for_good(self):
        return self.now >= self.machine._since + self.machine.config.reply_wait_s

    @property
    def is_committed(self):
        return self.live is not None and self.live.work is not Work.NONE

    def is_this_reply(self):
        return self.live is not None and self.event.reply == self.live.number


def noted(machine, event, now):
    """A copy of the machine's words that was told the event."""
    copy = CallerWords()
    copy.current, copy._entered = machine._words.current, machine._words._entered
    copy._murmur = machine._words._murmur
    copy._segments = {n: dataclasses.replace(s) for n, s in machine._words._segments.items()}
    copy.note(event)
    match event:
        case SpeechJudged(segment, caller) if caller < machine.config.dismiss_below:
            copy.dismiss(segment)
        case SpeechJudged(segment):
            copy.admit(segment)
        case ReplyDone() | ReplyFailed() if machine.live is not None:
            copy.answer(machine.live.claim)
            if isinstance(event, ReplyDone) and event.asks:
                copy.reopen(now - machine.config.answer_before_s)
        case None if machine.floor is Floor.PENDING:
            copy.answer(machine.live.claim)
    return copy


CONDITIONS = {
    "speaking": lambda m: m.is_speaking,
    "silent": lambda m: not m.is_speaking,
    "words": lambda m: m.text != "",
    "no words": lambda m: m.text == "",
    "reply": lambda m: m.live is not None,
    "no reply": lambda m: m.live is None,
    "committed": lambda m: m.is_committed,
    "free": lambda m: m.live is not None and not m.is_committed,
    "fits": lambda m: m.live is not None and (m.is_committed or m.live.text == m.text),
    "changed": lambda m: m.live is not None and not m.is_committed and m.live.text != m.text,
    "said over": lambda m: m.words.over() != "",
    "nothing over": lambda m: m.words.over() == "",
    "budget left": lambda m: m.machine._replies.speculations < m.machine.config.speculations_max,
    "budget spent": lambda m: m.machine._replies.speculations >= m.machine.config.speculations_max,
    "too early": lambda m: m.is_too_early(),
    "words owed": lambda m: m.is_owed(),
    "over": lambda m: not m.is_too_early() and not m.is_owed(),
    "this segment": lambda m: m.is_this_segment,
    "another segment": lambda m: not m.is_this_segment,
    "this reply": lambda m: m.is_this_reply(),
    "another reply": lambda m: not m.is_this_reply(),
    "to words": lambda m: m.live.text != "",
    "a prompt": lambda m: m.live.text == "",
    "partial": lambda m: not m.event.final,
    "final": lambda m: m.event.final,
    "settled": lambda m: m.is_settled,
    "unsettled": lambda m: not m.is_settled,
    "admitted": lambda m: not m.is_dismissed,
    "dismissed": lambda m: m.is_dismissed,
    "quiet": lambda m: not m.is_speaking or m.machine.floor is Floor.PAUSE,
    "news": lambda m: m.is_news,
    "no news": lambda m: not m.is_news,
    "open to all": lambda m: not m.live.protected,
    "protected": lambda m: m.live.protected,
    "carry on": lambda m: m.verdict is Verdict.AS_IT_IS,
    "to hold": lambda m: m.verdict is Verdict.HOLD,
    "to soften": lambda m: m.verdict is Verdict.DUCK,
    "to resume": lambda m: m.verdict is Verdict.RESUME,
    "to yield": lambda m: m.verdict is Verdict.YIELD,
    "a sign is due": lambda m: m.is_sign_due,
    "no sign is due": lambda m: not m.is_sign_due,
    "complete": lambda m: words.next_key_s(m.event, 1.0) == 0,
    "more to come": lambda m: words.next_key_s(m.event, 1.0) > 0,
    "first time": lambda m: not m.is_for_good,
    "for good": lambda m: m.is_for_good,
}


# --- the histories ------------------------------------------------------------------------------

VOCABULARY = "a table for four uh-huh yeah stop monday".split()

ASKED = ((0.1, SpeechStarted(1)), (0.5, SpeechEnded(1)), (0.0, Transcript(1, "stop", final=True)))
AT_WORK = (*ASKED, (3.0, WorkDue(1)))
BEGINNINGS = (
    (),
    # Words for which a reply is prepared turn out to be a bystander's while the caller goes on.
    (*ASKED[:2], (0.0, Transcript(1, "stop")), (0.1, SpeechStarted(2)), (0.0, SpeechStarted(1)),
     (0.0, SpeechJudged(1, 0.1, 0.5))),
    AT_WORK,
    (*AT_WORK, (0.1, ReplyAudible(1)), (0.1, SpeechStarted(2)), (0.1, SpeechEnded(2))),
    (*AT_WORK, (0.1, SpeechStarted(2)), (0.3, Digit("4"))),
)  # fmt: skip
"""How a walk begins, as (seconds later, event): places that are seldom come to by chance."""


class Walk:
    """A machine that is led through a history, and every row that it takes."""

    def __init__(self, seed):
        self.random = Random(seed)
        config = dataclasses.replace(CONFIG, speculations_max=1 + seed % 3)
        self.machine, self.now = TurnMachine(config), 0.0
        self.taken = []

    def run(self):
        """A beginning, then forty events, likely and not, and every deadline on the way."""
        for gap_s, event in self.random.choice(BEGINNINGS):
            self.go(self.now + gap_s, event)
        for _ in range(40):
            now = self.later()
            self.go(now)
            self.go(now, self.event())
        return self.taken

    def go(self, now, event=None):
        """Some time passes, and perhaps something happens then."""
        self.now = now
        while (due := self.machine.deadline()) is not None and due <= now:
            self.step(None, due)
        if event is not None:
            self.step(event, now)

    def later(self):
        """Some time on, now and then at the very instant of the deadline."""
        due = self.machine.deadline()
        if due is not None and due > self.now and self.random.random() < 0.1:
            return due
        return self.now + self.random.choice([0.0, 0.01, 0.1, 0.3, 0.8, 2.0])

    def step(self, event, now):
        machine = self.machine
        floor, kind = machine.floor, DEADLINE if event is None else type(event).__name__
        moment = Moment(machine, event, now)
        fitting = [
            row
            for row in rows_of(floor, kind)
            if all(moment.holds(condition) for condition in row.when)
        ]
        assert len(fitting) == 1, f"{floor} {event}: expected one row, found {fitting}"
        (row,) = fitting
        actions = machine.expire(now) if event is None else machine.handle(event, now)
        asked = tuple(type(action).__name__ for action in actions)
        then = floor if row.then is None else row.then
        assert (machine.floor, asked) == (then, row.asked), f"{floor} {event}: against {row}"
        self.taken.append(row)

    def event(self):
        choose, segment = self.random.choice, self.random.randint(1, 3)
        live = self.machine.live
        reply = live.number if live and self.random.random() < 0.8 else self.random.randint(1, 9)
        said = " ".join(self.random.choices(VOCABULARY, k=self.random.randint(0, 3)))
        more = " ".join(self.random.choices(VOCABULARY, k=self.random.randint(0, 2)))
        current = self.machine._words.current
        likely = [
            SpeechStarted(segment),
            SpeechEnded(segment),
            SpeechEnded(current),
            Transcript(choose([segment, current]), said, more),
            Transcript(choose([segment, current]), said, final=True),
            Transcript(current, choose(["", "uh-huh", "stop"]), final=True),
            TurnEndPredicted(choose([current, current, segment]), self.random.random()),
            SpeechJudged(choose([segment, current]), choose([0.1, 0.5, 0.9]), self.random.random()),
            SpeechJudged(current, choose([0.1, 0.9]), choose([0.05, 0.95])),
            ReplyAudible(reply),
        ]
        unlikely = [
            CallAnswered(),
            ReplyReady(reply, choose([True, False])),
            ReplyDone(reply, choose([True, False])),
            ReplyFailed(reply),
            choose([WorkDue(reply), WorkDone(reply), ReplyAudible(reply)]),
            choose([Digit(choose("4#"), choose([None, 0.0, 3.0])), Typed("a table")]),
            Happened(choose([Reason.REFUSED, Reason.LIMIT])),
        ]
        return choose(likely if self.random.random() < 0.85 else unlikely)


@cache
def all_taken():
    """How often each row was taken on all walks."""
    return Counter(row for seed in range(WALKS) for row in Walk(seed).run())


# --- the tests ----------------------------------------------------------------------------------


def test_on_every_step_of_every_history_exactly_one_row_applies_and_is_right():
    assert all_taken().total() > WALKS * 40


def test_every_row_is_taken():
    assert [row for row in rows() if row not in all_taken()] == []


@mark.parametrize("floor", Floor)
@mark.parametrize("kind", KINDS)
def test_every_event_on_every_floor_has_a_row(floor, kind):
    assert [row for row in rows() if floor in row.floors and kind in row.kinds]


def test_every_condition_is_explained_and_used():
    section = PAGE.read_text(encoding="utf-8").split("## The transition table\n")[1]
    used = {condition for row in rows() for condition in row.when}
    assert used == set(CONDITIONS)
    assert [condition for condition in sorted(used) if f"**{condition}**" not in section] == []


def test_every_floor_is_explained():
    assert [name for name, _ in table_under("The floors")] == [floor.name for floor in Floor]
    assert [cells[0] for cells in table_under("Deadlines")] == [floor.name for floor in Floor]


def test_the_numbers_of_the_page_are_those_of_the_code():
    defaults = {f.name: f.default for f in dataclasses.fields(TurnConfig)}
    constants = {
        "RAMP_S": playout.RAMP_S,
        "LIMIT_S": playout.LIMIT_S,
        "SEGMENTS_KEPT": words.SEGMENTS_KEPT,
    }
    page = {name: float(default) for name, default, _ in table_under("The numbers")}
    del defaults["backchannels"]  # words, not a number
    assert page == {**defaults, **constants}


def test_the_duck_of_the_page_is_that_of_the_code():
    assert "ducks it by 15 dB" in PAGE.read_text(encoding="utf-8")
    assert approx(10 ** (-15 / 20)) == playout.DUCK_GAIN


# --- the deadlines ------------------------------------------------------------------------------

SPOKEN = ((1.0, SpeechStarted(1)), (2.0, SpeechEnded(1)))
ANSWERED = (*SPOKEN, (2.0, Transcript(1, "hello", final=True)), (3.0, None))
AUDIBLE = (*ANSWERED, (4.0, ReplyAudible(1)))
PAUSE_S = CONFIG.pause_s(CONFIG.prior)
DECIDED_S = 2.0 + PAUSE_S


@mark.parametrize(
    ("history", "floor", "deadline"),
    [
        (((1.0, SpeechStarted(1)),), Floor.USER, 1.0 + CONFIG.user_max_s),
        (SPOKEN, Floor.PAUSE, 2.0 + PAUSE_S),
        ((*SPOKEN, (2.0 + PAUSE_S, None)), Floor.PAUSE, 2.0 + PAUSE_S + CONFIG.final_wait_s),
        (((1.0, Digit("4")),), Floor.PAUSE, 1.0 + CONFIG.digit_pause_s),
        (((1.0, Digit("#")),), Floor.PAUSE, 1.0),
        (((1.0, Digit("4", 3.0)),), Floor.PAUSE, 4.0),
        (((1.0, Typed("a table")),), Floor.PAUSE, 1.0),
        (((1.0, CallAnswered()),), Floor.PENDING, 1.0 + CONFIG.reply_wait_s),
        (AUDIBLE, Floor.AGENT, 4.0 + CONFIG.agent_max_s),
        ((*AUDIBLE, (5.0, ReplyDone(1))), Floor.OPEN, 5.0 + CONFIG.silence_s),
        ((*AUDIBLE, (5.0, SpeechStarted(2))), Floor.OVERLAP, 5.0 + CONFIG.hold_after_s),
        ((*ANSWERED, (3.1, None)), Floor.PENDING, DECIDED_S + CONFIG.filler_after_s),
        (
            (*ANSWERED, (DECIDED_S + CONFIG.filler_after_s, None)),
            Floor.PENDING,
            DECIDED_S + CONFIG.reply_wait_s,
        ),
        (
            (*AUDIBLE, (5.0, SpeechStarted(2)), (5.0 + CONFIG.hold_after_s, None)),
            Floor.OVERLAP,
            5.0 + CONFIG.yield_after_s,
        ),
        (
            (*AUDIBLE, (5.0, SpeechStarted(2)), (5.4, SpeechEnded(2))),
            Floor.OVERLAP,
            5.4 + CONFIG.settle_s,
        ),
        (
            (
                *AUDIBLE,
                (5.0, SpeechStarted(2)),
                (5.4, SpeechEnded(2)),
                (5.4 + CONFIG.settle_s, None),
            ),
            Floor.OVERLAP,
            5.4 + CONFIG.final_wait_s,
        ),
    ],
)
def test_each_floor_has_the_deadline_of_the_page(history, floor, deadline):
    machine = TurnMachine(CONFIG)
    for now, event in history:
        if event is None:
            machine.expire(now)
        else:
            machine.handle(event, now)
    assert machine.floor is floor
    assert machine.deadline() == approx(deadline)
