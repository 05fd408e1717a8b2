"""Small recordings and videos, and a device whose truth is known."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.base import DriverSpec
from common.drivers.recorder import Recorder
from common.drivers.stream import RawSample, StreamDriver
from common.types.image import Image
from common.types.stamped import Stamped

IMAGE_SPEC = DriverSpec("camera", "sim", "camera_optical", (24, 32), "uint8", 100.0, "DN")
START_NS = 1_760_000_000_000_000_000


def images(count: int, period_ns: int = 10_000_000, seed: int = 0) -> list[Stamped[Image]]:
    """Random pixels with every field of Image set and a device clock of its own."""
    rng = np.random.default_rng(seed)
    return [
        Stamped(
            n,
            5_000_000_000 + n * (period_ns + 300),
            START_NS + n * period_ns,
            "camera_optical",
            Image(
                rng.integers(0, 256, (24, 32), dtype=np.uint8),
                um_per_px=10.0,
                light=("left", "right")[n % 2],
                trigger=n // 2,
                exposure_us=123.5,
                gain_db=-1.25,
            ),
        )
        for n in range(count)
    ]


def recording(folder: Path, count: int = 60) -> Path:
    """An MCAP of `images`, made once a folder."""
    path = folder / "camera.mcap"
    if not path.exists():
        with Recorder(path) as recorder:
            for sample in images(count):
                recorder.write(sample, IMAGE_SPEC)
    return path


def video(folder: Path, count: int = 60) -> Path:
    """A Motion-JPEG file of 64 x 48 px at 100 frames/s whose frame n has the grey level 4 n."""
    path = folder / "camera.avi"
    if not path.exists():
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 100.0, (64, 48))
        assert writer.isOpened()
        for n in range(count):
            writer.write(np.full((48, 64, 3), 4 * n, np.uint8))
        writer.release()
    return path


class Truth:
    """A backend that measures the very time at which it measures; a burst shows old samples."""

    def __init__(self, rate_hz: float) -> None:
        self.period_s = 1.0 / rate_hz
        self.backlog_until = 0.0  # until then samples are kept, and handed over afterwards
        self.connections = 0
        self.counter = 0
        self._kept: list[RawSample[NDArray[np.float64]]] = []

    def connect(self) -> None:
        self.connections += 1

    def disconnect(self) -> None:
        pass

    def grab(self, timeout_s: float) -> RawSample[NDArray[np.float64]] | None:
        if self._kept and time.monotonic() >= self.backlog_until:
            return self._kept.pop(0)
        time.sleep(self.period_s)
        now = time.monotonic()
        sample = RawSample(self.counter, time.monotonic_ns(), np.array([now]))
        self.counter += 1
        if now < self.backlog_until:
            self._kept.append(sample)
            return None
        return sample


def truth_driver(rate_hz: float = 50.0) -> tuple[StreamDriver[Any], Truth]:
    """A driver whose every value is the monotonic time at which it was taken, in seconds."""
    spec = DriverSpec("clock", "truth", "base_link", (1,), "float64", rate_hz, "s")
    backend = Truth(rate_hz)
    return StreamDriver(spec, backend, lambda value: value), backend
