"""Why did it interrupt me? Each decision of a recorded call in a sentence."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from agent.core.events import (
    Action,
    Backchannel,
    BeginWork,
    CancelReply,
    DuckReply,
    Event,
    HoldReply,
    PrepareReply,
    Prompt,
    ReleaseReply,
    ResumeReply,
    SpeechEnded,
    SpeechJudged,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
)
from agent.core.overlap import UNKNOWN
from agent.core.turns import Floor
from agent.replay import Told, steps_of, told


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided `t` seconds into the call, and why, in words."""

    t: float
    what: str
    why: str


@dataclass(slots=True)
class _Known:
    """What the machine was last told that its decisions rest on."""

    ended_s: float = 0.0
    sound: SpeechJudged = field(default_factory=lambda: SpeechJudged(0, 1.0, UNKNOWN))
    turn_end: TurnEndPredicted = field(default_factory=lambda: TurnEndPredicted(0, UNKNOWN))

    def note(self, event: Event | None, t: float) -> None:
        match event:
            case SpeechStarted(segment):
                self.sound = SpeechJudged(segment, 1.0, UNKNOWN, "not judged")
            case SpeechEnded(segment):
                self.ended_s = t
                self.turn_end = TurnEndPredicted(segment, UNKNOWN, "not asked yet")
            case SpeechJudged():
                self.sound = event
            case TurnEndPredicted():
                self.turn_end = event
            case _:
                pass


def explain(lines: Iterable[Mapping[str, Any]]) -> Iterator[Decision]:
    """The decisions of a trace, in order, with what each rested on.

    Raises:
        ConfigError: this is no trace, or one of settings that this version does not know.
    """
    machine, steps = steps_of(lines)
    known = _Known()
    for step in steps:
        at, t = told(step), float(step.fields.get("t", 0.0))
        known.note(at.event, t)
        floor, text = machine.floor, machine.text
        machine.expire(at.now) if at.event is None else machine.handle(at.event, at.now)
        moment = _Moment(t, at, floor, machine.text or text)
        for action in step.asked:
            if (decision := _decision(action, moment, known)) is not None:
                yield decision


@dataclass(frozen=True, slots=True)
class _Moment:
    t: float
    told: Told
    before: Floor
    text: str


def _decision(action: Action, moment: _Moment, known: _Known) -> Decision | None:
    match action:
        case PrepareReply():
            return None  # a speculation: nobody hears of it
        case ReleaseReply(reply):
            return Decision(moment.t, f"took the turn (reply {reply})", _silence(moment, known))
        case Prompt(reply, reason):
            return Decision(moment.t, f"spoke up (reply {reply})", f"because of {reason.value}")
        case DuckReply(reply):
            what = f"turned reply {reply} down"
            why = "a voice over it" if moment.before is Floor.AGENT else _overlap(moment, known)
            return Decision(moment.t, what, why)
        case HoldReply(reply):
            return Decision(moment.t, f"held reply {reply}", _overlap(moment, known))
        case ResumeReply(reply):
            return Decision(moment.t, f"went on with reply {reply}", _overlap(moment, known))
        case BeginWork(reply):
            why = "it has the floor, and what came of it will be told whatever is said now"
            return Decision(moment.t, f"began to act (reply {reply})", why)
        case CancelReply(reply) if moment.before in (Floor.AGENT, Floor.OVERLAP):
            return Decision(moment.t, f"stopped reply {reply}", _overlap(moment, known))
        case CancelReply(reply):
            return Decision(moment.t, f"dropped reply {reply} unheard", _unheard(moment))
        case Backchannel(kind):
            return Decision(moment.t, f"made a small sound ({kind.value})", "the floor stays")
        case _:
            assert_never(action)


def _silence(moment: _Moment, known: _Known) -> str:
    end = known.turn_end
    return (
        f"after {moment.t - known.ended_s:.2f} s without a voice; turn over with "
        f"{end.probability:.2f} ({end.reason or 'no reason given'}); words: {_quoted(moment.text)}"
    )


def _overlap(moment: _Moment, known: _Known) -> str:
    sound = known.sound
    return (
        f"the caller with {sound.caller:.2f}, wants the floor with {sound.floor:.2f} "
        f"({sound.reason or 'by its sound'}); words: {_quoted(moment.text)}"
    )


def _unheard(moment: _Moment) -> str:
    match moment.told.event:
        case SpeechStarted():
            return "the caller went on before it sounded"
        case Transcript():
            return f"the words changed to {_quoted(moment.text)}"
        case None:
            return "it took too long"
        case other:
            return type(other).__name__


def _quoted(text: str) -> str:
    return f'"{text}"' if text else "none"
