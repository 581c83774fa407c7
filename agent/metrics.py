"""From the trace of one call to its figures: what each reply waited for, what was stopped and why.

Pure. All absolute times are loop seconds since the call started, which share
their zero with the seconds of the caller's stream to within about 20 ms.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agent.beats import Beat, beat
from agent.connection import EarReport, Network, ear_reports, network
from agent.core.record import NOTICE, Line
from agent.lines import at_s, number_of, text_of
from agent.utterances import Utterance, utterances


class Verdict(StrEnum):
    """How a barge-in ended."""

    CANCELLED = "cancelled"
    RESUMED = "resumed"
    ENDED = "ended"  # the reply was over before anything was decided
    UNDECIDED = "undecided"  # the trace stops here


@dataclass(frozen=True, slots=True)
class Waterfall:
    """When each part of a reply was there, in seconds after the caller's last sound.

    Negative is before it. None: the trace does not say.
    """

    speech_ended_s: float | None = None
    prepared_s: float | None = None
    final_s: float | None = None
    decided_s: float | None = None
    first_token_s: float | None = None
    first_audio_s: float | None = None
    audible_s: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the caller that got a reply.

    Attributes:
        said: what was handed to synthesis.
        heard: what the caller heard of it; None when the trace does not say.
        cut: the reply was stopped before its end.
        ended_s: the caller's last sound in the stream; the waterfall counts from here.
        ahead_s: how long before its release the reply was begun; 0 without speculation.
        discarded: replies begun for this turn and thrown away before any release.
    """

    reply: int
    segment: int | None
    words: str
    said: str
    heard: str | None
    cut: bool
    ended_s: float | None
    waterfall: Waterfall
    ahead_s: float
    discarded: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Something the agent said. `prompt` is why, when nobody had spoken to it."""

    reply: int
    said: str
    heard: str | None
    cut: bool
    audible_s: float | None
    over_s: float | None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the caller's speech; the bounds are those of the sound, without hang-over."""

    segment: int
    words: str
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class BargeIn:
    """Speech over a reply that could be heard: what was done about it, and when."""

    reply: int
    noticed_s: float | None
    ducked_s: float | None
    held_s: float | None
    decided_s: float | None
    verdict: Verdict

    @property
    def undecided_for_s(self) -> float | None:
        """Seconds between the duck and the verdict."""
        if self.ducked_s is None or self.decided_s is None:
            return None
        return self.decided_s - self.ducked_s


@dataclass(frozen=True, slots=True)
class FloorSpan:
    """Who held the floor for how long."""

    floor: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class CallFigures:
    """What one trace says.

    Attributes:
        false_holds: how often a reply was stopped, and then resumed because it was nothing.
        prepared: replies begun; discarded: those of them that were never released.
        late: steps that missed their due time; late_max_s is the worst of them.
        dropped: samples lost, by where; missing: samples of replies that were not ready in time.
        ears: what the caller's client reported of the way to the ear, in order of time.
        network: None where the trace does not say.
        beat: None where no duplex model had the call; utterances are what it said.
    """

    header: Line
    duration_s: float
    turns: tuple[Turn, ...]
    replies: tuple[Reply, ...]
    segments: tuple[Segment, ...]
    barge_ins: tuple[BargeIn, ...]
    floors: tuple[FloorSpan, ...]
    false_holds: int
    prepared: int
    discarded: int
    late: int
    late_max_s: float
    missing: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    end: str = ""
    ears: tuple[EarReport, ...] = ()
    network: Network | None = None
    beat: Beat | None = None
    utterances: tuple[Utterance, ...] = ()


