"""A simulated radar: a scene, a clock of its own, and either points or raw samples."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import ConfigError, DriverSpec
from common.drivers.camera import scenes as allowed
from common.drivers.camera.sim import BUFFERS, DriftingClock
from common.drivers.radar.config import SimRadarConfig, SimRadarIfConfig
from common.drivers.stream import RawSample, StreamDriver
from common.types.radar import CAPACITY, COLUMNS, RadarCube, RadarPoints

T = TypeVar("T", RadarCube, RadarPoints)
Make = Callable[[int, float, np.random.Generator], Any]
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
        backend = SimBackend(config, _method(config, "measure"), RadarPoints)
        super().__init__(spec, backend, table)


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
        super().__init__(spec, SimBackend(config, _method(config, "sample"), RadarCube), adc)


class SimBackend(Generic[T]):
    """The device: restarts its counter and its clock whenever it is connected."""

    def __init__(
        self, config: SimRadarConfig | SimRadarIfConfig, make: Make, value: type[T]
    ) -> None:
        self._config = config
        self._make = make
        self._value: type[Any] = value
        self._clock = DriftingClock(config.clock, config.seed)
        self._counter = 0
        self._started = 0.0

    def connect(self) -> None:
        """Power up."""
        self._clock = DriftingClock(self._config.clock, self._config.seed)
        self._counter = 0
        self._started = time.monotonic()

    def disconnect(self) -> None:
        """Nothing is held."""

    def grab(self, timeout_s: float) -> RawSample[T] | None:
        """Wait for the frame that is due, and measure it."""
        config = self._config
        if config.realtime and not self._is_due(timeout_s):
            return None
        counter, self._counter = self._counter, self._counter + 1
        time_s = counter / config.rate_hz
        rng = np.random.Generator(np.random.SFC64([config.seed, counter]))
        if rng.random() < config.drop_rate:
            return None
        return RawSample(counter, self._clock.read_ns(time_s), self._measure(counter, time_s, rng))

    def _is_due(self, timeout_s: float) -> bool:
        """Whether the next frame's time has come; frames that nobody could buffer are lost."""
        elapsed_s = time.monotonic() - self._started
        behind = int(elapsed_s * self._config.rate_hz) - self._counter
        if behind > BUFFERS:
            self._counter += behind
        wait_s = self._counter / self._config.rate_hz - elapsed_s
        time.sleep(min(max(wait_s, 0.0), timeout_s))
        return wait_s <= timeout_s

    def _measure(self, counter: int, time_s: float, rng: np.random.Generator) -> T:
        """ConfigError, which ends the stream: a scene that fails once will fail again."""
        try:
            found = self._make(counter, time_s, rng)
        except Exception as error:  # a scene is anybody's code
            raise ConfigError(f"scene {self._config.scene!r} failed: {error!r}") from error
        if not isinstance(found, self._value):
            raise ConfigError(f"scene {self._config.scene!r} gave a {type(found).__name__}")
        made: T = found
        return made


def _method(config: SimRadarConfig | SimRadarIfConfig, name: str) -> Make:
    found = getattr(allowed.load(config.scene, config.parameters), name, None)
    if not callable(found):
        raise ConfigError(f"scene {config.scene!r} has no {name}()")
    make: Make = found
    return make
