"""The caller's pauses in a recorded trace, and what the turn machine makes of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.core.errors import ConfigError
from agent.core.events import (
    Action,
    Digit,
    Event,
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
from agent.core.record import event_from
from agent.core.turns import Floor, TurnConfig, TurnMachine

REACTION_S = 0.2
"""Who speaks sooner than this after the agent's first sound was not answering it, but going on.
Source: Stivers et al., "Universals and cultural variation in turn-taking", PNAS 106 (2009): most
answers come around 200 ms after the end of a question, which they could hear coming."""

Line = Mapping[str, Any]
"""One line of a trace."""

Words = SpeechStarted | SpeechEnded | Transcript | TurnEndPredicted


@dataclass(frozen=True, slots=True)
class Told:
    """What the machine was told about the caller, and when, in seconds of the trace."""

    t: float
    event: Words


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence of the caller while the agent was silent too. Times are seconds of the trace.

    Attributes:
        turn: number of the turn it is in, within its trace.
        before: what the machine was told of the turn, up to the SpeechEnded that begins the pause.
        after: what it was told in the pause.
        quiet_s: the caller's last sound.
        gone_on_s: when they went on; None where the turn was over.
        making_s: how long the reply that followed took from its order to its first sound.
        door_s: from when it could have sounded until it did.
    """

    turn: int
    before: tuple[Told, ...]
    after: tuple[Told, ...]
    quiet_s: float
    gone_on_s: float | None
    making_s: float = 0.0
    door_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """When a machine took the turn, and when it had ordered the reply."""

    prepared_s: float
    released_s: float

    def audible_s(self, pause: Pause) -> float:
        """When the caller would have heard it, had it been made as quickly as the recorded one."""
        return max(self.released_s, self.prepared_s + pause.making_s) + pause.door_s


def decided(pause: Pause, config: TurnConfig) -> Decision | None:
    """When a machine with these settings takes the turn in this pause, if nothing else happens.

    The turn's earlier pauses are passed over in no time, so that each pause is judged by itself.
    """
    machine = TurnMachine(config)
    starts = [told.t for told in pause.before if isinstance(told.event, SpeechStarted)]
    for told in pause.before[:-1]:
        machine.handle(told.event, max(told.t, starts[-1]))
    prepared: dict[int, float] = {}
    for now, action in _actions(machine, (pause.before[-1], *pause.after)):
        match action:
            case PrepareReply(reply):
                prepared[reply] = now
            case ReleaseReply(reply):
                return Decision(prepared.get(reply, now), now)
    return None


def _actions(machine: TurnMachine, told: Sequence[Told]) -> Iterator[tuple[float, Action]]:
    """What the machine asks for, each with its time; after the last event, until it decides."""
    for item in told:
        while (due := machine.deadline()) is not None and due <= item.t:
            yield from ((due, action) for action in machine.expire(due))
        yield from ((item.t, action) for action in machine.handle(item.event, item.t))
    while machine.floor is Floor.PAUSE and (due := machine.deadline()) is not None:
        yield from ((due, action) for action in machine.expire(due))


def pauses(lines: Sequence[Line]) -> list[Pause]:
    """Every pause of which the trace says how it ended, in order.

    Left out are pauses that a key or a prompt ended, and speech that ended over the agent's.
    """
    book = _Book(lines)
    finder = _Finder(book)
    return [pause for line in lines if (pause := finder.take(line)) is not None]


