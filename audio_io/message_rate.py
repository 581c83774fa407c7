"""How many messages a far side may send, and a turn for other calls between them."""

import asyncio

from agent.core.errors import ProtocolError

SEVERAL = 16
"""Messages taken without a turn for others: half a millisecond of sound, 2 to 5 of JSON. They also
come in bursts from who means well, after a stall."""

MOST_PER_S = 1000
"""Sound in pieces of 20 ms, marks and reports are a hundred; in an audio worklet's pieces of 128
samples, each with a mark, 750."""

BURST = 3000
"""What may come at once: half a minute of a hundred a second; no call outlives such a stall."""


class MessageRate:
    """The messages of one far side, counted as they are taken."""

    def __init__(self) -> None:
        self._taken = 0
        self._spare = float(BURST)
        self._since: float | None = None  # when the last one was taken

    async def took(self) -> None:
        """One was taken; gives others a turn now and then.

        Raises:
            ProtocolError: too many came.
        """
        now = asyncio.get_running_loop().time()
        passed_s = 0.0 if self._since is None else now - self._since
        self._spare = min(BURST, self._spare + passed_s * MOST_PER_S) - 1
        self._since = now
        if self._spare < 0:
            raise ProtocolError(
                f"messages: expected at most {MOST_PER_S} a second, found more; "
                "send about 20 ms of sound in one"
            )
        self._taken += 1
        if self._taken % SEVERAL == 0:
            await asyncio.sleep(0)
