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
_LONGEST = 0xFFFF  # RTP ticks: as much as a packet can tell; 8 s at 8 kHz
_LAST_TIMES = 3  # section 2.5.1.4: one of them will arrive


@dataclass(frozen=True, slots=True)
class _Press:
    """A key, as far as its latest packet tells of it."""

    source: int
    timestamp: int
    event: int
    duration: int
    over: bool

    def holds(self, packet: "_Press") -> bool:
        """Whether a packet is of this press, or of one before it in the same stream.

        One from further back than two presses can be is no late packet: the stream's clock began
        anew.
        """
        back = (self.timestamp - packet.timestamp) % (1 << 32)
        return packet.source == self.source and back <= 2 * _LONGEST

    def goes_on_in(self, packet: "_Press") -> bool:
        """Whether a packet that is not marked is of the next segment of a long press.

        Source: section 2.5.1.3. The segment's last packet, which says the longest duration, may
        have been lost.
        """
        forward = (packet.timestamp - self.timestamp) % (1 << 32)
        same = (packet.source, packet.event) == (self.source, self.event)
        return same and not self.over and forward in (self.duration, _LONGEST)


class DigitReader:
    """Which keys the far side presses. A key counts when it goes down, once."""

    def __init__(self) -> None:
        self._last: _Press | None = None

    def read(
        self, timestamp: int, payload: bytes, source: int = 0, *, marked: bool = False
    ) -> str | None:
        """The key of an event packet, or None: the key is known, or it is none.

        Args:
            timestamp: of the packet: when the key went down, or a segment of a long press began.
            payload: of the packet.
            source: SSRC of its stream; another one is another clock.
            marked: the packet says that a key has just gone down.
        """
        if len(payload) < _EVENT.size:
            return None
        event, flags, duration = _EVENT.unpack(payload[: _EVENT.size])
        packet = _Press(source, timestamp, event, duration, bool(flags & _END))
        last = self._last
        if last is not None and last.holds(packet):
            if timestamp == last.timestamp and duration >= last.duration:
                self._last = packet
            return None
        self._last = packet
        if last is not None and not marked and last.goes_on_in(packet):
            return None
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
    """Presses keys towards the far side, one after the other.

    Attributes:
        dropped: keys that were not pressed, or not to their end.
    """

    def __init__(self) -> None:
        self.dropped = 0
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

    def drop(self) -> None:
        """Press none of those that wait."""
        self.dropped += len(self._keys)
        self._keys.clear()
        self._beat = 0

    def beat(self, now: int, ticks: int) -> list[EventPacket]:
        """What goes out in this beat, whose timestamp is `now`; nothing in a pause.

        `ticks`: of the RTP clock, in 20 ms.
        """
        if not self._keys:
            return []
        self._since = now if self._beat == 0 else self._since
        self._beat += 1
        if self._beat <= _PRESSED_BEATS:
            event = _KEYS.index(self._keys[0])
            is_last = self._beat == _PRESSED_BEATS
            volume = _VOLUME | _END if is_last else _VOLUME
            payload = _EVENT.pack(event, volume, min(_LONGEST, self._beat * ticks))
            packet = EventPacket(payload, self._since, self._beat == 1)
            return [packet] * (_LAST_TIMES if is_last else 1)
        if self._beat == _PRESSED_BEATS + _PAUSE_BEATS:
            self._keys.popleft()
            self._beat = 0
        return []
