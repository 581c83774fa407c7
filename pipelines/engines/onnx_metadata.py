"""What an ONNX file says about itself, read without loading its network. Pure but for reading.

Source: onnx.proto, message ModelProto: `metadata_props` is field 14, of messages with the fields
`key` (1) and `value` (2); protobuf's encoding of fields is documented with protobuf itself.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_METADATA, _KEY, _VALUE = 14, 1, 2
_LONGEST_BYTES = 1 << 20  # of one entry; networks are skipped, never read


def onnx_metadata(path: Path) -> dict[str, str]:
    """The custom metadata of a network.

    Raises:
        ValueError: it is no ONNX file.
    """
    found: dict[str, str] = {}
    with path.open("rb") as file:
        for field, length in _fields(file):
            if field == _METADATA and length <= _LONGEST_BYTES:
                key, value = _entry(file, file.tell() + length)
                found[key] = value
            else:
                file.seek(length, 1)
    return found


def _entry(file: BinaryIO, end: int) -> tuple[str, str]:
    texts = {_KEY: "", _VALUE: ""}
    while file.tell() < end:
        field, length = next(_fields(file))
        texts[field] = file.read(length).decode(errors="replace")
    return texts[_KEY], texts[_VALUE]


def _fields(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Number and length of each field with a length; the file stands at its first byte."""
    while (tag := _number(file)) is not None:
        match tag & 7:
            case 0:
                _number(file)
            case 1:
                file.seek(8, 1)
            case 5:
                file.seek(4, 1)
            case 2 if (length := _number(file)) is not None:
                yield tag >> 3, length
            case _:
                raise ValueError("expected an ONNX file, found something else")


def _number(file: BinaryIO) -> int | None:
    """A number in seven bits a byte, the lowest first; None at the end of the file."""
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("expected an ONNX file, found something else")
