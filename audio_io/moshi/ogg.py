"""Ogg pages around Opus packets, one page each way at a time. Pure.

PyAV's own Ogg writer holds each page back until the next is there, 20 ms in the figures of every
reply, and its reader wants a file that it may block on; so only the Opus codec is PyAV's.
Source: RFC 3533 (Ogg), RFC 7845 (Opus in Ogg).
"""

import struct

from agent.core.errors import ProtocolError

_HEADER = struct.Struct("<4sBBqIIIB")  # OggS, version, flags, position, serial, page, CRC, segments
PACKET_BYTES = 65_536
"""The longest packet taken: Opus packets end at 61,298 bytes (RFC 6716, 48 frames of 1,275 bytes
and their lengths); a stream that never ends one would fill the memory."""

_FIRST = 2  # flag of a stream's first page
_CRC_AT = slice(22, 26)


def _crc_row(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
    return value & 0xFFFFFFFF


_CRC_TABLE = tuple(map(_crc_row, range(256)))


def checksum(page: bytes) -> int:
    """The CRC of a page, its own field counted as zero. Source: RFC 3533, section 6."""
    value = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        value = ((value << 8) & 0xFFFFFFFF) ^ _CRC_TABLE[(value >> 24) ^ byte]
    return value


class OggWriter:
    """A stream of Opus packets as pages, each packet on a page of its own."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._pages = 0

    def begin(self, head: bytes) -> bytes:
        """The two header pages; `head` is the encoder's OpusHead."""
        vendor = b"parley"
        tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
        return self.page(head, 0) + self.page(tags, 0)

    def page(self, packet: bytes, position: int) -> bytes:
        """One packet; `position` is the end of its sound in samples at 48 kHz."""
        lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
        flags = _FIRST if self._pages == 0 else 0
        fields = (b"OggS", 0, flags, position, self._serial, self._pages, 0, len(lacing))
        page = _HEADER.pack(*fields) + lacing + packet
        self._pages += 1
        return page[: _CRC_AT.start] + struct.pack("<I", checksum(page)) + page[_CRC_AT.stop :]


class OggReader:
    """Packets from pages, however the bytes are cut. Holds less than a page and a packet."""

    def __init__(self) -> None:
        self._bytes = b""
        self._packet = b""

    def push(self, data: bytes) -> list[bytes]:
        """Take bytes; every packet they complete, in order. Raises ProtocolError."""
        self._bytes += data
        packets: list[bytes] = []
        while (page := self._page()) is not None:
            lacing_end = _HEADER.size + page[_HEADER.size - 1]
            packets += self._packets(page[_HEADER.size : lacing_end], page[lacing_end:])
        return packets

    def _page(self) -> bytes | None:
        """The next whole page, taken off the front."""
        if not b"OggS".startswith(self._bytes[:4]):
            raise ProtocolError(f"expected an Ogg page, found {self._bytes[:16]!r}")
        if len(self._bytes) < _HEADER.size:
            return None
        lacing_end = _HEADER.size + self._bytes[_HEADER.size - 1]
        size = lacing_end + sum(self._bytes[_HEADER.size : lacing_end])
        if len(self._bytes) < max(lacing_end, size):
            return None
        page, self._bytes = self._bytes[:size], self._bytes[size:]
        if checksum(page) != int.from_bytes(page[_CRC_AT], "little"):
            raise ProtocolError(f"expected a whole Ogg page, found {size} bytes that were changed")
        return page

    def _packets(self, lacing: bytes, body: bytes) -> list[bytes]:
        packets, at = [], 0
        for length in lacing:
            self._packet += body[at : at + length]
            at += length
            if len(self._packet) > PACKET_BYTES:
                raise ProtocolError(
                    f"expected Ogg packets of at most {PACKET_BYTES} bytes, found a longer one"
                )
            if length < 255:  # a shorter piece ends the packet
                packets.append(self._packet)
                self._packet = b""
        return packets