def call_figures(lines: Sequence[Line]) -> CallFigures:
    """The figures of one call. What the trace does not hold is None or left out, never guessed."""
    book = _Book(lines)
    prepared = book.numbers("asked", "PrepareReply")
    released = book.numbers("asked", "ReleaseReply")
    late = [number_of(line, "lag_s") or 0.0 for line in book.all("late")]
    told = [*book.all("error"), *book.all(NOTICE)]
    barge_ins = tuple(_barge_ins(lines))
    return CallFigures(
        header=next(iter(book.all("call")), {}),
        duration_s=max((at_s(line) for line in lines), default=0.0),
        turns=tuple(
            _turn(book, n, before) for before, n in zip([0, *released], released, strict=False)
        ),
        replies=tuple(_reply(book, n) for n in _spoken(book)),
        segments=tuple(_segment(book, n) for n in book.segments()),
        barge_ins=barge_ins,
        floors=tuple(_floors(lines)),
        false_holds=sum(b.held_s is not None and b.verdict is Verdict.RESUMED for b in barge_ins),
        prepared=len(prepared),
        discarded=len(set(prepared) - set(released)),
        late=len(late),
        late_max_s=max(late, default=0.0),
        missing=sum(_dropped(book.all("underrun")).values()),
        dropped=_dropped(book.all("dropped")),
        notices=tuple(dict.fromkeys(text_of(line, "message") for line in told)),
        end=text_of(next(iter(book.all("end")), {}), "reason"),
        ears=ear_reports(lines),
        network=network(lines),
        beat=beat(lines),
        utterances=utterances(lines),
    )


