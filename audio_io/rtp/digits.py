"""Keys pressed during a call, as RTP carries them. Pure. Source: RFC 4733."""

import struct
from collections import deque
from dataclasses import dataclass

_KEYS = "0123456789*#ABCD"  # the event's number is the place in it
_EVENT = struct.Struct("!BBH")
_VOLUME = 10  # −dBm0; section 2.3.3, and what telephones send
_END = 0x80
_PRESSED_BEATS = 6  # of 20 ms: 120 ms are heard everywhere; 40 are the least. Source: Q.24
_PAUSE_BEATS = 4
_LAST_TIMES = 3  # section 2.5.1.4: one of them will arrive


class DigitReader:
    """Which keys the far side presses. A key counts when it goes down, once."""

    def __init__(self) -> None:
        self._last: int | None = None  # timestamp of the last key

    def read(self, timestamp: int, payload: bytes) -> str | None:
        """The key of an event packet, or None: the key is known, or it is none."""
        if len(payload) < _EVENT.size:
            return None
        event = payload[0]
        if self._last is not None and _before(timestamp, self._last):
            return None
        self._last = timestamp
        return _KEYS[event] if event < len(_KEYS) else None


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet of a key that is pressed.

    Attributes:
        payload: what it carries.
        timestamp: of the moment the key went down.
        first: it is the key's first.
    """

    payload: bytes
    timestamp: int
    first: bool


class DigitWriter:
    """Presses keys towards the far side, one after the other."""

    def __init__(self, beat_ticks: int) -> None:
        """`beat_ticks`: RTP ticks in 20 ms."""
        self._ticks = beat_ticks
        self._keys: deque[str] = deque()
        self._beat = 0
        self._since = 0

    @property
    def busy(self) -> bool:
        """Whether a key is pressed, or will be."""
        return bool(self._keys)

    def press(self, keys: str) -> None:
        """Press these, after those that wait."""
        self._keys.extend(keys)

    def beat(self, now: int) -> list[EventPacket]:
        """What goes out in this beat, whose timestamp is `now`; nothing in a pause."""
        if not self._keys:
            return []
        self._since = now if self._beat == 0 else self._since
        self._beat += 1
        if self._beat <= _PRESSED_BEATS:
            event = _KEYS.index(self._keys[0])
            is_last = self._beat == _PRESSED_BEATS
            volume = _VOLUME | _END if is_last else _VOLUME
            payload = _EVENT.pack(event, volume, min(0xFFFF, self._beat * self._ticks))
            packet = EventPacket(payload, self._since, self._beat == 1)
            return [packet] * (_LAST_TIMES if is_last else 1)
        if self._beat == _PRESSED_BEATS + _PAUSE_BEATS:
            self._keys.popleft()
            self._beat = 0
        return []


def _before(timestamp: int, last: int) -> bool:
    """Whether it is the last key's, or of one before it."""
    return (timestamp - last) % (1 << 32) in range(1 << 31, 1 << 32) or timestamp == last
