"""Frames of UBX, RTCM 3 and NMEA out of a stream of bytes, however it is cut.

Only a frame whose checksum is right leaves; a false start costs its first byte and no more, so one
damaged frame does not take its successor with it. What is in no frame is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Protocol = Literal["ubx", "rtcm", "nmea"]

MAX_UBX_BYTES = 8192  # payload; the longest, RXM-RAWX of 255 signals, has 8176
MAX_NMEA_BYTES = 256  # NMEA 0183 allows 82; makers' sentences are longer
_START = re.compile(rb"[\xb5\xd3$]")
_CRC24Q = 0x1864CFB


class Frame(NamedTuple):
    """One whole frame with its checksum."""

    protocol: Protocol
    data: bytes


@dataclass(slots=True)
class Counts:
    """frames: good ones. corrupt: those whose checksum is wrong. skipped_bytes: in no frame."""

    frames: int = 0
    corrupt: int = 0
    skipped_bytes: int = 0


class Framer:
    """Feed bytes, take frames. It keeps at most one frame that is not yet complete."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._kept = bytearray()
        self._suspect = 0  # end of a damaged frame: what looks like one within it is not counted

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete."""
        self._kept += data
        at = 0
        while at < len(self._kept):
            begin = self._start(at)
            self.counts.skipped_bytes += begin - at
            at = begin
            size = self._size(at)
            if size < 0 or (size and len(self._kept) - at < size):
                break
            frame = self._checked(at, size) if size else None
            if frame is None:
                self.counts.skipped_bytes += 1
                at += 1
                continue
            self.counts.frames += 1
            yield frame
            at += size
        del self._kept[:at]
        self._suspect = max(self._suspect - at, 0)

    def finish(self) -> int:
        """Tell that no more comes; the bytes of a frame that was cut off, which are dropped."""
        left = len(self._kept)
        self.counts.skipped_bytes += left
        self._kept.clear()
        return left

    def _start(self, at: int) -> int:
        """Where the next frame may begin."""
        found = _START.search(self._kept, at)
        return found.start() if found else len(self._kept)

    def _size(self, at: int) -> int:
        """Bytes of the frame at `at`; 0 when none is there, -1 when more bytes must tell."""
        head = bytes(self._kept[at : at + 6])
        if head[:1] == b"$":
            return self._sentence(at)
        if head[:1] == b"\xb5":
            if head[1:2] not in (b"", b"\x62"):
                return 0
            if len(head) < 6:
                return -1
            length = head[4] | head[5] << 8
            return length + 8 if length <= MAX_UBX_BYTES else 0
        if len(head) >= 2 and head[1] & 0xFC:
            return 0
        return (head[1] << 8 | head[2]) + 6 if len(head) >= 3 else -1

    def _sentence(self, at: int) -> int:
        end = self._kept.find(b"\n", at, at + MAX_NMEA_BYTES)
        if end >= 0:
            return end + 1 - at
        return -1 if len(self._kept) - at < MAX_NMEA_BYTES else 0

    def _checked(self, at: int, size: int) -> Frame | None:
        data = bytes(self._kept[at : at + size])
        protocol: Protocol = "ubx" if data[0] == 0xB5 else "rtcm" if data[0] == 0xD3 else "nmea"
        if _CHECKS[protocol](data):
            return Frame(protocol, data)
        if at >= self._suspect:
            self.counts.corrupt += 1
            self._suspect = at + size
        return None


def fletcher8(data: bytes) -> bytes:
    """The two checksum bytes of UBX (RFC 1145's 8-bit Fletcher)."""
    low = high = 0
    for byte in data:
        low += byte
        high += low
    return bytes([low & 0xFF, high & 0xFF])


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (_CRC24Q if crc & 0x800000 else 0)
        table.append(crc & 0xFFFFFF)
    return tuple(table)


_TABLE = _crc_table()


def crc24q(data: bytes) -> int:
    """The 24-bit checksum of RTCM 3 (Qualcomm's CRC)."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFFFF) ^ _TABLE[crc >> 16 ^ byte]
    return crc


def ubx(kind: int, number: int, payload: bytes = b"") -> bytes:
    """A UBX frame of message class `kind` and id `number`."""
    body = bytes([kind, number]) + len(payload).to_bytes(2, "little") + payload
    return b"\xb5\x62" + body + fletcher8(body)


def rtcm(payload: bytes) -> bytes:
    """An RTCM 3 frame."""
    body = b"\xd3" + len(payload).to_bytes(2, "big") + payload
    return body + crc24q(body).to_bytes(3, "big")


def _is_sentence(data: bytes) -> bool:
    body, star, told = data[1:].strip().rpartition(b"*")
    if not star or len(told) != 2:
        return False
    found = 0
    for byte in body:
        found ^= byte
    return told.upper() == b"%02X" % found


_CHECKS = {
    "ubx": lambda data: fletcher8(data[2:-2]) == data[-2:],
    "rtcm": lambda data: crc24q(data[:-3]) == int.from_bytes(data[-3:], "big"),
    "nmea": _is_sentence,
}
