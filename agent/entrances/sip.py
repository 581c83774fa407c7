"""Calls from telephones, by SIP."""

import asyncio
import logging
from collections.abc import Sequence

from starlette.routing import BaseRoute

from agent.switchboard import ServedCall, Switchboard
from audio_io.sip.phone import Line, SipPhone
from audio_io.sip.settings import SipSettings
from audio_io.sip.setup import answer

_BUSY = 429  # too many from one address: for a telephone, busy

_log = logging.getLogger("parley.sip")


class SipEntrance:
    """A telephone of the agent's own: an address that rings, registered or not."""

    def __init__(self, switchboard: Switchboard, settings: SipSettings) -> None:
        self._switchboard = switchboard
        self._settings = settings

    def routes(self) -> Sequence[BaseRoute]:
        """None: it is not HTTP."""
        return []

    async def listen(self) -> None:
        """Take calls until cancelled.

        Raises:
            ConfigError: the address cannot be listened on, or the registrar is not known.
        """

        def ring(line: Line) -> None:
            group.create_task(self._take(line))

        phone = SipPhone(self._settings, ring)
        await phone.open()
        _log.info("a telephone listens at %s UDP port %s", *phone.address)
        try:
            async with asyncio.TaskGroup() as group:  # nothing rings before it is there
                await phone.run()
        finally:
            await phone.close()

    async def _take(self, line: Line) -> None:
        address = line.leg.hop[0]
        refused = self._switchboard.refusal(address)
        if refused is not None:
            self._switchboard.refused()
            line.reject(486 if refused.status == _BUSY else 503, refused.retry_s)
            return

        async def answered(name: str) -> ServedCall:
            del name
            return await answer(line, self._settings)

        try:
            await self._switchboard.connect(address, answered)
        except Exception:  # one call's end is no reason for the telephone's
            _log.exception("a call failed")
            line.hang_up()
