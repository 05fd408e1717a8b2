"""A recorded GNSS receiver: an MCAP file of ours, or the receiver's own UBX file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from common.drivers.base import (
    CorruptSampleError,
    EndOfStreamError,
    RecordingError,
)
from common.drivers.gnss.config import ReplayGnssConfig
from common.drivers.gnss.counting import EpochCounter
from common.drivers.gnss.framing import Framer
from common.drivers.gnss.message import EPOCH
from common.drivers.gnss.ubx import UbxDecoder
from common.drivers.gnss.view import declared, octets
from common.drivers.replay import Pace, ReplayBackend, Topic, recorded_spec
from common.drivers.stream import RawSample, StreamDriver
from common.types.gnss import GnssEpoch

CHUNK_BYTES = 1 << 16
GPS_UNIX_S = 315_964_800  # 1980-01-06 in Unix time
LEAP_S = 18
LONGEST_PAUSE_S = 10.0  # in a replay: a receiver that learns the time steps by decades
_RATE_EPOCHS = 20


class ReplayGnss(StreamDriver[GnssEpoch]):
    """A recording, by its own timing. RecordingError when there are no epochs in it."""

    Config: ClassVar[type[ReplayGnssConfig]] = ReplayGnssConfig

    def __init__(self, config: ReplayGnssConfig) -> None:
        self._source: ReplayBackend[GnssEpoch] | UbxFileBackend
        if config.path.suffix.lower() == ".ubx":
            rate_hz = config.rate_hz or _rate_hz(config.path)
            self._source = UbxFileBackend(config.path, config.pace, rate_hz)
            spec = declared("replay", config.frame_id, rate_hz, "every")
        else:
            self._source = ReplayBackend(Topic(config.path, EPOCH, config.topic), config.pace)
            spec = recorded_spec(config.path, EPOCH, config.topic, config.frame_id)
        super().__init__(spec, self._source, octets)

    def open(self) -> None:
        """From the first epoch."""
        if not self.is_open:
            self._source.rewind()
        super().open()


class UbxFileBackend:
    """A UBX file as a device: reconnecting goes on, `rewind` starts again.

    The host's time of an epoch is its own, in UTC.
    """

    def __init__(self, path: Path, pace: Pace, rate_hz: float) -> None:
        self._path = path
        self._pace = pace
        self._rate_hz = rate_hz
        self.rewind()

    def rewind(self) -> None:
        """Start again from the first byte."""
        self._epochs = epochs(self._path)
        self._counter = EpochCounter(self._rate_hz)
        self._next: GnssEpoch | None = None
        self._last_ns: int | None = None
        self._due = time.monotonic()

    def connect(self) -> None:
        """The file is opened when it is first read."""

    def disconnect(self) -> None:
        """The file is closed when it is rewound or read to its end."""

    def grab(self, timeout_s: float) -> RawSample[GnssEpoch] | None:
        """The next epoch when its time has come."""
        if self._next is None:
            self._next = self._following()
        wait_s = self._due - time.monotonic() if self._pace == "recorded" else 0.0
        time.sleep(min(max(wait_s, 0.0), timeout_s))
        if wait_s > timeout_s:
            return None
        epoch, self._next = self._next, None
        host_ns = epoch.time_ns + (GPS_UNIX_S - (epoch.leap_s or LEAP_S)) * 1_000_000_000
        counter = self._counter.step(epoch.time_ns)
        return RawSample(counter, epoch.time_ns, epoch.padded(), host_time_ns=host_ns)

    def _following(self) -> GnssEpoch:
        found = next(self._epochs, None)
        if isinstance(found, CorruptSampleError):
            raise found
        if found is None:
            raise EndOfStreamError(f"{self._path}: end of the recording")
        last, self._last_ns = self._last_ns, found.time_ns
        step_s = 0.0 if last is None else (found.time_ns - last) * 1e-9
        self._due = (self._due if last is not None else time.monotonic()) + min(
            max(step_s, 0.0), LONGEST_PAUSE_S
        )
        return found


def epochs(path: Path) -> Iterator[GnssEpoch | CorruptSampleError]:
    """The epochs of a UBX file, a broken one as its error. RecordingError when it is not there."""
    framer, decoder = Framer(), UbxDecoder()
    try:
        with path.open("rb") as stream:
            while data := stream.read(CHUNK_BYTES):
                for frame in framer.feed(data):
                    yield from _decoded(decoder, frame)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from error


def _decoded(decoder: UbxDecoder, frame: Any) -> list[GnssEpoch | CorruptSampleError]:
    try:
        return [*decoder.decode(frame)]
    except CorruptSampleError as error:
        return [error]


def _rate_hz(path: Path) -> float:
    """By the shortest time between the first epochs."""
    times: list[int] = []
    for epoch in epochs(path):
        if isinstance(epoch, GnssEpoch):
            times.append(epoch.time_ns)
        if len(times) == _RATE_EPOCHS:
            break
    steps = [b - a for a, b in pairwise(times) if b > a]
    if not steps:
        raise RecordingError(f"{path}: fewer than two epochs of RXM-RAWX in it")
    return min(max(round(1e9 / min(steps), 3), 0.001), 100.0)
