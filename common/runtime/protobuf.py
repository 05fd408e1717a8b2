"""A bounded walk over protobuf wire format, enough to look into a message without its library.

https://protobuf.dev/programming-guides/encoding/. Groups (long deprecated) are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from common.runtime.errors import UnsafeModelError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The varint at `at` and the position after it. UnsafeModelError if cut short or too long."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise UnsafeModelError("cut short inside a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise UnsafeModelError("a number of more than ten bytes")


def fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """(field number, wire type, value) of each field; length-delimited values are views."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or number >= 1 << 29:
            raise UnsafeModelError(f"field number {number}")
        if wire == VARINT:
            value, at = varint(data, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, at = varint(data, at)
        elif wire in _FIXED:
            length = _FIXED[wire]
        else:
            raise UnsafeModelError(f"no protobuf message, as ONNX files are: wire type {wire}")
        if length > len(data) - at:
            raise UnsafeModelError(f"cut short: field {number} of {length} bytes")
        yield number, wire, data[at : at + length]
        at += length


def encoded(number: int, value: int | bytes | str) -> bytes:
    """A field as `fields` reads it: whole numbers as varints, below 0 as their two's complement."""
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
