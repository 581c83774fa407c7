"""How much sound Asterisk may hold beyond what it plays now. Pure."""

FRAME_S = 0.02
LEAST_S, MOST_S = 0.02, 0.06
CALM_S = 20.0
"""Without a gap for so long, a frame less will do."""


class Lead:
    """One frame on a quiet machine; one more each time a frame came too late to go on from."""

    def __init__(self) -> None:
        self.seconds = LEAST_S
        self._since = 0.0  # the last change

    def put(self, pending_s: float, now: float) -> None:
        """A frame of speech was handed over when so much was still to be played."""
        if pending_s <= 0:
            self.seconds, self._since = min(MOST_S, self.seconds + FRAME_S), now
        elif self.seconds > LEAST_S and now - self._since > CALM_S:
            self.seconds, self._since = self.seconds - FRAME_S, now
