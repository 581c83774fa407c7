"""Text with tags, a subset of SSML, as spans of text that say how they are spoken. Pure.

The tags are found by one regular expression and no XML parser sees the text: there is no document
type, no entity is defined, and what comes out is never longer than what went in. A reply comes in
clauses and its tags may stand open from one to the next, so the state is handed back and forth.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

MAX_BREAK_S = 5.0
"""Longest silence a tag may ask for: a longer one would sound like a broken line."""

MAX_PENDING = 300
"""Characters of a tag that a clause left unfinished; a longer one is text."""

MAX_OPEN = 32
"""Tags that may stand open at once; further ones have no effect."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an engine should speak, as far as it can.

    Attributes:
        pace: 1 is the voice's own, 2 twice as fast.
        gain_db: louder than the voice's own level.
        language: such as en-gb; empty for the voice's own.
    """

    pace: float = 1.0
    gain_db: float = 0.0
    language: str = ""


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text under the same tags.

    Attributes:
        text: as it was written, spaces included.
        manner: how to speak it.
        kind: what it is, in the words of `say-as`; empty where nothing says so.
        form: the order of a date, such as dmy; empty where nothing says so.
        alias: what to say in its place; None for itself.
        pause_s: silence to make; such a span has no text.
    """

    text: str
    manner: Manner = PLAIN
    kind: str = ""
    form: str = ""
    alias: str | None = None
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Markup:
    """What a clause leaves to the next one: open tags, innermost last, and an unfinished tag."""

    open: tuple[tuple[str, Span], ...] = ()
    pending: str = ""

    @property
    def around(self) -> Span:
        """What the open tags ask for, as a span without text."""
        return self.open[-1][1] if self.open else Span("")


