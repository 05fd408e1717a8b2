"""Frames of TI's mmWave SDK demonstration as they come over the serial port.

A frame is a magic word, a header of eight little-endian 32-bit words (version, length, platform,
frame number, cycle counter, points, records, sub-frame) and records of type, length and value
(TLV). Records used: 1, points as x, y, z, velocity in float32; 7, SNR and noise of each in 0.1 dB.
TI's axes are x to the right, y forward, z up; ours are REP-103. There is no checksum: a frame is
taken only where every length agrees with every other. (mmWave SDK user guide, "Data formats".)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from common.drivers.base import CorruptSampleError
from common.types.radar import CAPACITY, RadarPoints

MAGIC = bytes((2, 1, 4, 3, 6, 5, 8, 7))
HEADER = struct.Struct("<8I")
RECORD = struct.Struct("<II")
HEAD_BYTES = len(MAGIC) + HEADER.size
MAX_FRAME_BYTES = 64 * 1024  # above the largest frame with all heat maps switched on
MAX_RECORDS = 16
POINTS, SIDE_INFO = 1, 7
PADDING = 32  # frames are filled up to a multiple of it
MAX_RANGE_M, MAX_SPEED_MPS = 1000.0, 200.0  # beyond these a number is damage, not a target


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame: the device's frame number, its cycle counter and the points."""

    number: int
    cycles: int
    points: RadarPoints


class Framer:
    """Cuts a byte stream into frames. Holds MAX_FRAME_BYTES and one read at most."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Bytes in the order in which they came."""
        self._held += data

    def next(self) -> Frame | None:
        """The next whole frame, None when more bytes are needed.

        CorruptSampleError for a frame that does not hold together. Its magic word alone is
        skipped, so that a whole frame behind a damaged length is still found.
        """
        start = self._held.find(MAGIC)
        if start < 0:
            del self._held[: max(len(self._held) - len(MAGIC) + 1, 0)]
            return None
        del self._held[:start]
        if len(self._held) < HEAD_BYTES:
            return None
        try:
            length = _length(self._held)
            self._refuse_cut(length)
            if len(self._held) < length:
                return None
            frame = parse(bytes(self._held[:length]))
        except CorruptSampleError:
            del self._held[: len(MAGIC)]
            raise
        del self._held[:length]
        return frame

    def _refuse_cut(self, length: int) -> None:
        """Another magic word inside means that this frame's rest was lost on the way."""
        if self._held.find(MAGIC, len(MAGIC), length) >= 0:
            raise CorruptSampleError("a frame was cut off by the next one")


def _length(data: bytes | bytearray) -> int:
    length = HEADER.unpack_from(data, len(MAGIC))[1]
    if not HEAD_BYTES <= length <= MAX_FRAME_BYTES:
        raise CorruptSampleError(f"a frame of {length} bytes")
    return int(length)


def parse(data: bytes) -> Frame:
    """One frame, magic word included. CorruptSampleError says what does not hold together."""
    if len(data) < HEAD_BYTES or not data.startswith(MAGIC):
        raise CorruptSampleError("not a frame")
    _, length, _, number, cycles, count, records, _ = HEADER.unpack_from(data, len(MAGIC))
    if length != len(data) or count > CAPACITY or records > MAX_RECORDS:
        raise CorruptSampleError(f"{length} bytes, {count} points, {records} records")
    values = _records(data, records)
    return Frame(number, cycles, _points(values, count))


def _records(data: bytes, records: int) -> dict[int, bytes]:
    """Type -> value. Their lengths must fill the frame up to its padding."""
    at, values = HEAD_BYTES, {}
    for _ in range(records):
        if at + RECORD.size > len(data):
            raise CorruptSampleError("records reach over the frame")
        kind, length = RECORD.unpack_from(data, at)
        at += RECORD.size
        if length > len(data) - at:
            raise CorruptSampleError(f"a record of {length} bytes reaches over the frame")
        values[kind] = data[at : at + length]
        at += length
    if len(data) - at >= PADDING:
        raise CorruptSampleError(f"{len(data) - at} bytes behind the last record")
    return values


def _points(values: dict[int, bytes], count: int) -> RadarPoints:
    raw = values.get(POINTS, b"")
    if len(raw) != 16 * count:
        raise CorruptSampleError(f"{len(raw)} bytes are not {count} points")
    with np.errstate(invalid="ignore"):  # damage may be a signalling NaN
        right, forward, up, rate = np.frombuffer(raw, "<f4").reshape(count, 4).astype(np.float64).T
    distance = np.sqrt(right**2 + forward**2 + up**2)
    sane = np.isfinite(distance) & np.isfinite(rate)
    if not sane.all() or (distance > MAX_RANGE_M).any() or (np.abs(rate) > MAX_SPEED_MPS).any():
        raise CorruptSampleError("a point is beyond what a radar can see")
    columns = (
        distance,
        np.arctan2(-right, forward),
        np.arctan2(up, np.hypot(right, forward)),
        rate,
        _snr(values.get(SIDE_INFO), count),
    )
    return RadarPoints.of(np.stack(columns, axis=1))


def _snr(raw: bytes | None, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(N,) dB; NaN where the sensor does not tell."""
    if raw is None:
        return np.full(count, np.nan)
    if len(raw) != 4 * count:
        raise CorruptSampleError(f"{len(raw)} bytes are not the side information of {count} points")
    return np.frombuffer(raw, "<i2").reshape(count, 2)[:, 0] * 0.1


def build(number: int, cycles: int, points: RadarPoints) -> bytes:
    """The frame that a sensor would send of these points, for simulated sensors and tests."""
    x, y, z = points.xyz_m.T
    place = np.stack([-y, x, z, points.column("radial_velocity_mps")], axis=1).astype("<f4")
    snr = np.nan_to_num(points.column("snr_db"))
    side = np.stack([np.rint(10 * snr), np.zeros(len(snr))], axis=1).astype("<i2")
    body = b"".join(
        RECORD.pack(kind, len(value)) + value
        for kind, value in ((POINTS, place.tobytes()), (SIDE_INFO, side.tobytes()))
    )
    padding = -(HEAD_BYTES + len(body)) % PADDING
    length = HEAD_BYTES + len(body) + padding
    head = HEADER.pack(0x03060000, length, 0xA1843, number, cycles, len(points), 2, 0)
    return MAGIC + head + body + bytes(padding)
