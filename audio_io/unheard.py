"""How far a client's loudspeaker is behind what it was sent, by its own marks. Pure."""

SPARE_S = 0.5
"""Beyond what is always on its way: a hiccup of the network, and the 0.3 s to which the browser
client's buffer grows. More is no hiccup: the network carries less than the voice needs."""

RAREST_S = 0.5
"""Between two marks the loudspeaker is taken to go on for as long; docs/protocol.md asks for a mark
every 20 to 100 ms, and a network may hold up some."""


class Unheard:
    """What was sent and is not marked yet: the network's share, the client's buffer, and too much.

    How much is always on its way, a far network or a wireless headset make it more than
    `SPARE_S`, shows in the least that ever was. Times are loop time in seconds.

    Attributes:
        marked_at: when the last mark came; None before the first.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._least_s = 0.0
        self.marked_at: float | None = None

    def mark(self, samples: int, now: float) -> None:
        """A mark came, after which so many are left."""
        left_s = samples / self._rate
        self._least_s = left_s if self.marked_at is None else min(self._least_s, left_s)
        self.marked_at = now

    def is_too_much(self, samples: int, now: float) -> bool:
        """Whether so many are more than the client can still be expected to hear soon.

        Never before the first mark: a client may have announced what it does not do.
        """
        if self.marked_at is None:
            return False
        gone_s = min(now - self.marked_at, RAREST_S)
        return samples / self._rate - gone_s > self._least_s + SPARE_S