_ATTRIBUTE = r"""[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'|[^\s"'<>=]+?)"""
_TAG = re.compile(
    rf"""<!--.{{0,500}}?-->|<\?.{{0,500}}?\?>|<!\[CDATA\[(?P<data>.{{0,500}}?)\]\]>
    |<!DOCTYPE[^\[>]{{0,500}}(?:\[.{{0,500}}?\]\s*)?>
    |<(?P<end>/?)(?P<name>[a-zA-Z][\w:.-]*)(?P<attributes>(?:\s+{_ATTRIBUTE})*)\s*(?P<empty>/?)>""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PAIR = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")
_UNFINISHED = re.compile(r"<[!?/]?[a-zA-Z\[-][^<>]*\Z")
_REFERENCE = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_PACES = MappingProxyType({"x-slow": 0.6, "slow": 0.8, "medium": 1, "fast": 1.25, "x-fast": 1.6})
_GAINS = MappingProxyType(
    {"silent": -40, "x-soft": -12, "soft": -6, "medium": 0, "loud": 4, "x-loud": 6}
)
_BREAKS = MappingProxyType(
    {"none": 0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.7, "x-strong": 1.0}
)


def spans(clause: str, before: Markup) -> tuple[list[Span], Markup]:
    """The spans of one clause, and what it leaves to the next.

    An unknown tag is dropped and its text spoken, a tag that never ends is text, and an end
    without a beginning is nothing.
    """
    text = f"{before.pending} {clause}" if before.pending else clause
    unfinished = _UNFINISHED.search(text)
    pending = unfinished.group() if unfinished else ""
    if pending and len(pending) <= MAX_PENDING:
        text = text[: -len(pending)]
    else:
        pending = ""
    found: list[Span] = []
    state, last = replace(before, pending=""), 0
    for tag in _TAG.finditer(text):
        state = _said(text[last : tag.start()], state, found)
        last = tag.end()
        if tag["data"] is not None:
            state = _said(tag["data"].replace("&", "&amp;"), state, found)
        elif tag["name"]:
            state = _met(tag, state, found)
    state = _said(text[last:], state, found)
    return found, replace(state, pending=pending)


def plain(clause: str, before: Markup) -> tuple[str, Markup]:
    """The clause without its tags, for an engine that knows none, and what it leaves."""
    found, after = spans(clause, before)
    return "".join(span.text for span in found), after


def rest(before: Markup) -> list[Span]:
    """What is left when no clause follows: a tag that never ended was text."""
    found: list[Span] = []
    _said(before.pending, before, found)
    return found


def _said(text: str, state: Markup, found: list[Span]) -> Markup:
    """Add a span of text; an alias is said once, with the first word that it stands for."""
    if not text:
        return state
    found.append(replace(state.around, text=_plain(text)))
    if not state.around.alias or not text.strip():
        return state
    return replace(state, open=tuple((n, replace(s, alias=s.alias and "")) for n, s in state.open))


def _met(tag: re.Match[str], state: Markup, found: list[Span]) -> Markup:
    name, given = tag["name"].lower(), dict(_attributes(tag["attributes"]))
    if name == "break" and not tag["end"]:
        found.append(Span("", pause_s=_pause_s(given)))
    if tag["end"]:
        return _ended(state, name)
    return state if tag["empty"] else _begun(state, name, given)


def _plain(text: str) -> str:
    return _REFERENCE.sub(lambda r: html.unescape(r.group()), text)


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for pair in _PAIR.finditer(text):
        value = next(v for v in pair.groups()[1:] if v is not None)
        yield pair[1].lower(), _plain(value)


def _begun(state: Markup, name: str, given: Mapping[str, str]) -> Markup:
    if len(state.open) >= MAX_OPEN:
        return state
    around = state.around
    manner = around.manner
    match name:
        case "prosody":
            pace = manner.pace * _pace(given.get("rate", ""))
            gain_db = manner.gain_db + _gain_db(given.get("volume", ""))
            manner = replace(manner, pace=min(2, max(0.5, pace)), gain_db=max(-40, min(6, gain_db)))
            around = replace(around, manner=manner)
        case "emphasis":
            slower = {"strong": 0.85, "reduced": 1.1, "none": 1.0}.get(given.get("level", ""), 0.92)
            manner = replace(manner, pace=min(2, max(0.5, manner.pace * slower)))
            around = replace(around, manner=manner)
        case "lang":
            language = given.get("xml:lang", given.get("lang", "")).lower()
            around = replace(around, manner=replace(manner, language=language))
        case "say-as":
            kind = given.get("interpret-as", "").lower()
            around = replace(around, kind=kind, form=given.get("format", "").lower())
        case "sub":
            around = replace(around, alias=given.get("alias"))
    return replace(state, open=(*state.open, (name, around)))


def _ended(state: Markup, name: str) -> Markup:
    """The innermost tag of this name ends, and those inside it that were left open."""
    for depth in reversed(range(len(state.open))):
        if state.open[depth][0] == name:
            return replace(state, open=state.open[:depth])
    return state


def _pause_s(given: Mapping[str, str]) -> float:
    if "time" not in given:
        return _BREAKS.get(given.get("strength", "medium"), 0.4)
    time = re.fullmatch(r"\+?(\d{1,6}(?:\.\d{1,6})?)(m?s)", given["time"].strip())
    seconds = float(time[1]) / (1000 if time[2] == "ms" else 1) if time else 0.0
    return min(MAX_BREAK_S, seconds)


def _pace(text: str) -> float:
    if percent := re.fullmatch(r"([+-]?)(\d{1,4}(?:\.\d{1,4})?)%", text):
        share = float(percent[2]) / 100
        return max(0.1, {"": share, "+": 1 + share, "-": 1 - share}[percent[1]])
    return float(_PACES.get(text, 1))


def _gain_db(text: str) -> float:
    if level := re.fullmatch(r"([+-]?\d{1,3}(?:\.\d{1,3})?)db", text.lower()):
        return float(level[1])
    return float(_GAINS.get(text, 0))
