"""What holds whatever happens, in whatever order, however late: random histories."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.events import (
    BeginWork,
    CancelReply,
    Digit,
    DuckReply,
    Happened,
    HoldReply,
    PrepareReply,
    Prompt,
    Reason,
    ReleaseReply,
    ReplyAudible,
    ReplyDone,
    ReplyFailed,
    ReplyReady,
    ResumeReply,
    SpeechEnded,
    SpeechJudged,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
    WorkDone,
    WorkDue,
)
from agent.core.turns import Floor, TurnConfig, TurnMachine

CONFIG = TurnConfig(user_max_s=20, agent_max_s=30)
MOST_WAITS = 20
"""Deadlines that may pass in a row: a turn, a reply, an apology and a prompt have at most four."""

NUMBERS = st.integers(1, 6)
WORDS = st.lists(st.sampled_from("a table for four uh-huh stop yes".split()), max_size=5)
EVENTS = st.one_of(
    NUMBERS.map(SpeechStarted),
    NUMBERS.map(SpeechEnded),
    st.builds(lambda n, w, f: Transcript(n, " ".join(w), final=f), NUMBERS, WORDS, st.booleans()),
    st.builds(lambda n, w: Transcript(n, "", " ".join(w)), NUMBERS, WORDS),
    st.builds(TurnEndPredicted, NUMBERS, st.floats(0, 1)),
    st.builds(SpeechJudged, NUMBERS, st.floats(0, 1), st.floats(0, 1)),
    NUMBERS.map(ReplyReady),
    NUMBERS.map(ReplyAudible),
    NUMBERS.map(ReplyDone),
    NUMBERS.map(ReplyFailed),
    NUMBERS.map(WorkDue),
    NUMBERS.map(WorkDone),
    st.sampled_from("0123456789*#").map(Digit),
    st.just(Happened(Reason.REFUSED)),
)
STEPS = st.lists(st.tuples(st.floats(0, 3), EVENTS), max_size=40)


@dataclass
class Door:
    """Checks what the playout behind the machine would see."""

    live: int | None = None
    last: int = 0
    is_released: bool = False
    is_at_work: bool = False

    def obey(self, actions):
        for action in actions:
            match action:
                case PrepareReply(number) | Prompt(number):
                    assert self.live is None, "a reply was prepared while another lives"
                    assert number == self.last + 1, "numbers count up by one"
                    self.live = self.last = number
                    self.is_released, self.is_at_work = isinstance(action, Prompt), False
                case CancelReply(number):
                    assert number == self.live, "a reply that does not live was cancelled"
                    self.live = None
                case ReleaseReply(number):
                    assert number == self.live
                    assert not self.is_released, "a door was opened twice"
                    self.is_released = True
                case HoldReply(number) if self.is_at_work:
                    assert number == self.live
                    self.is_released = False  # a caller who has the floor: it is released again
                case DuckReply(number) | HoldReply(number) | ResumeReply(number):
                    assert number == self.live
                    assert self.is_released or self.is_at_work
                case BeginWork(number):
                    assert number == self.live
                    assert self.is_released or self.is_at_work
                    self.is_at_work = True


def play(machine, door, steps):
    """Tell the machine a history; replies that end are gone from the door too."""
    now = 0.0
    for gap, event in steps:
        now += gap
        actions = machine.expire(now)
        door.obey(actions)
        ends = isinstance(event, ReplyDone | ReplyFailed) and door.live == event.reply
        actions = machine.handle(event, now)
        if ends and (machine.live is None or machine.live.number != event.reply):
            door.live = None
        door.obey(actions)
    return now


@given(STEPS)
def test_only_the_live_reply_is_ever_named(steps):
    play(TurnMachine(CONFIG), Door(), steps)


@given(STEPS)
def test_every_floor_that_waits_ends_by_itself(steps):
    machine, now = TurnMachine(CONFIG), 0.0
    for gap, event in steps:
        now += gap
        machine.handle(event, now)
    waits = 0
    while (due := machine.deadline()) is not None:
        now, waits = max(now, due), waits + 1
        machine.expire(now)
        assert waits < MOST_WAITS
    assert machine.floor is Floor.OPEN


@given(STEPS)
def test_a_floor_other_than_open_always_has_a_deadline(steps):
    machine, now = TurnMachine(CONFIG), 0.0
    for gap, event in steps:
        now += gap
        machine.handle(event, now)
        assert machine.floor is Floor.OPEN or machine.deadline() is not None


@given(STEPS)
def test_the_same_history_gives_the_same_answers(steps):
    def answers():
        machine, now, out = TurnMachine(CONFIG), 0.0, []
        for gap, event in steps:
            now += gap
            out.append(machine.handle(event, now))
        return out

    assert answers() == answers()


# --- no word is lost -----------------------------------------------------------------------------

VOCABULARY = [f"w{i}" for i in range(40)]


@st.composite
def conversations(draw):
    """Segments of new words with random gaps, and a recogniser that is as late as it likes."""
    events, now, word = [], 0.0, 0
    for segment in range(1, draw(st.integers(1, 6)) + 1):
        now += draw(st.floats(0.15, 6))
        events.append((now, SpeechStarted(segment)))
        start = now
        now += draw(st.floats(0.1, 4))
        events.append((now, SpeechEnded(segment)))
        words = VOCABULARY[word : word + draw(st.integers(0, 4))]
        word += len(words)
        for count in range(1, len(words)):
            shown = start + draw(st.floats(0, 8))
            stable = draw(st.integers(0, count))
            partial = Transcript(segment, " ".join(words[:stable]), " ".join(words[stable:count]))
            events.append((shown, partial))
        final = now + draw(st.floats(0, 10))
        finals = [(t, e) for t, e in events if isinstance(e, Transcript) and e.segment == segment]
        final = max([final, *(t for t, _ in finals)])
        events.append((final, Transcript(segment, " ".join(words), final=True)))
    return sorted(events, key=lambda pair: pair[0]), VOCABULARY[:word]


class Agent:
    """Makes replies as a pipeline would: audible after a while, done after another.

    `work_s`: each reply begins with a tool that changes the world, and takes so long.
    """

    def __init__(self, delay_s, length_s, work_s=None):
        self.delay_s, self.length_s, self.work_s = delay_s, length_s, work_s
        self.begun = []
        self.texts, self.heard = {}, []
        self.coming = []  # (time, event)

    def obey(self, actions, now):
        for action in actions:
            match action:
                case PrepareReply(number, text):
                    self.texts[number] = text
                case ReleaseReply(number) | Prompt(number):
                    begin = now + self.delay_s
                    if self.work_s is not None and number not in self.begun:
                        self.coming.append((now, WorkDue(number)))
                    self.coming.append((begin, ReplyAudible(number)))
                    self.coming.append((begin + self.length_s, ReplyDone(number)))
                case BeginWork(number):
                    assert number not in self.begun
                    self.begun.append(number)
                    self.coming.append((now + self.work_s, WorkDone(number)))
                case HoldReply(number) if number in self.begun and not self.is_audible(number):
                    self.coming = [
                        c for c in self.coming if not isinstance(c[1], ReplyAudible | ReplyDone)
                    ]
                case CancelReply(number):
                    assert number not in self.begun or self.is_audible(number)
                    self.coming = [c for c in self.coming if c[1].reply != number]

    def is_audible(self, number):
        return self.texts.get(number, "") in ("", *self.heard)

    def tell(self, event):
        if isinstance(event, ReplyAudible) and event.reply in self.texts:
            self.heard.append(self.texts[event.reply])


def hold(machine, agent, script, until):
    """Discrete events: the earliest of the script, the agent and the machine's deadline."""
    script, now = list(script), 0.0
    while True:
        due = machine.deadline()
        nexts = [t for t in (due, script[0][0] if script else None) if t is not None]
        nexts += [t for t, _ in agent.coming]
        if not nexts or min(nexts) > until:
            return
        now = max(now, min(nexts))
        if script and script[0][0] <= now:
            agent.obey(machine.handle(script.pop(0)[1], now), now)
        elif ready := [c for c in agent.coming if c[0] <= now]:
            first = min(ready, key=lambda c: c[0])
            agent.coming.remove(first)
            agent.tell(first[1])
            agent.obey(machine.handle(first[1], now), now)
        else:
            agent.obey(machine.expire(now), now)


