"""What our side says of a call's sound, and what it makes of what the other says. Pure."""

import contextlib
from collections.abc import Sequence

from agent.core.errors import ProtocolError
from audio_io.sip import sdp
from audio_io.sip.leg import Leg
from audio_io.sip.message import Received
from audio_io.sip.sdp import Codec, Terms, agreed, read_terms


class Offers:
    """Of a telephone that has these codecs, best first."""

    def __init__(self, codecs: Sequence[Codec]) -> None:
        self._codecs = codecs

    def read(self, received: Received, leg: Leg | None = None) -> Terms | None:
        """What a request offers, in a call where there is one; None where it leaves that to us.

        Raises:
            ProtocolError: nothing that we can take.
        """
        known = self._of(leg) if leg else self._codecs
        return read_terms(received.sdp, known) if received.message.body else None

    def offer(self, leg: Leg) -> str:
        """Our description of a call, to be answered."""
        return sdp.offer(leg.described(), self._of(leg), leg.wanted)

    def reply(self, leg: Leg) -> str:
        """Our description: an answer to theirs, or an offer where they made none."""
        if leg.terms is None:
            return self.offer(leg)
        leg.media = agreed(leg.terms, leg.wanted)
        return sdp.answer(leg.described(), leg.terms, leg.media)

    def take(self, leg: Leg, words: str) -> bool:
        """Their answer to our offer; whether there is one that we can take."""
        with contextlib.suppress(ProtocolError):
            leg.terms = read_terms(words, self._of(leg))
            leg.media = agreed(leg.terms, leg.wanted)
            return True
        return False

    def _of(self, leg: Leg) -> Sequence[Codec]:
        """What may be agreed: all, and then those of the same rate, which a pipeline counts on."""
        if leg.media is None:
            return self._codecs
        return [codec for codec in self._codecs if codec.rate == leg.media.codec.rate]
