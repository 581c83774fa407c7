"""The small signs of listening that an agent gives a caller who tells a long story."""

from agent.core.events import Action, Aside, Backchannel
from agent.core.turn_config import TurnConfig


class Listening:
    """When the agent last showed, or could take it that it need not show, that it listens.

    Attributes:
        last: loop time of it, in seconds.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0.0

    def sign(self, probability: float, now: float, config: TurnConfig) -> list[Action]:
        """A sign, if one is due and the turn is surely not over."""
        every_s = config.listen_every_s
        if not 0 < every_s <= now - self.last or probability >= config.listen_below:
            return []
        self.last = now
        return [Backchannel(Aside.LISTENING)]
