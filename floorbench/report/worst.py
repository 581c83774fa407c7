"""The worst moment of each kind of failure, to be listened to without leaving the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from floorbench.activity import Span
from floorbench.call.wording import clock
from floorbench.report.judged import EXPECTED, Judged, failures, subject
from floorbench.report.peaks import Recordings, excerpt
from floorbench.report.sessions import VOID, Shown, focus
from floorbench.score.outcome import EventResult

MOST = 5


@dataclass(frozen=True, slots=True)
class Moment:
    """A failure with its sound.

    Attributes:
        number: of its session in the list.
        rank: of the event in its session.
        sound: a data URL.
    """

    number: int
    rank: int
    event: EventResult
    judged: Judged
    span: Span
    sound: str


def moments(found_at: Recordings, every: Sequence[Shown], budget_bytes: int) -> list[Moment]:
    """One of each kind of failure, each of another session, as many as the budget allows."""
    places = {s.session.id: (n, s) for n, s in enumerate(every) if s.state != VOID}
    failed = failures(event for _, s in places.values() for event, _ in s.events)
    kinds: set[str] = set()
    found: dict[str, Moment] = {}
    for event, judged in failed:
        number, shown = places[event.session]
        path = found_at.of(shown.session)
        if judged.fault in kinds or event.session in found or path is None:
            continue
        sound = excerpt(path, focus(event))
        if sound and len(sound) <= budget_bytes:
            budget_bytes -= len(sound)
            kinds.add(judged.fault)
            rank = [e.key for e, _ in shown.events].index(event.key)
            found[event.session] = Moment(number, rank, event, judged, focus(event), sound)
        if len(found) == MOST:
            break
    return list(found.values())


def section(found: Sequence[Moment]) -> str:
    """The moments as cards; nothing where there are none."""
    if not found:
        return ""
    cards = "".join(map(_card, found))
    return (
        '<section class="panel" aria-labelledby="h-worst"><h2 id="h-worst">The worst moments</h2>'
        '<p class="hint">One of each kind of failure. The sound is in this page: the caller on the '
        f'left, the agent on the right.</p><ol class="moments">{cards}</ol></section>'
    )


def _card(moment: Moment) -> str:
    event = moment.event
    return (
        f'<li class="moment" data-n="{moment.number}" data-event="{moment.rank}" '
        f'data-from="{moment.span.start_s:.3f}" data-to="{moment.span.end_s:.3f}">'
        f'<p><span class="chip failed">{escape(moment.judged.fault)}</span> '
        f"<b>{escape(subject(event))}</b></p>"
        f'<p>{escape(_sentence(moment.judged.sentence))} <span class="soft">It should '
        f"{escape(EXPECTED[event.expect])}.</span></p>"
        f'<audio controls preload="none" src="{moment.sound}" aria-label="{escape(event.session)}, '
        f'at {clock(event.start_s)}"></audio>'
        f'<p class="hint">{escape(event.session)} at {clock(event.start_s)}</p></li>'
    )


def _sentence(text: str) -> str:
    return f"It {text}."
