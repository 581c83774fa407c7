"""One row of the page per turn: what the caller waited for, and what was done meanwhile."""

from html import escape

from floorbench.call.results import Results, TurnResult, Waited
from floorbench.call.wording import (
    clock,
    has_way,
    is_duplex,
    millis,
    no_turns,
    note,
    seconds,
    shortened,
)

PARTS = (
    ("silence", "noticing the silence"),
    ("decision", "deciding that it is your turn"),
    ("model", "the model's first word"),
    ("voice", "the voice's first sound"),
    ("door", "handing it to the call"),
    ("network", "the network and the receive buffer"),
    ("device", "the caller's sound device"),
    ("remainder", "unexplained, until it is heard"),
)
WAY = ("network", "device")
"""Parts that only a report of the caller's client can tell."""
STAMPS = (
    ("prepared_s", "begun", "reply begun"),
    ("final_s", "words", "transcript final"),
    ("first_token_s", "token", "first word of the model"),
    ("first_audio_s", "audio", "first sound of the voice"),
)
LABEL_FROM = 7.0
"""Percent of the row from which a part is wide enough to carry its figure."""


def rows(results: Results) -> str:
    """All turns on one scale, so that they can be compared by eye."""
    if not results.turns:
        return f'<p class="none">{no_turns(results)}</p>'
    top_s = _top_s(results)
    every = (_row(n, t, top_s, results) for n, t in enumerate(results.turns, start=1))
    return f'<ol class="falls">{"".join(every)}</ol>{_scale(top_s)}'


def _top_s(results: Results) -> float:
    reached = [0.5]
    for turn in results.turns:
        stamps = (turn.ear_s, turn.waterfall.audible_s, turn.waterfall.first_audio_s)
        reached += [t for t in stamps if t is not None]
    return max(reached) * 1.04


def _row(number: int, turn: TurnResult, top_s: float, results: Results) -> str:
    words = escape(shortened(turn.words, 90)) or "<em>no words</em>"
    remark = note(turn, results)
    tag = f' <span class="tag">{escape(remark)}</span>' if remark else ""
    at_s = turn.caller_end_s
    jump = "" if at_s is None else _jump(max(0.0, at_s - 1.0), f"Play turn {number}")
    return (
        f'<li><div class="fall-head">{jump}<span class="fall-words">{number}. {words}{tag}</span>'
        f"<b>{seconds(turn.ear_s)}</b></div>"
        f'<div class="track">{_bar(turn.waited, top_s)}{_dots(turn, top_s)}</div></li>'
    )


def _bar(waited: Waited | None, top_s: float) -> str:
    """The parts one after the other; a negative remainder is drawn back from their end."""
    if waited is None:
        return '<p class="none">not measured</p>'
    pieces, reached = [], 0.0
    for name, meaning in PARTS:
        lasted_s = {
            "silence": waited.silence_s,
            "decision": waited.decision_s,
            "model": waited.model_s,
            "voice": waited.voice_s,
            "door": waited.door_s,
            "network": waited.network_s or 0.0,
            "device": waited.device_s or 0.0,
            "remainder": waited.remainder_s,
        }[name]
        if round(lasted_s, 3) == 0:
            continue
        left, width = (
            _percent(min(reached, reached + lasted_s), top_s),
            _percent(abs(lasted_s), top_s),
        )
        figure = millis(lasted_s)
        label = f"<b>{figure}</b>" if width >= LABEL_FROM else ""
        back = " back" if lasted_s < 0 else ""
        pieces.append(
            f'<span class="part {name}{back}" style="left:{left:.2f}%;width:{width:.2f}%" '
            f'title="{escape(meaning)}: {figure} ms">{label}</span>'
        )
        reached += lasted_s
    return "".join(pieces)


def _dots(turn: TurnResult, top_s: float) -> str:
    stamps = turn.waterfall
    at = {
        "prepared_s": stamps.prepared_s,
        "final_s": stamps.final_s,
        "first_token_s": stamps.first_token_s,
        "first_audio_s": stamps.first_audio_s,
    }
    out = []
    for field, short, meaning in STAMPS:
        stamp_s = at[field]
        if stamp_s is None:
            continue
        left = min(max(_percent(stamp_s, top_s), 0.0), 100.0)
        out.append(
            f'<span class="dot {short}" style="left:{left:.2f}%" '
            f'title="{meaning}: {millis(stamp_s)} ms"></span>'
        )
    return f'<span class="thread"></span>{"".join(out)}'


def _scale(top_s: float) -> str:
    step_s = next(s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, top_s) if top_s / s <= 6.5)
    ticks = [i * step_s for i in range(int(top_s / step_s) + 1)]
    marks = (f'<span style="left:{_percent(t, top_s):.2f}%">{t:g}</span>' for t in ticks)
    return f'<div class="scale" aria-hidden="true">{"".join(marks)}<i>s</i></div>'


def _percent(value_s: float, top_s: float) -> float:
    return 100 * max(value_s, 0.0) / top_s


def _jump(at_s: float, label: str) -> str:
    return (
        f'<button class="jump" data-at="{at_s:.2f}" aria-label="{escape(label)}, '
        f'at {clock(at_s)}"><svg viewBox="0 0 10 10" aria-hidden="true">'
        '<path d="M2 1l7 4-7 4z"/></svg></button>'
    )


def legend(results: Results) -> str:
    """What the colours and the dots of a row mean; the way to the ear only where it was told."""
    if is_duplex(results):
        return ""
    shown = [part for part in PARTS if part[0] not in WAY or has_way(results)]
    parts = (f'<li><i class="part {name}"></i>{escape(text)}</li>' for name, text in shown)
    dots = (f'<li><i class="dot {short}"></i>{escape(text)}</li>' for _, short, text in STAMPS)
    return f'<ul class="key">{"".join(parts)}{"".join(dots)}</ul>'
