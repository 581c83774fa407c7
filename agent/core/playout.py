"""What may be heard of the agent, by reply number; and a ledger of what was heard.

A reply's sound waits behind a door. The turn machine opens it, turns it down, holds it and closes
it for good; whatever carries another number is refused. `next` is called once per frame by whoever
plays, and obeys all that was said before it.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from agent.core.audio import Samples
from agent.core.events import ReplyAudible, ReplyDone
from agent.core.protocols import Speech

DUCK_GAIN = 10 ** (-15 / 20)
"""15 dB down: plainly giving way, still intelligible; the middle of the 12–18 dB of the design."""

RAMP_S = 0.01
"""Time for the gain to go from 1 to 0: short enough to end within one 20 ms frame, long enough
that no click is heard (a 10 ms ramp keeps its spectrum below about 100 Hz)."""

LIMIT_S = 3.0
"""Sound of one reply that may wait to be played; the producer waits beyond it. More would be thrown
away at a barge-in, less would make the voice stutter when an engine pauses for breath."""

LEDGERS = 8
"""Replies whose ledger is kept: the one being cut is at most one behind the one being played."""


GIVEN = 16
"""Runs of given sound that can be taken back: calls are at most a few 20 ms frames ahead."""


class Put(Enum):
    """What became of sound that was put."""

    TAKEN = auto()
    FULL = auto()  # try again once some was played
    STALE = auto()  # its reply is over: stop making more


class Door(Enum):
    """How much of the reply gets out."""

    CLOSED = auto()
    OPEN = auto()
    DUCKED = auto()
    HELD = auto()


_GAIN = {Door.CLOSED: 0.0, Door.OPEN: 1.0, Door.DUCKED: DUCK_GAIN, Door.HELD: 0.0}


@dataclass(frozen=True, slots=True)
class Played:
    """What one call of `next` gave.

    Attributes:
        samples: float32 [count], silence where nothing may be heard.
        events: ReplyAudible and ReplyDone, in order.
        missing: samples of silence in a reply that should have been sounding (an underrun).
    """

    samples: Samples
    events: tuple[ReplyAudible | ReplyDone, ...]
    missing: int


@dataclass(slots=True)
class _Piece:
    """One put of sound: how long it is, its words, and where in our stream its samples went."""

    text: str
    length: int
    runs: list[tuple[int, int]] = field(default_factory=list)  # (position, count)

    def take_back(self, played: int) -> None:
        """What was given out from position `played` on was not heard."""
        before = [(position, min(count, played - position)) for position, count in self.runs]
        self.runs = [(position, count) for position, count in before if count > 0]

    def heard_samples(self, played: int) -> int:
        return sum(min(count, max(0, played - position)) for position, count in self.runs)


@dataclass(slots=True)
class _Track:
    """The sound of the live reply that was not played yet."""

    reply: int
    door: Door = Door.CLOSED
    gain: float = 1.0
    queue: deque[tuple[Samples, _Piece]] = field(default_factory=deque)
    given: deque[tuple[int, Samples, _Piece]] = field(
        default_factory=lambda: deque(maxlen=GIVEN)  # (position, samples, piece), newest last
    )
    waiting: int = 0
    played: int = 0
    is_told: bool = False  # that it is audible
    is_complete: bool = False
    asks: bool = False


class Playout:
    """The door and the ledger of one call. Positions count samples given out, silence included."""

    __slots__ = (
        "_aside",
        "_ledgers",
        "_limit",
        "_ramp",
        "_tail",
        "_track",
        "position",
        "sounded_to",
    )

    def __init__(self, rate: int) -> None:
        """A closed door at `rate` Hz."""
        self._limit = int(LIMIT_S * rate)
        self._ramp = max(1, int(RAMP_S * rate))
        self._track: _Track | None = None
        self._tail: Samples = np.zeros(0, np.float32)
        self._aside: Samples = np.zeros(0, np.float32)
        self._ledgers: dict[int, list[_Piece]] = {}
        self.position = 0
        self.sounded_to = 0  # position after the last sample that was not silence

    @property
    def is_about_to_sound(self) -> bool:
        """Whether a released reply has sound, none of which was given out yet."""
        track = self._track
        return (
            track is not None
            and track.door is Door.OPEN
            and track.waiting > 0
            and track.played == 0
        )

    def open(self, reply: int) -> None:
        """Begin a reply behind a closed door; whatever was there before is over."""
        self._track = _Track(reply)
        self._ledgers[reply] = []
        while len(self._ledgers) > LEDGERS:
            del self._ledgers[min(self._ledgers)]

    def put(self, reply: int, speech: Speech) -> Put:
        """Add sound to a reply."""
        track = self._of(reply)
        if track is None:
            return Put.STALE
        if track.waiting >= self._limit:
            return Put.FULL
        piece = _Piece(speech.text, len(speech.frame.samples))
        self._ledgers[reply].append(piece)
        track.queue.append((speech.frame.samples, piece))
        track.waiting += piece.length
        return Put.TAKEN

    def complete(self, reply: int, *, asks: bool = False) -> None:
        """No more sound will be put; `asks`: it ends in a question."""
        if track := self._of(reply):
            track.is_complete, track.asks = True, asks

    def aside(self, samples: Samples) -> None:
        """A small sound beside the replies, float32 [n]; none that is to begin does before it ends.

        It is in no ledger, and refused while a reply sounds or while another one is not over.
        """
        is_sounding = self._track is not None and self._track.played > 0
        if not is_sounding and not len(self._aside):
            self._aside = samples

    def hush(self) -> None:
        """End an aside, over one ramp."""
        rest = self._aside[: self._ramp]
        self._aside = rest * np.linspace(1, 0, len(rest), dtype=np.float32)

    def release(self, reply: int) -> None:
        """Open the door, the first time or again: that it is audible is told each time."""
        track = self._of(reply)
        if track and track.door in (Door.CLOSED, Door.HELD):
            track.door, track.is_told = Door.OPEN, False

    def duck(self, reply: int) -> None:
        """Go on more quietly."""
        self._set(reply, Door.DUCKED)

    def hold(self, reply: int) -> None:
        """Stop; keep the place. What was not begun does not begin."""
        if track := self._of(reply):
            track.door = Door.HELD if track.played else Door.CLOSED

    def resume(self, reply: int) -> None:
        """Come back at the same sample, at full level."""
        self._set(reply, Door.OPEN)

    def cancel(self, reply: int, *, fade: bool = True) -> None:
        """Refuse the rest of a reply; ask `heard` before.

        Args:
            reply: which.
            fade: go silent over one ramp. Without it silence is immediate, for a call that takes
                back what it was handed: a ramp after the gap would be heard as a blip.
        """
        track = self._of(reply)
        if track is None:
            return
        if fade and track.played and track.gain > 0:
            track.door = Door.HELD
            gains = self._gains(track, self._ramp)
            samples = self._drain(track, len(gains), self.position)
            self._tail = samples * gains[: len(samples)]
        self._track = None

    def take_back(self, played: int) -> None:
        """What was given out from position `played` on is not heard: it will be given again."""
        track = self._track
        while track and track.given and track.given[-1][0] + len(track.given[-1][1]) > played:
            position, samples, piece = track.given.pop()
            back = samples[max(0, played - position) :]
            piece.take_back(played)
            track.queue.appendleft((back, piece))
            track.waiting += len(back)
            track.played -= len(back)

    def next(self, count: int) -> Played:
        """The next `count` samples to play."""
        out = np.zeros(count, np.float32)
        faded = max(len(self._tail[:count]), len(self._aside[:count]))
        out[: len(self._tail)] += self._tail[:count]
        out[: len(self._aside)] += self._aside[:count]
        is_aside = len(self._aside) > 0
        self._tail, self._aside = self._tail[count:], self._aside[count:]
        events: list[ReplyAudible | ReplyDone] = []
        missing = 0
        if (track := self._track) and track.door is not Door.CLOSED and not is_aside:
            missing = self._play(track, out, events)
            faded = max(faded, count)
        self.position += count
        self.sounded_to = self.position if faded else self.sounded_to
        return Played(out, tuple(events), missing)

    def heard(self, reply: int, played: int) -> str:
        """The words of a reply whose sound was played, once the far side is at `played` samples.

        A word is heard when at least half of its sound was; within one piece of speech, words
        take time in proportion to their letters.
        """
        parts = []
        for piece in self._ledgers.get(reply, ()):
            share = piece.heard_samples(played) / piece.length if piece.length else 0.0
            parts.append(words_within(piece.text, share))
        return " ".join(part for part in parts if part)

    # --- inside -------------------------------------------------------------------------------

    def _of(self, reply: int) -> _Track | None:
        return self._track if self._track and self._track.reply == reply else None

    def _set(self, reply: int, door: Door) -> None:
        if track := self._of(reply):
            track.door = door

    def _play(self, track: _Track, out: Samples, events: list[ReplyAudible | ReplyDone]) -> int:
        """Mix the track into `out`; the samples that are missing from it."""
        before = track.played
        gains = self._gains(track, len(out))
        samples = self._drain(track, len(gains), self.position)
        out[: len(samples)] += samples * gains[: len(samples)]
        if len(samples) and not track.is_told:
            track.is_told = True
            events.append(ReplyAudible(track.reply))
        if track.is_complete and not track.waiting:
            events.append(ReplyDone(track.reply, track.asks))
            self._track = None
            return 0
        return len(gains) - len(samples) if before else 0

    def _gains(self, track: _Track, count: int) -> Samples:
        """The gain of each sample that may be taken now; a held track gives none once silent."""
        target = _GAIN[track.door]
        steps = np.arange(1, count + 1, dtype=np.float32) / self._ramp
        if target < track.gain:
            gains = np.maximum(track.gain - steps, target)
        else:
            gains = np.minimum(track.gain + steps, target)
        if track.door is Door.HELD:
            gains = gains[gains > 0]
            track.gain = float(gains[-1]) if len(gains) == count else 0.0
        else:
            track.gain = float(gains[-1])
        return gains.astype(np.float32)

    def _drain(self, track: _Track, count: int, position: int) -> Samples:
        """Take up to `count` samples from the track and enter them in the ledger."""
        taken: list[Samples] = []
        while count and track.queue:
            samples, piece = track.queue.popleft()
            head, rest = samples[:count], samples[count:]
            if len(rest):
                track.queue.appendleft((rest, piece))
            taken.append(head)
            piece.runs.append((position, len(head)))
            track.given.append((position, head, piece))
            position += len(head)
            count -= len(head)
            track.waiting -= len(head)
            track.played += len(head)
        return np.concatenate(taken) if taken else np.zeros(0, np.float32)


def words_within(text: str, share: float) -> str:
    """The words of `text` that are at least half inside its first `share`, 0..1, of letters."""
    words = text.split()
    letters = sum(map(len, words))
    heard, end = [], 0
    for word in words:
        middle = (end + len(word) / 2) / letters
        end += len(word)
        if middle <= share:
            heard.append(word)
    return " ".join(heard)
