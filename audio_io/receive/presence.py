"""Whether the caller is there, by what the network says. Pure: told the time."""

from dataclasses import dataclass
from enum import Enum, auto

from audio_io.wire import End


@dataclass(frozen=True, slots=True)
class PresenceLimits:
    """How long to wait for a caller.

    Attributes:
        connect_s: for the first connection.
        idle_s: for the first packet of a connection.
        away_s: without a packet, until what the agent says is held.
        rejoin_s: for a caller whose connection was lost to come back.
        closed_s: the same for one that closed it properly without a word.
    """

    connect_s: float = 10.0
    idle_s: float = 15.0
    away_s: float = 2.0
    rejoin_s: float = 30.0
    closed_s: float = 3.0


class State(Enum):
    """Where the caller is."""

    CONNECTING = auto()
    SILENT = auto()  # connected, and has sent no sound yet
    HERE = auto()
    AWAY = auto()


class Presence:
    """Whether the caller is there."""

    def __init__(self, limits: PresenceLimits, now: float) -> None:
        """An offer was answered at loop time `now`."""
        self._limits = limits
        self._state = State.CONNECTING
        self._until = now + limits.connect_s
        self._heard = now

    @property
    def state(self) -> State:
        """Where the caller is."""
        return self._state

    @property
    def is_listening(self) -> bool:
        """What is sent now is heard, as far as one can know."""
        return self._state in {State.SILENT, State.HERE}

    def connected(self, now: float) -> None:
        """The connection works."""
        if self._state is not State.HERE:
            self._state, self._until = State.SILENT, now + self._limits.idle_s

    def packet(self, now: float) -> None:
        """Sound came in."""
        self._state, self._heard = State.HERE, now

    def lost(self, now: float) -> None:
        """The connection broke."""
        if self._state not in {State.AWAY, State.CONNECTING}:
            self._state, self._until = State.AWAY, now + self._limits.rejoin_s

    def closed(self, now: float) -> None:
        """The far side closed the connection."""
        self.lost(now)
        self._until = min(self._until, now + self._limits.closed_s)

    def rejoining(self, now: float) -> None:
        """A new offer was answered."""
        if self._state is not State.AWAY:
            self.lost(now)
        self._until = max(self._until, now + self._limits.connect_s)

    def check(self, now: float) -> tuple[End, str] | None:
        """Why the call is over by now, in a word and a sentence; or None."""
        if self._state is State.HERE:
            if now - self._heard > self._limits.away_s:
                self.lost(self._heard)
            return None
        return self._ended() if now > self._until else None

    def _ended(self) -> tuple[End, str]:
        limits = self._limits
        if self._state is State.CONNECTING:
            return End.LOST, (
                f"expected a connection within {limits.connect_s:g} s, found none; where UDP is "
                "blocked, set up a TURN server in [webrtc], or call by WebSocket"
            )
        if self._state is State.SILENT:
            return End.IDLE, f"expected sound all the time, found none for {limits.idle_s:g} s"
        return End.LOST, "the connection was lost, and nobody came back"
