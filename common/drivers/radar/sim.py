"""A simulated radar: a scene, a clock of its own, and either points or raw samples."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import ConfigError, DriverSpec
from common.drivers.radar.config import SimRadarConfig, SimRadarIfConfig
from common.drivers.simulated import scenes
from common.drivers.simulated.clock import DriftingClock
from common.drivers.simulated.freerun import FreeRunBackend, Measure, Pace
from common.drivers.stream import StreamDriver
from common.types.radar import CAPACITY, COLUMNS, RadarCube, RadarPoints

T = TypeVar("T", RadarCube, RadarPoints)
POINT_UNIT = "m, rad, rad, m/s, dB"


def table(points: RadarPoints) -> NDArray[np.float32]:
    """The array of a frame of points, for the checks that every driver's samples pass."""
    return points.table


def adc(cube: RadarCube) -> NDArray[np.int16]:
    """The array of a cube, for the same checks."""
    return cube.adc


def points_spec(kind: str, frame_id: str, rate_hz: float | None) -> DriverSpec:
    """What every live radar of points declares."""
    return DriverSpec(
        "radar", kind, frame_id, (CAPACITY, len(COLUMNS)), "float32", rate_hz, POINT_UNIT
    )


class SimRadar(StreamDriver[RadarPoints]):
    """A radar that publishes points. ConfigError when the scene cannot be had."""

    Config: ClassVar[type[SimRadarConfig]] = SimRadarConfig

    def __init__(self, config: SimRadarConfig) -> None:
        spec = DriverSpec(
            kind="radar",
            type="sim",
            frame_id=config.frame_id,
            shape=(CAPACITY, len(COLUMNS)),
            dtype="float32",
            rate_hz=config.rate_hz,
            unit=POINT_UNIT,
            delivery=config.delivery,
        )
        super().__init__(spec, _backend(config, "measure", RadarPoints), table)


class SimRadarIf(StreamDriver[RadarCube]):
    """A radar whose samples are read out. ConfigError when the scene cannot be had."""

    Config: ClassVar[type[SimRadarIfConfig]] = SimRadarIfConfig

    def __init__(self, config: SimRadarIfConfig) -> None:
        spec = DriverSpec(
            kind="radar_if",
            type="sim",
            frame_id=config.frame_id,
            shape=(*config.shape, 2),
            dtype="int16",
            rate_hz=config.rate_hz,
            unit="DN",
            delivery=config.delivery,
        )
        super().__init__(spec, _backend(config, "sample", RadarCube), adc)


def _backend(
    config: SimRadarConfig | SimRadarIfConfig, method: str, value: type[T]
) -> FreeRunBackend[T]:
    """The device; its frames are what the scene's method makes."""
    pace = Pace(config.rate_hz, config.realtime, config.drop_rate, config.seed)
    make = getattr(scenes.load(config.scene, config.parameters, method), method)

    def start() -> Measure[T]:
        clock = DriftingClock(config.clock, config.seed)

        def measure(number: int, time_s: float, rng: np.random.Generator) -> tuple[int, T]:
            found = make(number, time_s, rng)
            if not isinstance(found, value):
                raise ConfigError(f"scene {config.scene!r} gave a {type(found).__name__}")
            return clock.read_ns(time_s), found

        return measure

    return FreeRunBackend(pace, start, config.scene)
