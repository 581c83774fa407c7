"""Where a call's sound comes from, and so where ours goes. Pure."""

from audio_io.sip.message import Address

_STAYS = 50
"""Packets from the old place until it is the place again: a second of the usual 20 ms. The far side
has our answer by then, even one that had to be sent twice; who still sends there has not moved."""


class Latch:
    """The one place that is listened to.

    The place that was agreed always may send. A far side behind a NAT sends from another one, and
    the first that does is taken. When other media are agreed, the old stream goes on for a little:
    it is heard, and anybody else who sends takes its place.

    Attributes:
        place: where sound comes from; None before it is known. Ours goes there.
    """

    def __init__(self, agreed: Address) -> None:
        """`agreed`: where the far side says its sound is."""
        self._agreed = agreed
        self._before: Address | None = None  # the place, when other media were agreed
        self._doubts = 0  # packets from there that do not make it the place again
        self.place: Address | None = None

    def change(self, agreed: Address) -> None:
        """Another place was agreed; the same again changes nothing."""
        if agreed == self._agreed:
            return
        self._before, self._doubts = self.place or self._before, _STAYS
        if self.place == self._agreed:  # no NAT is between: the new place can be reached as well
            self.place = None
        self._agreed = agreed

    def admits(self, place: Address) -> bool:
        """Whether what comes from there is heard."""
        return place in (self.place, self._agreed) or self.place is None or self._doubts > 0

    def heard(self, place: Address) -> None:
        """A packet of the call has come from a place that is admitted."""
        if self._doubts and place == self._before != self._agreed:
            self._doubts -= 1
        else:
            self.place, self._doubts = place, 0
