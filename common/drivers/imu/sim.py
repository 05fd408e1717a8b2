"""A simulated IMU: a motion, a sensor with its errors, a clock of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from common.drivers.imu.config import AxisModel, SimImuConfig
from common.drivers.imu.scenes import MotionScene, Vector
from common.drivers.imu.view import declared, measured
from common.drivers.simulated import scenes
from common.drivers.simulated.clock import DriftingClock
from common.drivers.simulated.freerun import FreeRunBackend, Measure, Pace
from common.drivers.stream import StreamDriver
from common.types.imu import ImuSample


class SimImu(StreamDriver[ImuSample]):
    """A sensor that publishes what a real one would. ConfigError when there is no such scene."""

    Config: ClassVar[type[SimImuConfig]] = SimImuConfig

    def __init__(self, config: SimImuConfig) -> None:
        pace = Pace(config.rate_hz, config.realtime, config.drop_rate, config.seed)
        backend = FreeRunBackend(pace, lambda: _measure(config), config.scene)
        spec = declared("sim", config.frame_id, config.rate_hz, config.delivery)
        super().__init__(spec, backend, measured)


def _measure(config: SimImuConfig) -> Measure[ImuSample]:
    scene: MotionScene = scenes.load(config.scene, config.parameters, "motion")
    clock = DriftingClock(config.clock, config.seed)
    gyro = Triad(config.gyro, config.rate_hz, np.random.default_rng([config.seed, 2]))
    force = Triad(config.accelerometer, config.rate_hz, np.random.default_rng([config.seed, 3]))

    def measure(number: int, time_s: float, rng: np.random.Generator) -> tuple[int, ImuSample]:
        velocity, pull = scene.motion(time_s)
        sample = ImuSample.of(
            gyro.measure(velocity, time_s), force.measure(pull, time_s), config.temperature_c
        )
        return clock.read_ns(time_s), sample

    return measure


class Triad:
    """Three axes of one kind; measure at rising times."""

    def __init__(self, model: AxisModel, rate_hz: float, rng: np.random.Generator) -> None:
        self._model = model
        self._rng = rng
        self._noise = model.noise_density * rate_hz**0.5  # the sensor averages over a period
        self._bias = rng.normal(0.0, model.bias_sigma, 3)
        self._last_s = 0.0

    def measure(self, truth: Vector, time_s: float) -> Vector:
        """(3,) with bias, noise, saturation and digits."""
        model, rng = self._model, self._rng
        passed_s = max(time_s - self._last_s, 0.0)
        self._last_s = time_s
        self._bias += rng.normal(0.0, 1.0, 3) * model.bias_walk * passed_s**0.5
        told = truth + self._bias + rng.normal(0.0, 1.0, 3) * self._noise
        digits = np.round(np.clip(told, -model.full_scale, model.full_scale) / model.resolution)
        return np.asarray(digits * model.resolution)
