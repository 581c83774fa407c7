"""Packets of sound as the network brings them in, the next piece to hand over out. Pure.

Nobody hears this sound as it comes out: it goes to an engine. So a piece may be of any length, and
the next one is due when it ends. Every packet has a target: the earliest that its stream's packets
have come lately, plus a window in which late and reordered ones still count. A piece handed over
later than its packet's target is excess delay, which goes away as sound is made shorter.
"""

from collections import deque
from dataclasses import dataclass, replace

from audio_io.receive.arrivals import Arrivals

_SEQUENCES = 1 << 16
_TIMESTAMPS = 1 << 32
_STRANGE_SEQUENCES = 1000  # about 20 s; no network loses so much and then goes on
_STRANGE_S = 3.0  # a sender's clock does not jump so far while it is the same stream
_LATE_IN_A_ROW = 5  # 100 ms of nothing but late packets: the schedule is wrong, not the network
_TOLERANCE_S = 0.002  # excess below this is left alone
_LEAST_OF_A_PIECE = 2  # made up at a time: 10 ms, a telephone's shortest packet. A packet may say
# that it holds one tick, and then nobody may be asked for a piece 8000 times a second
_KEPT_NUMBERS = 64  # sequence numbers kept to tell a duplicate from a late packet


@dataclass(frozen=True, slots=True)
class JitterSettings:
    """How long to wait for packets.

    Attributes:
        window_least_s: from a packet's arrival to its turn while the network is calm. A little more
            than a packet's length, so that the packet after a lost one, which holds a copy of it,
            is there in time.
        window_most_s: the same on a restless network.
        patience_s: packets held up by the network come up to this late into the sound, which then
            catches up; beyond it they are dropped.
        most_s: of sound that is held; beyond it the oldest is dropped.
        piece_s: of silence, or of sound made up where nothing has come.
    """

    window_least_s: float = 0.022
    window_most_s: float = 0.040
    patience_s: float = 0.3
    most_s: float = 0.6
    piece_s: float = 0.02


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet of sound.

    Attributes:
        sequence: its number, 16 bits.
        timestamp: of its first sample, 32 bits, in ticks of the stream's clock.
        samples: its length in the same ticks.
        payload: what its decoder takes; empty for one without sound, such as a key's, that has a
            number in the same row.
        arrived: loop time.
        source: its SSRC; another one is another stream.
    """

    sequence: int
    timestamp: int
    samples: int
    payload: bytes
    arrived: float
    source: int = 0


@dataclass(frozen=True, slots=True)
class Sound:
    """Decode this.

    Attributes:
        payload: of one packet.
        samples: its length in ticks.
        excess: ticks that it is later than it need be: make it shorter by as much as sounds well.
            Below zero: earlier than is safe, so make it longer.
    """

    payload: bytes
    samples: int
    excess: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """Make up this many ticks; `copy` is the payload after it, if that may hold a copy of it."""

    samples: int
    copy: bytes | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing was sent: this many ticks of silence, or of the noise behind a voice."""

    samples: int


Next = Sound | Lost | Quiet


