"""A simulated industrial camera: a scene, a sensor, a trigger and a clock of its own."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from common.drivers.base import ConfigError, DriverSpec
from common.drivers.camera import scenes, sensor
from common.drivers.camera.config import ClockModel, SimCameraConfig
from common.drivers.camera.view import pixels
from common.drivers.stream import RawSample, StreamDriver
from common.types.image import Image

BUFFERS = 4  # frames that the camera holds before it must lose some
MAX_PENDING = 4096  # triggers that wait for exposure


class SimCamera(StreamDriver[Image]):
    """A camera that publishes what a real one would. ConfigError when the scene cannot be had."""

    Config: ClassVar[type[SimCameraConfig]] = SimCameraConfig

    def __init__(self, config: SimCameraConfig) -> None:
        spec = DriverSpec(
            kind="camera",
            type="sim",
            frame_id=config.frame_id,
            shape=(config.height_px, config.width_px),
            dtype="uint8" if config.sensor.bits == 8 else "uint16",
            rate_hz=config.rate_hz if config.trigger == "free" else None,
            unit="DN",
            delivery=config.delivery,
        )
        self._config = config
        self._exposures: queue.Queue[Exposure] = queue.Queue(MAX_PENDING)
        self._triggers = 0
        super().__init__(spec, SimBackend(config, self._exposures), pixels)

    def open(self) -> None:
        """Connect; triggers count from 0 again."""
        self._triggers = 0
        super().open()

    def trigger(self, *lights: str) -> int:
        """One hardware trigger: a frame under each light in turn; returns the trigger's number.

        ConfigError when the camera runs free. NotOpenError before open().
        """
        if self._config.trigger != "hardware":
            raise ConfigError("this camera runs free: its config says trigger='free'")
        chosen = lights or self._config.lights
        self.expect(len(chosen))
        number, self._triggers = self._triggers, self._triggers + 1
        for light in chosen:
            self._exposures.put(Exposure(number, light), timeout=1.0)
        return number


@dataclass(frozen=True, slots=True)
class Exposure:
    """A frame that was asked for."""

    trigger: int
    light: str


class SimBackend:
    """The device: restarts its counter and its clock whenever it is connected."""

    def __init__(self, config: SimCameraConfig, exposures: queue.Queue[Exposure]) -> None:
        self._config = config
        self._exposures = exposures
        self._scene = scenes.load(config.scene, config.parameters)
        sensor.prepare()
        self._clock = DriftingClock(config.clock, config.seed)
        self._counter = 0
        self._started = 0.0

    def connect(self) -> None:
        """Power up."""
        while not self._exposures.empty():
            self._exposures.get_nowait()
        self._clock = DriftingClock(self._config.clock, self._config.seed)
        self._counter = 0
        self._started = time.monotonic()

    def disconnect(self) -> None:
        """Nothing is held."""

    def grab(self, timeout_s: float) -> RawSample[Image] | None:
        """Wait for the exposure that is due, and take it."""
        due = (
            self._triggered(timeout_s)
            if self._config.trigger == "hardware"
            else self._free(timeout_s)
        )
        if due is None:
            return None
        exposure, time_s = due
        counter, self._counter = self._counter, self._counter + 1
        rng = np.random.Generator(np.random.SFC64([self._config.seed, counter]))
        if rng.random() < self._config.drop_rate:
            return None
        image = self._expose(exposure, time_s, rng)
        return RawSample(counter, self._clock.read_ns(time_s), image)

    def _triggered(self, timeout_s: float) -> tuple[Exposure, float] | None:
        try:
            exposure = self._exposures.get(timeout=timeout_s)
        except queue.Empty:
            return None
        return exposure, self._now_s()

    def _free(self, timeout_s: float) -> tuple[Exposure, float] | None:
        """The exposure of frame `counter`, at counter / rate_hz."""
        config = self._config
        if config.realtime:
            behind = int(self._now_s() * config.rate_hz) - self._counter
            if behind > BUFFERS:
                self._counter += behind
            wait_s = self._counter / config.rate_hz - self._now_s()
            time.sleep(min(max(wait_s, 0.0), timeout_s))
            if wait_s > timeout_s:
                return None
        trigger, light = divmod(self._counter, len(config.lights))
        return Exposure(trigger, config.lights[light]), self._counter / config.rate_hz

    def _now_s(self) -> float:
        if not self._config.realtime:
            return self._counter / self._config.rate_hz
        return time.monotonic() - self._started

    def _expose(self, exposure: Exposure, time_s: float, rng: np.random.Generator) -> Image:
        config = self._config
        irradiance = self._render(exposure, time_s)
        frame = sensor.expose(irradiance, config.exposure_us, config.gain_db, config.sensor, rng)
        return Image(
            frame,
            "mono8" if config.sensor.bits == 8 else "mono16",
            um_per_px=config.um_per_px,
            light=exposure.light,
            trigger=exposure.trigger,
            exposure_us=config.exposure_us,
            gain_db=config.gain_db,
        )

    def _render(self, exposure: Exposure, time_s: float) -> sensor.F32:
        """ConfigError, which ends the stream: a scene that fails once will fail again."""
        wanted = (self._config.height_px, self._config.width_px)
        try:
            irradiance = self._scene.render(exposure.trigger, exposure.light, time_s)
        except Exception as error:  # a scene is anybody's code
            raise ConfigError(f"scene {self._config.scene!r} failed: {error!r}") from error
        if irradiance.shape != wanted or irradiance.dtype != np.float32:
            raise ConfigError(
                f"scene {self._config.scene!r} gave {irradiance.shape} {irradiance.dtype}, "
                f"the camera has {wanted} float32"
            )
        return irradiance


class DriftingClock:
    """A quartz that runs fast by some ppm and wanders; read it at rising times."""

    def __init__(self, model: ClockModel, seed: int) -> None:
        self._model = model
        self._rng = np.random.default_rng([seed, 1])
        self._walk_ns = 0.0
        self._last_s = 0.0

    def read_ns(self, time_s: float) -> int:
        """The clock's reading `time_s` after the camera was connected."""
        spread_ns = self._model.walk_ns_per_sqrt_s * max(time_s - self._last_s, 0.0) ** 0.5
        self._walk_ns += float(self._rng.normal(0.0, spread_ns)) if spread_ns > 0 else 0.0
        self._last_s = time_s
        elapsed_ns = time_s * (1e9 + 1e3 * self._model.drift_ppm)
        return int(self._model.offset_s * 1e9 + elapsed_ns + self._walk_ns)
