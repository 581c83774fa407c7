"""How a telephone call comes about: taken, or placed."""

import asyncio

from agent.core.errors import CallError
from audio_io.rtp.port import RtpPort, open_port
from audio_io.sip.call import SipCall
from audio_io.sip.leg import Gone, Stage, Up
from audio_io.sip.message import Address
from audio_io.sip.phone import Line, SipPhone
from audio_io.sip.settings import SipSettings

_ACK_S = 40.0  # for the far side to acknowledge our answer; the wire gives up after 32 s


async def answer(line: Line, settings: SipSettings) -> SipCall:
    """Take a call that comes in.

    Raises:
        CallError: no port is free, or the far side gave up.
    """
    gate = _Gate()
    try:
        port = await open_port(settings.host, _ports(settings), gate.hear)
    except CallError:
        line.reject(503, 5)
        raise
    if settings.early and line.leg.terms:
        line.progress(_reachable(port, settings))
    else:
        line.accept(_reachable(port, settings))
    return await _opened(line, port, gate, _ACK_S)


async def place(phone: SipPhone, to: str, ring_s: float) -> SipCall:
    """Call somebody, and wait until they answer.

    Args:
        phone: open, and running.
        to: an address, such as sip:100@host.
        ring_s: how long to let it ring.

    Raises:
        CallError: they did not answer, or would not talk to us.
    """
    gate, settings = _Gate(), phone.settings
    port = await open_port(settings.host, _ports(settings), gate.hear)
    try:
        line = await phone.call(to, _reachable(port, settings))
    except BaseException:
        port.close()
        raise
    return await _opened(line, port, gate, ring_s)


async def _opened(line: Line, port: RtpPort, gate: "_Gate", limit_s: float) -> SipCall:
    """The call, once its media are agreed."""
    try:
        async with asyncio.timeout(limit_s):
            await _agreed(line)
        gate.call = SipCall(line, port)
    except TimeoutError as fault:
        line.hang_up()
        port.close()
        raise CallError(f"expected an answer within {limit_s:g} s, found none") from fault
    except BaseException:
        line.hang_up()
        port.close()
        raise
    return gate.call


async def _agreed(line: Line) -> None:
    if line.leg.media is not None and line.leg.stage is not Stage.CALLING:
        return  # the ACK of a call that comes in may follow later
    async for event in line.events():
        if isinstance(event, Up):
            return
        if isinstance(event, Gone):
            raise CallError(f"sip: expected the call to come up, found {_why(event)}")


def _why(gone: Gone) -> str:
    known = {486: "busy", 603: "declined", 404: "nobody of that name", 408: "no answer"}
    status = f"{gone.status} " if gone.status else ""
    return status + known.get(gone.status, gone.reason)


def _ports(settings: SipSettings) -> range:
    return range(settings.rtp_first, settings.rtp_last + 1)


def _reachable(port: RtpPort, settings: SipSettings) -> Address:
    return settings.contact_host or settings.host, port.address[1]


class _Gate:
    """Where datagrams go: nowhere, until there is a call."""

    call: SipCall | None = None

    def hear(self, data: bytes, place: Address, now: float) -> None:
        """From the port."""
        if self.call is not None:
            self.call.hear(data, place, now)
