"""The words of a call with their places in time, and the moments at which the agent decided."""

from collections.abc import Sequence

from agent.metrics import BargeIn, CallFigures, Reply, Verdict
from agent.utterances import Utterance
from floorbench.activity import Span
from floorbench.call.results import Caption, Marker


def unheard(said: str, heard: str | None) -> str:
    """The words that were to be said and were not heard: what follows the heard ones."""
    if heard is None:
        return ""
    every, known = said.split(), len(heard.split())
    return " ".join(every[known:])


def captions(figures: CallFigures, agent: Sequence[Span]) -> tuple[Caption, ...]:
    """Everybody's words in order of time."""
    spoken = [
        Caption("caller", s.words, "", s.start_s, s.end_s)
        for s in figures.segments
        if s.words and s.start_s is not None and s.end_s is not None
    ]
    answers = [_answer(r, r.audible_s, agent) for r in figures.replies if r.audible_s is not None]
    told = [_utterance(u) for u in figures.utterances]
    return tuple(sorted((*spoken, *answers, *told), key=lambda c: c.start_s))


def _answer(reply: Reply, audible_s: float, agent: Sequence[Span]) -> Caption:
    over_s = reply.over_s if reply.over_s is not None else audible_s
    ends = [e.end_s for e in agent if audible_s - 0.1 <= e.start_s <= max(over_s, audible_s + 0.5)]
    return Caption(
        "agent",
        reply.said if reply.heard is None else reply.heard,
        unheard(reply.said, reply.heard) if reply.cut else "",
        audible_s,
        max(ends, default=max(over_s, audible_s)),
    )


def _utterance(told: Utterance) -> Caption:
    heard = told.said if told.heard is None else told.heard
    return Caption("agent", heard, unheard(told.said, told.heard), told.start_s, told.end_s)


def markers(figures: CallFigures) -> tuple[Marker, ...]:
    """What the agent did about speech over its own."""
    return tuple(sorted(_markers(figures.barge_ins), key=lambda m: m.at_s))


def _markers(barge_ins: Sequence[BargeIn]) -> list[Marker]:
    out: list[Marker] = []
    for b in barge_ins:
        verdict = {Verdict.CANCELLED: "cancel", Verdict.RESUMED: "resume"}.get(b.verdict)
        stamps = (("duck", b.ducked_s), ("hold", b.held_s), (verdict, b.decided_s))
        out += [Marker(kind, t, f"{kind} reply {b.reply}") for kind, t in stamps if kind and t]
    return out
