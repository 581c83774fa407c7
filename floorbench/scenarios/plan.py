"""What a caller will do in one session, and what a good agent does about it: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from agent.core.audio import Samples
from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.session import CallerEvent, Expect
from floorbench.stimuli.signal import Signal


class When(Enum):
    """What a caller waits for before the next step."""

    START = auto()  # so many seconds after the line was opened
    AFTER_AGENT = auto()  # the agent has answered the last turn and been silent so long
    INTO_AGENT = auto()  # the agent's present sound began so long ago
    AT_CLAUSE_END = auto()  # the same, and then its next short pause
    AFTER_OWN = auto()  # the caller's own last sound ended so long ago
    BOTH_QUIET = auto()  # nobody has spoken for so long


@dataclass(frozen=True, slots=True)
class Cue:
    """When a step begins.

    Attributes:
        when: what is waited for.
        after_s: seconds after that.
        patience_s: nobody has spoken for so long: the step is taken without its cue, or left out
            if it makes sense only while the agent speaks.
    """

    when: When
    after_s: float
    patience_s: float = 6.0

    @property
    def needs_agent(self) -> bool:
        """Whether the step makes sense only while the agent speaks."""
        return self.when in (When.INTO_AGENT, When.AT_CLAUSE_END)


@dataclass(frozen=True, slots=True)
class Mark:
    """An event within a step, in seconds from its first sample.

    Attributes:
        name: unique within the step; empty for the step's own event.
        span: from its first audible part to the end of its last.
        parts: its audible parts; a pause has the two around it.
        params: what was varied.
    """

    kind: str
    expect: Expect
    span: Span
    parts: tuple[Span, ...]
    name: str = ""
    needs_agent_talking: bool = False
    params: Mapping[str, Json] = field(default_factory=dict)

    def at(self, step_id: str, start_s: float, **params: Json) -> CallerEvent:
        """The event once the step has begun, `start_s` into the recording."""
        parts = tuple(_later(part, start_s) for part in self.parts)
        span = _later(self.span, start_s)
        name, turn = step_id, dict[str, Json]()
        if self.name:
            name, turn = f"{step_id}.{self.name}", {"turn": step_id}
        return CallerEvent(name, self.kind, span.start_s, span.end_s, parts, self.expect,
                           self.needs_agent_talking, {**self.params, **turn, **params})  # fmt: skip


def _later(span: Span, by_s: float) -> Span:
    return Span(round(span.start_s + by_s, 4), round(span.end_s + by_s, 4))


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A sound on its cue.

    Attributes:
        sound: clean, float32 [n] at `RATE`; nothing for a key.
        marks: the events in it.
        key: a key to press, where the line has keys; otherwise the sound, which is its tone.
    """

    cue: Cue
    sound: Samples
    marks: tuple[Mark, ...] = ()
    key: str = ""

    @property
    def yields(self) -> bool:
        """Whether it takes the floor from the agent: what the agent is saying is no answer."""
        return any(mark.expect is Expect.YIELD for mark in self.marks)

    @property
    def is_turn(self) -> bool:
        """Whether the agent owes an answer afterwards."""
        return any(mark.expect in (Expect.REPLY, Expect.YIELD) for mark in self.marks)


@dataclass(frozen=True, slots=True, eq=False)
class Echo:
    """The way from the caller's loudspeaker to their microphone.

    Attributes:
        taps: impulse response, float64 [n], unit energy.
        delay_s: before its first tap.
        loss_db: how much quieter the echo is than what is played.
    """

    taps: Signal
    delay_s: float
    loss_db: float


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What is between the caller's mouth and the line.

    Attributes:
        room: impulse response from mouth to microphone; None is a headset.
        bed: noise that goes on all the time, at its level, repeated; None is none.
        echo: None is a headset.
    """

    room: Signal | None = None
    bed: Signal | None = None
    echo: Echo | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """What each way of the line does to 20 ms packets.

    Attributes:
        loss: share of packets lost, 0..1, in bursts of 60 to 200 ms.
        jitter_s: standard deviation of the delay.
        delay_s: one way.
        mu_law: 8 kHz and 8 bits, as on a telephone.
    """

    loss: float = 0.0
    jitter_s: float = 0.0
    delay_s: float = 0.0
    mu_law: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SessionPlan:
    """One call from the caller's side.

    Attributes:
        id: unique within a run.
        scenario: S1 … S15.
        steps: in order.
        surroundings: of the caller.
        network: None is a perfect line.
        seed: of what chance does during the call.
        ending: after the last step, what the caller waits for before hanging up.
        cushion_s: sound that the caller's client collects before it plays, after a silence of
            the line; a client without one has gaps on any network.
        rehearsals: calls that are opened and hung up again before this one.
        limit_s: longest session.
        is_answered: the agent is given the time to speak; without, its silence is no fault.
    """

    id: str
    scenario: str
    steps: tuple[Step, ...]
    surroundings: Surroundings = field(default_factory=Surroundings)
    network: Network | None = None
    seed: tuple[int, ...] = ()
    ending: Cue = field(default_factory=lambda: Cue(When.AFTER_AGENT, 2.2))
    cushion_s: float = 0.02
    rehearsals: int = 0
    limit_s: float = 300.0
    is_answered: bool = True