class _Book:
    """The lines of a trace by event, what was told or asked, and reply or segment number."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._by_kind: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
        self._by_number: defaultdict[tuple[str, str, int], list[Line]] = defaultdict(list)
        for line in lines:
            event, what = text_of(line, "event"), text_of(line, "what")
            self._by_kind[event, what].append(line)
            for key in ("reply", "segment"):
                number = line.get(key)
                if isinstance(number, int):
                    self._by_number[event, what, number].append(line)

    def all(self, event: str, what: str | None = None) -> list[Line]:
        """In order; with `what` None, of every kind of the event."""
        if what is not None:
            return self._by_kind[event, what]
        kinds = [lines for (name, _), lines in list(self._by_kind.items()) if name == event]
        return [line for lines in kinds for line in lines]

    def of(self, event: str, what: str, number: int) -> list[Line]:
        """Those of one reply or segment, in order."""
        return self._by_number[event, what, number]

    def first_s(self, event: str, what: str, number: int) -> float | None:
        """When it first happened to this reply or segment."""
        return next((at_s(line) for line in self.of(event, what, number)), None)

    def numbers(self, event: str, what: str) -> list[int]:
        """Reply numbers, each once, in order of time."""
        found = (line.get("reply") for line in self.all(event, what))
        return list(dict.fromkeys(n for n in found if isinstance(n, int)))

    def segments(self) -> list[int]:
        """Segment numbers, in order."""
        lines = [
            *self.all("speech", ""),
            *self.all("told", "SpeechStarted"),
            *self.all("told", "Transcript"),
        ]
        return sorted({n for line in lines if isinstance(n := line.get("segment"), int)})


def _turn(book: _Book, reply: int, before: int) -> Turn:
    released_s = book.first_s("asked", "ReleaseReply", reply) or 0.0
    asked = book.of("asked", "PrepareReply", reply)
    segment = _last_segment(book, released_s)
    spoken = _reply(book, reply)
    ended_s = None if segment is None else _segment(book, segment).end_s
    prepared = book.numbers("asked", "PrepareReply")
    return Turn(
        reply=reply,
        segment=segment,
        words=text_of(asked[-1], "text") if asked else "",
        said=spoken.said,
        heard=spoken.heard,
        cut=spoken.cut,
        ended_s=ended_s,
        waterfall=Waterfall()
        if ended_s is None
        else _waterfall(book, reply, segment or 0, ended_s),
        ahead_s=released_s - at_s(asked[0]) if asked else 0.0,
        discarded=sum(before < n < reply for n in prepared),
    )


def _waterfall(book: _Book, reply: int, segment: int, ended_s: float) -> Waterfall:
    finals = [line for line in book.of("told", "Transcript", segment) if line.get("final") is True]
    stamps = {
        "speech_ended_s": book.first_s("told", "SpeechEnded", segment),
        "prepared_s": book.first_s("asked", "PrepareReply", reply),
        "final_s": at_s(finals[0]) if finals else None,
        "decided_s": book.first_s("asked", "ReleaseReply", reply),
        "first_token_s": book.first_s("first_token", "", reply),
        "first_audio_s": book.first_s("first_audio", "", reply),
        "audible_s": book.first_s("told", "ReplyAudible", reply),
    }
    after = {name: None if t is None else round(t - ended_s, 6) for name, t in stamps.items()}
    return Waterfall(**after)


def _last_segment(book: _Book, released_s: float) -> int | None:
    """The last segment known to be over when the reply was released."""
    ended = [*book.all("told", "SpeechEnded"), *book.all("speech", "")]
    known = [(at_s(line), n) for line in ended if isinstance(n := line.get("segment"), int)]
    return max(((t, n) for t, n in known if t <= released_s), default=(0.0, None))[1]


def _spoken(book: _Book) -> list[int]:
    """Numbers of the replies the caller heard something of, or was about to."""
    asked = [*book.numbers("asked", "ReleaseReply"), *book.numbers("asked", "Prompt")]
    return sorted({*asked, *book.numbers("told", "ReplyAudible")})


def _reply(book: _Book, reply: int) -> Reply:
    heard = next(iter(book.of("heard", "", reply)), None)
    audible_s = book.first_s("told", "ReplyAudible", reply)
    cancelled_s = book.first_s("asked", "CancelReply", reply)
    done_s = book.first_s("told", "ReplyDone", reply)
    ends = [t for t in (cancelled_s, done_s) if t is not None]
    cancelled = cancelled_s is not None and (done_s is None or cancelled_s < done_s)
    return Reply(
        reply=reply,
        said=" ".join(text_of(line, "text").strip() for line in book.of("said", "", reply)),
        heard=None if heard is None else text_of(heard, "text").strip(),
        cut=cancelled if heard is None else heard.get("cut") is True,
        audible_s=audible_s,
        over_s=min(ends, default=None),
        prompt=next((text_of(p, "reason") for p in book.of("asked", "Prompt", reply)), ""),
    )


def _segment(book: _Book, segment: int) -> Segment:
    speech = next(iter(book.of("speech", "", segment)), None)
    texts = book.of("told", "Transcript", segment)
    words = (
        f"{text_of(texts[-1], 'stable')} {text_of(texts[-1], 'unstable')}".strip() if texts else ""
    )
    if speech is None:
        return Segment(segment, words, None, None)
    return Segment(segment, words, number_of(speech, "start_s"), number_of(speech, "end_s"))


def _barge_ins(lines: Sequence[Line]) -> Iterator[BargeIn]:
    """In the order in which they were decided; those without a verdict last."""
    noticed_s: float | None = None
    audible: set[object] = set()
    under_way: dict[object, BargeIn] = {}
    for line in lines:
        t, reply = at_s(line), line.get("reply")
        number = reply if isinstance(reply, int) else 0
        fresh = BargeIn(number, noticed_s, None, None, None, Verdict.UNDECIDED)
        match line.get("event"), line.get("what"):
            case "told", "SpeechStarted":
                noticed_s = t
            case "told", "ReplyAudible":
                audible.add(reply)
            case "asked", "DuckReply":
                under_way[reply] = replace(under_way.get(reply, fresh), ducked_s=t)
            case "asked", "HoldReply":
                under_way[reply] = replace(under_way.get(reply, fresh), held_s=t)
            case "asked", "ResumeReply" if reply in under_way:
                yield replace(under_way.pop(reply), decided_s=t, verdict=Verdict.RESUMED)
            case "asked", "CancelReply" if reply in audible:
                audible.discard(reply)
                stopped = under_way.pop(reply, fresh)
                yield replace(stopped, decided_s=t, verdict=Verdict.CANCELLED)
            case "told", "ReplyDone":
                audible.discard(reply)
                if reply in under_way:
                    yield replace(under_way.pop(reply), decided_s=t, verdict=Verdict.ENDED)
    yield from under_way.values()


def _floors(lines: Sequence[Line]) -> Iterator[FloorSpan]:
    changes = [
        (at_s(line), text_of(line, "floor")) for line in lines if line.get("event") == "floor"
    ]
    ends = [start_s for start_s, _ in changes[1:]]
    ends.append(max((at_s(line) for line in lines), default=0.0))
    for (start_s, floor), end_s in zip(changes, ends, strict=False):
        if end_s > start_s:
            yield FloorSpan(floor, start_s, end_s)


def _dropped(lines: Iterable[Line]) -> dict[str, int]:
    lost: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        lost[text_of(line, "what")] += round(number_of(line, "samples") or 0.0)
    return dict(lost)
