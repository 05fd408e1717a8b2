"""A TI mmWave sensor on its serial ports."""

from __future__ import annotations

import time
from typing import ClassVar

from common.drivers.base import DisconnectedError
from common.drivers.radar.config import TiRadarConfig
from common.drivers.radar.sim import points_spec, table
from common.drivers.radar.tlv import Framer
from common.drivers.serial_line import SerialLine
from common.drivers.stream import RawSample, StreamDriver
from common.types.radar import RadarPoints

ANSWER_S = 0.5  # the sensor's longest time to answer one line of its profile
ANSWER_BYTES = 4096
WRAP = 2**32


class TiRadar(StreamDriver[RadarPoints]):
    """Points from the sensor's own chain. MissingExtraError without pyserial."""

    Config: ClassVar[type[TiRadarConfig]] = TiRadarConfig

    def __init__(self, config: TiRadarConfig) -> None:
        spec = points_spec("ti", config.frame_id, config.rate_hz)
        super().__init__(spec, TiBackend(config), table)


class TiBackend:
    """The sensor: its profile to the command port, frames from the data port."""

    def __init__(self, config: TiRadarConfig) -> None:
        self._config = config
        self._data = SerialLine(config.data_port, config.data_baud)
        self._framer = Framer()
        self._cycles = 0  # the counter of 32 bits, unwrapped

    def connect(self) -> None:
        """Start the sensor and listen. DisconnectedError when a port is not there."""
        self._framer = Framer()
        self._cycles = 0
        if self._config.cli_port:
            self._start()
        self._data.open()

    def disconnect(self) -> None:
        """Let go of the data port."""
        self._data.close()

    def grab(self, timeout_s: float) -> RawSample[RadarPoints] | None:
        """The next whole frame. Damaged ones raise CorruptSampleError."""
        frame = self._framer.next()
        if frame is None:
            self._framer.feed(self._data.read(timeout_s))
            frame = self._framer.next()
        if frame is None:
            return None
        self._cycles += (frame.cycles - self._cycles) % WRAP
        device_time_ns = int(self._cycles / self._config.clock_hz * 1e9)
        return RawSample(frame.number, device_time_ns, frame.points)

    def _start(self) -> None:
        """Send the profile line by line; the sensor answers "Done" to each that it takes."""
        port = self._config.cli_port
        cli = SerialLine(port, self._config.cli_baud)
        cli.open()
        try:
            for line in self._config.commands:
                cli.write(line.encode("ascii") + b"\n")
                answer = _answer(cli)
                if b"Done" not in answer:
                    told = answer.decode("ascii", "replace").strip()[-200:] or "nothing"
                    raise DisconnectedError(f"{port}: the sensor answered {told!r} to {line!r}")
        finally:
            cli.close()


def _answer(cli: SerialLine) -> bytes:
    """What the sensor says until "Done" or its time is over."""
    deadline = time.monotonic() + ANSWER_S
    heard = b""
    while b"Done" not in heard and len(heard) < ANSWER_BYTES and time.monotonic() < deadline:
        heard += cli.read(0.05)
    return heard
