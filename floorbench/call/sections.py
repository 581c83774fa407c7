"""The parts of the page that are text and tables. Every word that was said is escaped here."""

from collections.abc import Iterable
from html import escape

from floorbench.call.elements import card, cautions, table
from floorbench.call.results import Caption, Interjection, Outcome, Results, TurnResult
from floorbench.call.wording import (
    NONE,
    clock,
    has_way,
    is_duplex,
    millis,
    no_turns,
    note,
    plural,
    seconds,
    shortened,
    survived,
)

PEOPLE_S = 0.2
"""Source: floorbench, section 6: people answer each other after about 200 ms."""


def headlines(results: Results) -> str:
    """Four figures, each with what it was bought with."""
    s = results.summary
    whole, through = survived(results)
    cards = (
        card(
            seconds(s.ear.p50_s),
            "until the caller hears the reply",
            f"p90 {seconds(s.ear.p90_s)}, p95 {seconds(s.ear.p95_s)} · {plural(s.ear.n, 'turn')}, "
            f"{s.ear.missed + s.unanswered} missed",
            _strip([t.ear_s for t in results.turns], "agent", PEOPLE_S),
        ),
        card(
            seconds(s.stop.p50_s),
            "to fall silent when interrupted",
            f"p95 {seconds(s.stop.p95_s)} · {plural(s.stop.n, 'interruption')}; first quieter "
            f"after {seconds(s.duck.p50_s)}"
            if s.yielded
            else "nobody interrupted it",
            _strip([i.stop_s for i in results.interjections], "overlap"),
        ),
        card(
            f"{whole} of {through}" if through else NONE,
            "sounds of listening talked on through",
            "without a hole of 0.3 s: “mm-hm”, “yes”, a cough" if through else "nobody made one",
            _pips(whole, through, "kept"),
        ),
        card(
            f"{s.premature} of {len(results.turns)}",
            "replies that cut the caller off",
            f"both spoke for {seconds(s.talk_over.total_s, 1)} in all, "
            f"{seconds(s.talk_over.per_minute_s, 1)} a minute",
            _pips(s.premature, len(results.turns), "early"),
        ),
    )
    return "".join(cards)


def _strip(delays: Iterable[float | None], kind: str, people_s: float | None = None) -> str:
    """Every delay as a dot; with the pace of people for comparison, where there is one."""
    found = [d for d in delays if d is not None]
    if not found:
        return ""
    low, high = min(0.0, *found), max(1.0, *found)

    def x(at_s: float) -> str:
        return f"{4 + 192 * (at_s - low) / (high - low):.1f}"

    dots = "".join(f'<circle class="{kind}" cx="{x(d)}" cy="9" r="4"/>' for d in found)
    pace = f'<text x="{x(0.0)}" y="27" class="first">0</text>'
    if people_s is not None:
        at = x(people_s)
        pace = f'<path class="people" d="M{at} 2v14"/><text x="{at}" y="27">people</text>'
    spoken = (
        f"{plural(len(found), 'delay')} between {seconds(min(found))} and {seconds(max(found))}"
    )
    return (
        f'<svg class="strip" viewBox="0 0 200 30" role="img" aria-label="{spoken}">'
        f'<path d="M4 9H196"/>{pace}{dots}'
        f'<text class="last" x="196" y="27">{high:.1f} s</text></svg>'
    )


def _pips(marked: int, count: int, kind: str) -> str:
    """One small square for each, the first `marked` filled. The figure beside it says the same."""
    if not 0 < count <= 40:
        return ""
    pips = (f'<i class="{kind}"></i>' if n < marked else "<i></i>" for n in range(count))
    return f'<p class="pips" aria-hidden="true">{"".join(pips)}</p>'


def transcript(results: Results) -> str:
    """Who said what when; words that were never heard are struck out."""
    if not results.captions:
        return '<p class="none">The trace holds no words.</p>'
    return f'<ol class="said">{"".join(map(_line, results.captions))}</ol>'


def _line(caption: Caption) -> str:
    cut = (
        f' <del title="never heard"><span class="vh">not heard: </span>'
        f"{escape(caption.unheard)}</del>"
        if caption.unheard
        else ""
    )
    who = "Caller" if caption.who == "caller" else "Agent"
    times = f'data-from="{caption.start_s:.2f}" data-to="{caption.end_s:.2f}"'
    return (
        f'<li class="{who.lower()}" {times}>'
        f'<button class="when" data-at="{caption.start_s:.2f}">{clock(caption.start_s)}</button>'
        f'<p><span class="who">{who}</span> {escape(caption.text)}{cut}</p></li>'
    )


def turns_table(results: Results) -> str:
    """All turns in figures."""
    way = ("network", "device") if has_way(results) else ()
    head = ("", "caller said", "heard", "silence", "words", "decided", "token", "audio", "played",
            *way, "rest", "note")  # fmt: skip
    body = (_turn(n, t, results) for n, t in enumerate(results.turns, start=1))
    return table(head, body, no_turns(results))


def _turn(number: int, turn: TurnResult, results: Results) -> tuple[str, ...]:
    w = turn.waterfall
    part = turn.waited
    way = (part.network_s, part.device_s) if part else (None, None)
    rest = (*(way if has_way(results) else ()), part.remainder_s if part else None)
    stamps = (
        w.speech_ended_s,
        w.final_s,
        w.decided_s,
        w.first_token_s,
        w.first_audio_s,
        w.audible_s,
    )
    heard = millis(turn.ear_s) if turn.outcome is Outcome.HEARD else turn.outcome.value
    words = escape(shortened(turn.words, 60))
    remark = escape(note(turn, results) if turn.outcome is Outcome.HEARD else "")
    return (str(number), words, f"<b>{heard}</b>", *map(millis, (*stamps, *rest)), remark)


def interjections_table(results: Results) -> str:
    """What happened when the caller spoke while the agent spoke."""
    head = ("at", "caller said", "the agent", "quieter after", "silent after", "hole", "undecided")
    nothing = "Nobody spoke while the agent spoke."
    if is_duplex(results):
        both_s = results.summary.talk_over.total_s
        nothing = f"No barge-in was decided; both spoke for {seconds(both_s, 1)} in all."
    return table(head, map(_interjection, results.interjections), nothing)


def _interjection(i: Interjection) -> tuple[str, ...]:
    words = escape(shortened(i.words, 60)) or "<em>no words</em>"
    delays = (i.duck_s, i.stop_s, i.hole_s, i.undecided_for_s)
    return (clock(i.start_s), words, i.outcome.value, *map(millis, delays))


def notices(results: Results) -> str:
    """What is wrong with this recording or trace, if anything."""
    s = results.summary
    told = list(results.notices)
    if s.late:
        told.append(f"{plural(s.late, 'step')} late, the worst by {millis(s.late_max_s)} ms")
    told += [
        f"{plural(lost, 'sample')} of the {where} dropped" for where, lost in s.dropped.items()
    ]
    if s.missing:
        told.append(f"{plural(s.missing, 'sample')} of replies were not ready in time")
    return cautions(told)