class JitterBuffer:
    """The packets of one stream between the network and a decoder.

    Attributes:
        received: packets put in.
        duplicates: of these, packets that were there already.
        late: packets that came after their place in the sound was over.
        dropped: packets beyond the limits, or of no stream.
        lost: packets that never came in time.
        restarts: streams that began anew.
    """

    def __init__(self, rate: int, settings: JitterSettings | None = None) -> None:
        """An empty buffer for a stream whose clock ticks at `rate` Hz."""
        self._rate = rate
        self._settings = settings or JitterSettings()
        self._piece = round(self._settings.piece_s * rate)
        self._least = self._piece // _LEAST_OF_A_PIECE
        self._arrivals = Arrivals(self._settings.window_least_s, self._settings.window_most_s)
        self._packets: dict[int, tuple[int, Packet]] = {}  # by number: unwrapped timestamp, packet
        self._taken: deque[int] = deque(maxlen=_KEPT_NUMBERS)  # numbers that are not missing
        self._newest: tuple[int, int, Packet] | None = None  # unwrapped number and timestamp
        self._suspect: Packet | None = None  # of no stream, unless the next one follows it
        self._last: int | None = None  # number of the packet that came out last
        self._length = self._piece  # of that packet, or of what is made up after a tiny one
        self._position: int | None = None  # the tick that comes out next
        self._late_in_a_row = 0
        self.received = 0
        self.duplicates = 0
        self.late = 0
        self.dropped = 0
        self.lost = 0
        self.restarts = 0

    @property
    def window_s(self) -> float:
        """From a packet's earliest arrival to its turn, just now."""
        return self._arrivals.window_s

    @property
    def waiting_s(self) -> float:
        """Sound that is held."""
        return sum(packet.samples for _, packet in self._packets.values()) / self._rate

    def put(self, packet: Packet) -> None:
        """A packet has come."""
        self.received += 1
        if self._newest is None or packet.source != self._newest[2].source:
            self._restart()
        elif self._is_strange(packet):
            follows = self._suspect is not None and _step(packet, self._suspect) == 1
            self._suspect = packet
            if not follows:
                self.dropped += 1
                return
            self._restart()
        self._suspect = None
        self._place(packet)

    def take(self, due: float) -> Next:
        """The next piece, which goes on at loop time `due`: when the one before it ends."""
        number = min(self._packets, default=None)
        if number is None:
            return self._starve(due)
        start, packet = self._packets[number]
        early = round((self._target(start) - due) * self._rate)
        follows_at_once = self._position is not None and start <= self._position
        if follows_at_once or early <= 0:
            return self._give(number, due)
        if self._missing(number) == 0:
            return self._quiet(start, early)
        if early <= self._length // 2:
            return self._give(number, due)
        return self._fill(start, early, packet)

    # --- in -------------------------------------------------------------------------------------

    def _place(self, packet: Packet) -> None:
        number, start = self._unwrapped(packet)
        if number in self._packets or number in self._taken:
            self.duplicates += 1
            return
        is_newest = self._newest is None or number > self._newest[0]
        if is_newest:
            self._newest = self._as_newest(number, start, packet)
        if not packet.payload:
            self._taken.append(number)
            return
        self._arrivals.add(start / self._rate, packet.arrived)
        if not self._is_over(number, start + packet.samples):
            self._late_in_a_row = 0
            self._packets[number] = start, packet
            self._limit()
            return
        self.late += 1
        self._late_in_a_row += is_newest
        if self._late_in_a_row >= _LATE_IN_A_ROW:
            self._restart()
            self._place(packet)

    def _as_newest(self, number: int, start: int, packet: Packet) -> tuple[int, int, Packet]:
        """The timestamps of packets without sound may stand still; the stream's clock goes on."""
        if packet.payload or self._newest is None:
            return number, start, packet
        _, start, before = self._newest
        return number, start, replace(before, sequence=packet.sequence)

    def _unwrapped(self, packet: Packet) -> tuple[int, int]:
        if self._newest is None:
            return 0, 0
        number, start, newest = self._newest
        ticks = _signed(packet.timestamp - newest.timestamp, _TIMESTAMPS)
        return number + _step(packet, newest), start + ticks

    def _is_over(self, number: int, end: int) -> bool:
        if self._last is not None and number < self._last:
            return True
        return self._position is not None and end <= self._position

    def _is_strange(self, packet: Packet) -> bool:
        assert self._newest is not None
        newest = self._newest[2]
        ticks = _signed(packet.timestamp - newest.timestamp, _TIMESTAMPS)
        jump_s = ticks / self._rate - (packet.arrived - newest.arrived)
        return abs(_step(packet, newest)) > _STRANGE_SEQUENCES or abs(jump_s) > _STRANGE_S

    def _restart(self) -> None:
        """Another stream begins; what waits of the old one is stale."""
        self.restarts += self._newest is not None
        self.dropped += len(self._packets)
        self._packets.clear()
        self._taken.clear()
        self._newest = self._last = self._position = self._suspect = None
        self._late_in_a_row = 0
        self._arrivals.forget()

    def _limit(self) -> None:
        while self.waiting_s > self._settings.most_s or len(self._packets) > 2 * _KEPT_NUMBERS:
            del self._packets[min(self._packets)]
            self.dropped += 1

    # --- out ------------------------------------------------------------------------------------

    def _target(self, start: int) -> float:
        return self._arrivals.earliest_s + start / self._rate + self._arrivals.window_s

    def _missing(self, number: int) -> int:
        """Packets between the one that came out last and this one that are not here."""
        if self._last is None or number == self._last + 1:
            return 0
        here = sum(self._last < taken < number for taken in self._taken)
        return number - self._last - 1 - here

    def _give(self, number: int, due: float) -> Next:
        start, packet = self._packets.pop(number)
        late_s = due - self._target(start)
        spare_s = due - packet.arrived - self.window_s  # it could have been taken so much sooner
        self.lost += self._missing(number)
        self._last = number
        self._taken.append(number)
        self._position = start + packet.samples
        self._length = max(packet.samples, self._least)
        excess_s = min(late_s, max(0.0, spare_s))
        is_off = abs(excess_s) > _TOLERANCE_S
        return Sound(packet.payload, packet.samples, round(excess_s * self._rate) if is_off else 0)

    def _starve(self, due: float) -> Next:
        """Nothing is here: it may be lost, or on its way, or nobody speaks."""
        if self._position is None:
            return Quiet(self._piece)
        if due - self._target(self._position) > self._settings.patience_s:
            self._position += self._length
        return Lost(self._length)

    def _quiet(self, start: int, early: int) -> Next:
        """No packet is missing before the next one: the sender was silent."""
        count = min(self._piece, early)
        if self._position is not None:
            self._position = max(self._position, start - early + count)
        return Quiet(count)

    def _fill(self, start: int, early: int, packet: Packet) -> Next:
        """Packets are missing before the next one."""
        if early <= self._length * 3 // 2:  # the one right before it
            self._position = start
            return Lost(self._length, packet.payload)
        if self._position is not None:
            self._position = max(self._position, start - early + self._length)
        return Lost(self._length)


def _step(packet: Packet, before: Packet) -> int:
    return _signed(packet.sequence - before.sequence, _SEQUENCES)


def _signed(difference: int, modulus: int) -> int:
    """The shortest way round a counter: −modulus/2 … modulus/2 − 1."""
    return (difference + modulus // 2) % modulus - modulus // 2
