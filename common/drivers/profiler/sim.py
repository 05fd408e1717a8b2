"""A simulated three-dimensional sensor: a scene that it measures, a trigger, a clock of its own."""

from __future__ import annotations

import queue
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import ConfigError, DriverSpec
from common.drivers.profiler.config import SimProfilerConfig
from common.drivers.profiler.scenes import HeightScene
from common.drivers.simulated import scenes
from common.drivers.simulated.freerun import Pace
from common.drivers.simulated.triggered import MAX_PENDING, TriggeredBackend
from common.drivers.stream import StreamDriver
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
        backend = TriggeredBackend(
            Pace(config.rate_hz, config.realtime, config.drop_rate, config.seed),
            config.clock,
            self._pending,
            (lambda number: number) if config.trigger == "free" else None,
            Measuring(config).measure,
            config.scene,
        )
        super().__init__(spec, backend, heights)

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


class Measuring:
    """The scene as the sensor measures it. ConfigError when it cannot be had."""

    def __init__(self, config: SimProfilerConfig) -> None:
        self._config = config
        self._scene: HeightScene = scenes.load(config.scene, config.parameters, "measure")

    def measure(self, trigger: int, time_s: float, rng: np.random.Generator) -> HeightMap:
        """The heights of the part under the sensor."""
        config = self._config
        found = self._scene.measure(trigger, time_s, rng)
        shape = found.height_um.shape
        if shape != (config.height_px, config.width_px) or found.um_per_px != config.um_per_px:
            raise ConfigError(
                f"scene {config.scene!r} gave {shape} at {found.um_per_px} um, the sensor has "
                f"{config.height_px} x {config.width_px} at {config.um_per_px} um"
            )
        return replace(found, trigger=trigger)
