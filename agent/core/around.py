"""A call around another one: what it does not change, it passes on."""

from collections.abc import AsyncIterator

from agent.core.audio import AudioFrame
from agent.core.calls import Call, CallTraits, Incoming, Note, Order


class CallAround:
    """The same call. Whoever changes something of it says only that, in a class of its own.

    Attributes:
        call: the one that is passed on.
    """

    def __init__(self, call: Call) -> None:
        self.call = call

    @property
    def rate(self) -> int:
        """As the call's."""
        return self.call.rate

    @property
    def play_rate(self) -> int:
        """As the call's."""
        return self.call.play_rate

    @property
    def frame_samples(self) -> int:
        """As the call's."""
        return self.call.frame_samples

    @property
    def traits(self) -> CallTraits:
        """As the call's."""
        return self.call.traits

    def frames(self) -> AsyncIterator[Incoming]:
        """What the call hears."""
        return self.call.frames()

    async def play(self, frame: AudioFrame) -> None:
        """Hand it to the call; raises and waits as that does."""
        await self.call.play(frame)

    def flush(self) -> None:
        """Have the call take back what it can."""
        self.call.flush()

    def played(self) -> int:
        """As the call counts."""
        return self.call.played()

    def tell(self, note: Note) -> None:
        """Tell the call."""
        self.call.tell(note)

    async def order(self, order: Order) -> None:
        """Have the call do it; raises as that does."""
        await self.call.order(order)

    async def close(self) -> None:
        """Hang up the call."""
        await self.call.close()
