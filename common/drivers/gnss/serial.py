"""A GNSS receiver on a serial line: u-blox UBX, or RTCM 3 of any maker."""

from __future__ import annotations

import time
from collections import deque
from typing import ClassVar, Protocol

from common.drivers.base import CorruptSampleError, DriverError
from common.drivers.gnss import setup
from common.drivers.gnss.config import SerialGnssConfig
from common.drivers.gnss.counting import EpochCounter
from common.drivers.gnss.framing import Frame, Framer
from common.drivers.gnss.replay import GPS_UNIX_S, LEAP_S
from common.drivers.gnss.rtcm import RtcmDecoder
from common.drivers.gnss.ubx import UbxDecoder
from common.drivers.gnss.view import declared, octets
from common.drivers.serial_line import SerialLine
from common.drivers.stream import RawSample, StreamDriver
from common.types.gnss import WEEK_S, GnssEpoch

ANSWER_S = 1.0


class _Decoder(Protocol):
    def decode(self, frame: Frame) -> list[GnssEpoch]: ...


class SerialGnss(StreamDriver[GnssEpoch]):
    """A live receiver. MissingExtraError without pyserial, and for RTCM without pyrtcm."""

    Config: ClassVar[type[SerialGnssConfig]] = SerialGnssConfig

    def __init__(self, config: SerialGnssConfig) -> None:
        spec = declared("serial", config.frame_id, config.rate_hz, "newest")
        super().__init__(spec, SerialBackend(config), octets)


class SerialBackend:
    """The receiver; what it sent before it was connected is forgotten."""

    def __init__(self, config: SerialGnssConfig) -> None:
        self._config = config
        self._line = SerialLine(config.port, config.baud)
        self._begin()

    def connect(self) -> None:
        """Open the port, and set the receiver up where the config says so."""
        self._begin()
        self._line.open()
        if self._config.configure:
            self._set_up()

    def disconnect(self) -> None:
        """Close the port."""
        self._line.close()

    def grab(self, timeout_s: float) -> RawSample[GnssEpoch] | None:
        """The next epoch, as soon as its last byte has come."""
        if not self._ready:
            for frame in self._frames(timeout_s):
                self._take(frame)
        if not self._ready:
            self._complain()
            return None
        epoch = self._ready.popleft()
        return RawSample(self._counter.step(epoch.time_ns), epoch.time_ns, epoch.padded())

    def _begin(self) -> None:
        self._framer = Framer()
        self._told_corrupt = 0
        self._counter = EpochCounter(self._config.rate_hz)
        self._ready: deque[GnssEpoch] = deque()
        ubx = self._config.protocol == "ubx"
        self._decoder: _Decoder = UbxDecoder() if ubx else RtcmDecoder(_now())

    def _frames(self, timeout_s: float) -> list[Frame]:
        return list(self._framer.feed(self._line.read(timeout_s)))

    def _take(self, frame: Frame) -> None:
        self._ready.extend(self._decoder.decode(frame))

    def _complain(self) -> None:
        """Tell of frames that came damaged, once each."""
        new = self._framer.counts.corrupt - self._told_corrupt
        if new:
            self._told_corrupt += new
            raise CorruptSampleError(f"{self._config.port}: {new} frames with a wrong checksum")

    def _set_up(self) -> None:
        """DriverError when the receiver refuses or says nothing."""
        if self._config.protocol != "ubx":
            raise DriverError("only u-blox receivers are configured: set configure = false")
        for message in setup.messages(self._config.rate_hz):
            self._line.write(message)
            answer = self._answer(message[2:4])
            if answer is None:
                raise DriverError(
                    f"{self._config.port}: no answer to a configuration message in {ANSWER_S:g} s; "
                    "is it a u-blox receiver of generation 9 or later, at this baud rate?"
                )
            if not answer:
                raise DriverError(f"{self._config.port}: the receiver refused its configuration")

    def _answer(self, asked: bytes) -> bool | None:
        deadline = time.monotonic() + ANSWER_S
        found: bool | None = None
        while found is None and time.monotonic() < deadline:
            for frame in self._frames(0.05):
                told = setup.acknowledged(frame.data, asked)
                if told is None:
                    self._take(frame)
                else:
                    found = told
        return found


def _now() -> tuple[int, float]:
    """The host's time as GPS time, good enough to tell the week."""
    week, second = divmod(time.time() - GPS_UNIX_S + LEAP_S, WEEK_S)
    return int(week), second
