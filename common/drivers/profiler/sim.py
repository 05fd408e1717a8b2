"""A simulated three-dimensional sensor: a scene that it measures, a trigger, a clock of its own."""

from __future__ import annotations

import queue
import time
from dataclasses import replace
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import ConfigError, DriverSpec
from common.drivers.camera import scenes as allowed
from common.drivers.camera.sim import BUFFERS, MAX_PENDING, DriftingClock
from common.drivers.profiler.config import SimProfilerConfig
from common.drivers.profiler.scenes import HeightScene
from common.drivers.stream import RawSample, StreamDriver
from common.types.heightmap import HeightMap


def heights(sample: HeightMap) -> NDArray[np.float32]:
    """The array of a sample, for the checks that every driver's samples pass."""
    return sample.height_um


class SimProfiler(StreamDriver[HeightMap]):
    """A sensor that publishes what a real one would. ConfigError when the scene cannot be had."""

    Config: ClassVar[type[SimProfilerConfig]] = SimProfilerConfig

    def __init__(self, config: SimProfilerConfig) -> None:
        spec = DriverSpec(
            kind="profiler",
            type="sim",
            frame_id=config.frame_id,
            shape=(config.height_px, config.width_px),
            dtype="float32",
            rate_hz=config.rate_hz if config.trigger == "free" else None,
            unit="um",
            delivery=config.delivery,
        )
        self._config = config
        self._pending: queue.Queue[int] = queue.Queue(MAX_PENDING)
        self._triggers = 0
        super().__init__(spec, SimBackend(config, self._pending), heights)

    def open(self) -> None:
        """Connect; triggers count from 0 again."""
        self._triggers = 0
        super().open()

    def trigger(self) -> int:
        """One hardware trigger; returns its number.

        ConfigError when the sensor runs free. NotOpenError before open().
        """
        if self._config.trigger != "hardware":
            raise ConfigError("this sensor runs free: its config says trigger='free'")
        self.expect(1)
        number, self._triggers = self._triggers, self._triggers + 1
        self._pending.put(number, timeout=1.0)
        return number


class SimBackend:
    """The device: restarts its counter and its clock whenever it is connected."""

    def __init__(self, config: SimProfilerConfig, pending: queue.Queue[int]) -> None:
        self._config = config
        self._pending = pending
        found = allowed.load(config.scene, config.parameters)
        if not callable(getattr(found, "measure", None)):
            raise ConfigError(f"scene {config.scene!r} measures no heights")
        self._scene = cast(HeightScene, found)
        self._clock = DriftingClock(config.clock, config.seed)
        self._counter = 0
        self._started = 0.0

    def connect(self) -> None:
        """Power up."""
        while not self._pending.empty():
            self._pending.get_nowait()
        self._clock = DriftingClock(self._config.clock, self._config.seed)
        self._counter = 0
        self._started = time.monotonic()

    def disconnect(self) -> None:
        """Nothing is held."""

    def grab(self, timeout_s: float) -> RawSample[HeightMap] | None:
        """Wait for the part that is due, and measure it."""
        free = self._config.trigger == "free"
        trigger = self._free(timeout_s) if free else self._triggered(timeout_s)
        if trigger is None:
            return None
        time_s = self._now_s()
        counter, self._counter = self._counter, self._counter + 1
        rng = np.random.Generator(np.random.SFC64([self._config.seed, counter]))
        if rng.random() < self._config.drop_rate:
            return None
        sample = replace(self._measure(trigger, time_s, rng), trigger=trigger)
        return RawSample(counter, self._clock.read_ns(time_s), sample)

    def _triggered(self, timeout_s: float) -> int | None:
        try:
            return self._pending.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _free(self, timeout_s: float) -> int | None:
        """The number of the sample that is due at counter / rate_hz."""
        config = self._config
        if config.realtime:
            behind = int(self._now_s() * config.rate_hz) - self._counter
            if behind > BUFFERS:
                self._counter += behind
            wait_s = self._counter / config.rate_hz - self._now_s()
            time.sleep(min(max(wait_s, 0.0), timeout_s))
            if wait_s > timeout_s:
                return None
        return self._counter

    def _now_s(self) -> float:
        if self._config.realtime:
            return time.monotonic() - self._started
        return self._counter / self._config.rate_hz

    def _measure(self, trigger: int, time_s: float, rng: np.random.Generator) -> HeightMap:
        """ConfigError, which ends the stream: a scene that fails once will fail again."""
        config = self._config
        try:
            found = self._scene.measure(trigger, time_s, rng)
        except Exception as error:  # a scene is anybody's code
            raise ConfigError(f"scene {config.scene!r} failed: {error!r}") from error
        shape = found.height_um.shape
        if shape != (config.height_px, config.width_px) or found.um_per_px != config.um_per_px:
            raise ConfigError(
                f"scene {config.scene!r} gave {shape} at {found.um_per_px} um, the sensor has "
                f"{config.height_px} x {config.width_px} at {config.um_per_px} um"
            )
        return found