@settings(max_examples=400, deadline=None)
@given(conversations(), st.floats(0, 2), st.floats(0.1, 6))
def test_every_word_is_in_a_reply_that_was_heard_however_late_it_came(talk, delay_s, length_s):
    script, spoken = talk
    machine, agent = TurnMachine(CONFIG), Agent(delay_s, length_s)
    hold(machine, agent, script, until=300)
    answered = " ".join(agent.heard).split()
    assert set(spoken) <= set(answered)
    assert machine.text == ""
    assert machine.floor is Floor.OPEN


@settings(max_examples=400, deadline=None)
@given(conversations(), st.floats(0, 3), st.floats(0.1, 6))
def test_what_changes_the_world_is_begun_once_for_each_word_and_heard_of(talk, work_s, length_s):
    script, _ = talk
    machine, agent = TurnMachine(CONFIG), Agent(work_s + 0.1, length_s, work_s)
    hold(machine, agent, script, until=300)
    for number in agent.begun:
        assert agent.is_audible(number)
    begun = " ".join(agent.texts.get(number, "") for number in agent.begun).split()
    assert len(begun) == len(set(begun))
    assert machine.text == ""
    assert machine.floor is Floor.OPEN


@settings(max_examples=200, deadline=None)
@given(conversations(), st.floats(0, 2), st.floats(0.1, 6))
def test_words_are_answered_in_the_order_in_which_they_were_said(talk, delay_s, length_s):
    script, spoken = talk
    agent = Agent(delay_s, length_s)
    hold(TurnMachine(CONFIG), agent, script, until=300)
    for reply in agent.heard:
        places = [spoken.index(word) for word in reply.split()]
        assert places == sorted(places)
