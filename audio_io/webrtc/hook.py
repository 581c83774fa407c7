"""The one place that reaches into aiortc: its packets come to us instead of its receive buffer, and
its attempts to connect are known.

That buffer holds four packets back, 80 ms, and after one lost packet up to sixteen, 280 ms, for the
rest of a call; it makes nothing up. It has no public way around it. What aiortc does before it
stays: who the packet is from, the counts for its reports, and that its codec was agreed on.
"""

import asyncio
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from agent.core.errors import DeviceError

if TYPE_CHECKING:
    from aiortc import RTCPeerConnection, RTCRtpReceiver
    from aiortc.rtp import RtpPacket

AIORTC = "1.16.0"
"""The version this was written for."""

_BUFFER = "_RTCRtpReceiver__jitter_buffer"
_CODECS = "_RTCRtpReceiver__codecs"
_CONNECT = "_RTCPeerConnection__connect"
_PCMU = 0  # its payload type


class _Handover:
    """Takes the place of aiortc's buffer: gives each packet on and returns no frame."""

    def __init__(self, take: "Callable[[RtpPacket], None]") -> None:
        self._take = take

    def add(self, packet: "RtpPacket") -> tuple[bool, None]:
        self._take(packet)
        return False, None


def is_installed() -> bool:
    """Whether there is an aiortc at all."""
    try:
        version("aiortc")
    except PackageNotFoundError:
        return False
    return True


def hand_over(receiver: "RTCRtpReceiver", take: "Callable[[RtpPacket], None]") -> None:
    """From now on `take` gets the receiver's packets, as they come, and nobody else does."""
    vars(receiver)[_BUFFER] = _Handover(take)


def attempts(connection: "RTCPeerConnection") -> set[asyncio.Task[None]]:
    """The connection's attempts to connect while they last, from now on.

    It starts them as tasks of nobody's, and closes without waiting for them: one that is in the
    middle of its checks ends some 20 ms later.
    """
    under_way: set[asyncio.Task[None]] = set()
    connect = vars(type(connection))[_CONNECT]

    async def followed() -> None:
        task = asyncio.current_task()
        assert task
        under_way.add(task)
        try:
            await connect(connection)
        finally:
            under_way.remove(task)

    vars(connection)[_CONNECT] = followed
    return under_way


def check() -> None:
    """One packet through a receiver of aiortc's, to see that it comes out at our side.

    Raises:
        DeviceError: it does not: another version, or none.
    """
    try:
        found = version("aiortc")
    except PackageNotFoundError as fault:
        raise DeviceError(
            f"webrtc: expected aiortc {AIORTC}, found none; install parley[webrtc]"
        ) from fault
    if not _passes():
        raise DeviceError(
            f"webrtc: expected packets of aiortc {AIORTC} to reach parley's receive buffer, found "
            f"that they do not in aiortc {found}; install aiortc=={AIORTC}"
        )


def _passes() -> bool:
    from aiortc import RTCPeerConnection, RTCRtpReceiver  # noqa: PLC0415  # heavy
    from aiortc.codecs import PCMU_CODEC  # noqa: PLC0415
    from aiortc.rtp import RtpPacket  # noqa: PLC0415

    came: list[bytes] = []
    try:
        receiver = RTCRtpReceiver("audio", _NoTransport())  # type: ignore[arg-type]
        if not {_BUFFER, _CODECS} <= vars(receiver).keys():
            return False
        if _CONNECT not in vars(RTCPeerConnection):
            return False
        vars(receiver)[_CODECS] = {_PCMU: PCMU_CODEC}
        hand_over(receiver, lambda packet: came.append(packet.payload))
        packet = RtpPacket(payload_type=_PCMU)
        packet.payload = b"hello"
        receiver._handle_rtp_packet(packet, arrival_time_ms=0).send(None)
    except StopIteration:
        return came == [b"hello"]  # it ran to its end without waiting for anything
    except (AttributeError, TypeError, ValueError):
        return False
    return False


class _NoTransport:
    """As much of a transport as a receiver looks at before it is started."""

    state = "new"
