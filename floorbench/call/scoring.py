"""One call, scored by ear."""

from collections.abc import Iterable, Sequence
from statistics import median

from agent.connection import EarReport
from agent.metrics import CallFigures
from floorbench.activity import Span
from floorbench.call.captions import captions, markers
from floorbench.call.ear import Ear
from floorbench.call.interjections import interjections
from floorbench.call.results import (
    CallName,
    Connection,
    Interjection,
    Interruption,
    Outcome,
    Results,
    Summary,
    TurnResult,
    Way,
    distribution,
)
from floorbench.call.turn_scoring import turn_result
from floorbench.overlap import talk_over, unanswered


def score(ear: Ear, figures: CallFigures) -> Results:
    """Every figure of one call."""
    turns = tuple(turn_result(turn, ear, figures) for turn in figures.turns)
    spoken = tuple(interjections(ear, figures))
    return Results(
        call=_name(figures, ear),
        summary=_summary(turns, spoken, ear, figures),
        turns=turns,
        interjections=spoken,
        caller=ear.caller,
        agent=ear.agent,
        floors=figures.floors,
        captions=captions(figures, ear.agent),
        markers=markers(figures),
        notices=(*figures.notices, *_notices(ear, figures)),
        connection=_connection(figures),
        beat=figures.beat,
    )


def _summary(
    turns: Sequence[TurnResult], spoken: Sequence[Interjection], ear: Ear, figures: CallFigures
) -> Summary:
    counted = [t for t in turns if t.outcome in (Outcome.HEARD, Outcome.MISSED)]
    yielded = [i for i in spoken if i.outcome is Interruption.YIELDED]
    kept = [i for i in spoken if i.outcome is Interruption.KEPT_TALKING]
    alone = unanswered(ear.caller, ear.agent, ear.duration_s)
    ends = {t.caller_end_s for t in turns}  # a turn that was missed is counted as such already
    through = [Span(i.start_s, i.end_s) for i in kept]
    return Summary(
        ear=distribution(t.ear_s for t in counted),
        stop=distribution(i.stop_s for i in yielded),
        duck=distribution(i.duck_s for i in (*yielded, *kept)),
        interjections=len(spoken),
        yielded=len(yielded),
        kept_talking=len(kept),
        false_holds=figures.false_holds,
        premature=sum(t.premature for t in turns),
        unanswered=sum(part.end_s not in ends for part in alone),
        talk_over=talk_over(ear.caller, ear.agent, through, ear.duration_s),
        prepared=figures.prepared,
        discarded=figures.discarded,
        late=figures.late,
        late_max_s=figures.late_max_s,
        missing=figures.missing,
        dropped=figures.dropped,
    )


def _name(figures: CallFigures, ear: Ear) -> CallName:
    words = {k: v for k, v in figures.header.items() if isinstance(v, str)}
    return CallName(
        call=words.get("call", ""),
        agent=words.get("agent", ""),
        wall=words.get("wall", ""),
        parley=words.get("parley", ""),
        duration_s=ear.duration_s,
        end=figures.end,
    )


def _connection(figures: CallFigures) -> Connection | None:
    if not figures.ears and figures.network is None:
        return None
    return Connection(_way(figures.ears) if figures.ears else None, figures.network)


def _way(ears: Sequence[EarReport]) -> Way:
    return Way(
        n=len(ears),
        round_trip_s=_middle(ear.round_trip_s for ear in ears),
        buffer_s=_middle(ear.buffer_s for ear in ears),
        output_latency_s=_middle(ear.output_latency_s for ear in ears),
        jitter_s=_middle(ear.jitter_s for ear in ears),
    )


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _notices(ear: Ear, figures: CallFigures) -> list[str]:
    out = []
    if figures.duration_s > ear.duration_s + 0.5:
        out.append(
            f"the recording ends at {ear.duration_s:.2f} s and the trace goes on to "
            f"{figures.duration_s:.2f} s; what comes later is not measured by ear"
        )
    if not figures.end:
        out.append("the trace does not say how the call ended; it may have been cut short")
    if not ear.caller:
        out.append("no speech is to be heard in the caller's channel")
    if not ear.agent:
        out.append("no sound is to be heard in the agent's channel")
    return out
