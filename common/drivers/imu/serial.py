"""An IMU on a serial line."""

from __future__ import annotations

import time
from collections import deque
from typing import ClassVar

from common.drivers.base import CorruptSampleError
from common.drivers.imu.config import SerialImuConfig
from common.drivers.imu.view import declared, measured
from common.drivers.imu.witmotion import WitMotionDecoder
from common.drivers.serial_line import SerialLine
from common.drivers.stream import RawSample, StreamDriver
from common.types.imu import ImuSample


class SerialImu(StreamDriver[ImuSample]):
    """A live IMU. It tells no time: the host's at arrival stands in. MissingExtraError."""

    Config: ClassVar[type[SerialImuConfig]] = SerialImuConfig

    def __init__(self, config: SerialImuConfig) -> None:
        spec = declared("serial", config.frame_id, config.rate_hz, "newest")
        super().__init__(spec, SerialBackend(config), measured)


class SerialBackend:
    """The sensor; what it sent before it was connected is forgotten."""

    def __init__(self, config: SerialImuConfig) -> None:
        self._config = config
        self._line = SerialLine(config.port, config.baud)
        self._counter = 0
        self._last_ns = 0
        self._begin()

    def connect(self) -> None:
        """Open the port."""
        self._begin()
        self._line.open()

    def disconnect(self) -> None:
        """Close the port."""
        self._line.close()

    def grab(self, timeout_s: float) -> RawSample[ImuSample] | None:
        """The next sample, as soon as its last byte has come."""
        if not self._ready:
            self._ready.extend(self._decoder.feed(self._line.read(timeout_s)))
        if not self._ready:
            self._complain()
            return None
        counter, self._counter = self._counter, self._counter + 1
        self._last_ns = max(time.monotonic_ns(), self._last_ns + 1)
        return RawSample(counter, self._last_ns, self._ready.popleft())

    def _begin(self) -> None:
        self._decoder = WitMotionDecoder()
        self._ready: deque[ImuSample] = deque()
        self._counter = 0
        self._last_ns = 0
        self._told_corrupt = 0

    def _complain(self) -> None:
        new = self._decoder.corrupt - self._told_corrupt
        if new:
            self._told_corrupt += new
            raise CorruptSampleError(f"{self._config.port}: {new} frames with a wrong sum")
