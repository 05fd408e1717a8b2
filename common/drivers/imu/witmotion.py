"""WitMotion's standard protocol: frames of 11 bytes, 0x55, a kind, four int16, a sum.

After WitMotion, WT901C-TTL protocol, 2023. A sample is a frame of acceleration (0x51) and the frame
of angular velocity (0x52) that follows it.
"""

from __future__ import annotations

import struct

import numpy as np

from common.types.imu import ImuSample

FRAME_BYTES = 11
ACCELERATION, ANGULAR_VELOCITY = 0x51, 0x52
_KINDS = range(0x50, 0x5B)
_START = 0x55
_FORCE_MPS2 = 16 * 9.8 / 32_768  # the maker counts g as 9.8 m/s^2
_TURN_RADPS = np.deg2rad(2000.0) / 32_768


class WitMotionDecoder:
    """Feed bytes, take samples. corrupt: frames whose sum is wrong."""

    def __init__(self) -> None:
        self.corrupt = 0
        self._kept = bytearray()
        self._force: tuple[float, ...] | None = None

    def feed(self, data: bytes) -> list[ImuSample]:
        """The samples that these bytes complete."""
        self._kept += data
        found, at = [], 0
        while len(self._kept) - at >= FRAME_BYTES:
            if self._kept[at] != _START or self._kept[at + 1] not in _KINDS:
                at += 1
                continue
            frame = bytes(self._kept[at : at + FRAME_BYTES])
            if sum(frame[:-1]) & 0xFF != frame[-1]:
                self.corrupt += 1
                at += 1
                continue
            at += FRAME_BYTES
            sample = self._sample(frame)
            if sample is not None:
                found.append(sample)
        del self._kept[:at]
        return found

    def _sample(self, frame: bytes) -> ImuSample | None:
        *axes, last = struct.unpack("<4h", frame[2:10])
        if frame[1] == ACCELERATION:
            self._force = (*(_FORCE_MPS2 * axis for axis in axes), last / 100)
        elif frame[1] == ANGULAR_VELOCITY and self._force is not None:
            (*force, temperature_c), self._force = self._force, None
            return ImuSample.of([_TURN_RADPS * axis for axis in axes], force, temperature_c)
        return None
