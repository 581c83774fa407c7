"""What is sent again over a wire that loses datagrams, and what was heard before. Pure.

Source: RFC 3261, section 17, in one table: a request is repeated until it is answered, a final
answer to an INVITE until it is acknowledged, and whatever arrives twice is answered as before.
"""

from dataclasses import dataclass
from enum import Enum, auto

from audio_io.sip.message import Address

T1_S = 0.5  # RFC 3261, table 4
T2_S = 4.0
GIVE_UP_S = 64 * T1_S
_RINGING_S = 180.0  # an INVITE that rings is not lost; RFC 3261, timer C

Key = tuple[str, str]
"""Branch and method."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A datagram to send."""

    data: bytes
    to: Address


class Phase(Enum):
    """Of one transaction."""

    REPEATING = auto()
    WAITING = auto()  # a provisional answer came: an INVITE is not repeated any more
    OVER = auto()  # kept to recognise what arrives late


@dataclass(slots=True)
class _Transaction:
    packet: Packet | None
    phase: Phase
    next_at: float
    interval_s: float
    until: float


@dataclass(frozen=True, slots=True)
class Due:
    """What time has brought: datagrams to send again, and transactions nobody answered."""

    packets: list[Packet]
    lost: list[Key]


class Transactions:
    """Both sides' transactions. The oldest go when there are more than `limit`.

    Attributes:
        forgotten: transactions that went because there were too many.
    """

    def __init__(self, limit: int = 2000) -> None:
        self._limit = limit
        self._ours: dict[Key, _Transaction] = {}
        self._theirs: dict[Key, _Transaction] = {}
        self.forgotten = 0

    # --- what we ask --------------------------------------------------------------------------

    def ask(self, key: Key, packet: Packet, now: float) -> None:
        """We send a request."""
        asked = _Transaction(packet, Phase.REPEATING, now + T1_S, T1_S, now + GIVE_UP_S)
        self._keep(self._ours, key, asked)

    def answered(self, key: Key, status: int, now: float) -> Phase | None:
        """An answer came; the phase it found the request in, or None when we did not ask."""
        asked = self._ours.get(key)
        if asked is None:
            return None
        before = asked.phase
        if status >= 200:
            asked.phase, asked.until = Phase.OVER, now + GIVE_UP_S
        elif before is Phase.REPEATING and key[1] == "INVITE":
            asked.phase, asked.until = Phase.WAITING, now + _RINGING_S
        elif before is Phase.REPEATING:
            asked.interval_s = T2_S
        return before

    # --- what they ask ------------------------------------------------------------------------

    def heard(self, key: Key) -> bool:
        """Whether this request was heard before."""
        return key in self._theirs

    def last_answer(self, key: Key) -> Packet | None:
        """What a request that was heard before has been answered with, if it was."""
        kept = self._theirs.get(key)
        return kept.packet if kept else None

    def hear(self, key: Key, now: float) -> None:
        """A request came for the first time."""
        lasts_s = _RINGING_S if key[1] == "INVITE" else GIVE_UP_S
        self._keep(self._theirs, key, _Transaction(None, Phase.WAITING, now, T1_S, now + lasts_s))

    def answer(self, key: Key, packet: Packet, status: int, now: float) -> None:
        """We answer it; a final answer to an INVITE is repeated until `acknowledged`."""
        kept = self._theirs.get(key)
        if kept is None:
            return
        kept.packet = packet
        if status >= 200:
            kept.until = now + GIVE_UP_S
            kept.phase = Phase.REPEATING if key[1] == "INVITE" else Phase.OVER
            kept.next_at = now + T1_S

    def acknowledged(self, key: Key, now: float) -> None:
        """The far side has our final answer to its INVITE."""
        kept = self._theirs.get(key)
        if kept and kept.phase is Phase.REPEATING:
            kept.phase, kept.until = Phase.OVER, now + GIVE_UP_S

    # --- time ---------------------------------------------------------------------------------

    def due(self, now: float) -> Due:
        """What is to be sent again by now, and which requests or answers were lost for good."""
        packets: list[Packet] = []
        lost: list[Key] = []
        for table in (self._ours, self._theirs):
            over = [key for key, one in table.items() if one.until <= now]
            lost += [key for key in over if table.pop(key).phase is not Phase.OVER]
            for key, one in table.items():
                if one.phase is Phase.REPEATING and one.next_at <= now and one.packet:
                    packets.append(one.packet)
                    grown = one.interval_s * 2
                    ours_invite = table is self._ours and key[1] == "INVITE"
                    one.interval_s = grown if ours_invite else min(T2_S, grown)
                    one.next_at = now + one.interval_s
        return Due(packets, lost)

    def _keep(self, table: dict[Key, _Transaction], key: Key, one: _Transaction) -> None:
        while len(table) >= self._limit:
            table.pop(next(iter(table)))
            self.forgotten += 1
        table[key] = one