class _Book:
    """When the first of each kind of line happened to each reply, and where each segment was."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.starts: list[float] = []
        self._ends: dict[object, float] = {}
        self._first: dict[tuple[object, object, object], float] = {}
        for line in lines:
            event, what, reply = line.get("event"), line.get("what"), line.get("reply")
            self._first.setdefault((event, what, reply), _t(line))
            if (event, what) == ("told", "SpeechStarted"):
                self.starts.append(_t(line))
            if event == "speech":
                self._ends[line.get("segment")] = float(line.get("end_s", _t(line)))

    def quiet_s(self, segment: int, told_s: float) -> float:
        """The last sound of a segment; when its end was told, where the trace has no better."""
        return self._ends.get(segment, told_s)

    def way(self, reply: int, audible_s: float) -> tuple[float, float]:
        """How long a reply took to make, and from when it could have sounded until it did."""
        released_s = self._first.get(("asked", "ReleaseReply", reply), audible_s)
        prepared_s = self._first.get(("asked", "PrepareReply", reply), released_s)
        sound_s = self._first.get(("first_audio", None, reply), prepared_s)
        ready_s = self._first.get(("told", "ReplyReady", reply), sound_s)
        return max(0.0, ready_s - prepared_s), max(0.0, audible_s - max(released_s, ready_s))

    def goes_on(self, audible_s: float) -> float | None:
        """When the caller spoke again without having had time to react to a reply."""
        late_s = audible_s + REACTION_S
        return next((t for t in self.starts if audible_s <= t < late_s), None)


class _Finder:
    """Follows a trace line by line; `take` returns a pause when its end is known."""

    def __init__(self, book: _Book) -> None:
        self._book = book
        self._told: list[Told] = []  # of the present turn
        self._speaking: set[int] = set()
        self._audible: int | None = None
        self._paused: int | None = None  # how much of `_told` was before the present pause
        self._turn = 1

    def take(self, line: Line) -> Pause | None:
        """The next line."""
        match line.get("event"), line.get("what"):
            case "told", _:
                return self._event(_event(line), _t(line))
            case "asked", "Prompt":
                self._forget()
            case "asked", "CancelReply" if line.get("reply") == self._audible:
                self._audible = None
        return None

    def _event(self, event: Event, t: float) -> Pause | None:
        pause = None
        match event:
            case SpeechStarted(segment):
                pause = self._ended(t, gone_on_s=t)
                self._speaking.add(segment)
                self._told.append(Told(t, event))
            case SpeechEnded(segment):
                self._speaking.discard(segment)
                self._told.append(Told(t, event))
                if not self._speaking and self._audible is None and self._knows(segment):
                    self._paused = len(self._told)
            case Transcript(segment) | TurnEndPredicted(segment) if self._knows(segment):
                self._told.append(Told(t, event))
            case ReplyAudible(reply):
                pause = self._answered(reply, t)
            case ReplyDone(reply) | ReplyFailed(reply) if reply == self._audible:
                self._audible = None
                self._told = [told for told in self._told if told.event.segment in self._speaking]
            case Digit():
                self._forget()
            case _:
                pass
        return pause

    def _answered(self, reply: int, t: float) -> Pause | None:
        self._audible = reply
        gone_on_s = self._book.goes_on(t)
        pause = self._ended(t, gone_on_s, reply)
        if pause is not None and gone_on_s is None:
            self._told = []
            self._turn += 1
        return pause

    def _ended(self, t: float, gone_on_s: float | None, reply: int | None = None) -> Pause | None:
        if self._paused is None:
            return None
        before, after = self._told[: self._paused], self._told[self._paused :]
        self._paused = None
        quiet_s = self._book.quiet_s(before[-1].event.segment, before[-1].t)
        way = (0.0, 0.0) if reply is None else self._book.way(reply, t)
        return Pause(self._turn, tuple(before), tuple(after), quiet_s, gone_on_s, *way)

    def _forget(self) -> None:
        """The turn is not the caller's words alone any more."""
        self._told = []
        self._paused = None

    def _knows(self, segment: int) -> bool:
        """Whether the turn has the beginning of a segment; late words of old turns have none."""
        return any(
            isinstance(told.event, SpeechStarted) and told.event.segment == segment
            for told in self._told
        )


def _t(line: Line) -> float:
    value = line.get("t")
    return float(value) if isinstance(value, int | float) else 0.0


def _event(line: Line) -> Event:
    try:
        return event_from(line)
    except ValueError as fault:
        raise ConfigError(
            f"trace at {_t(line):.3f} s: {fault}; was it written by another version?"
        ) from fault
