"""A simulated industrial camera: a scene, a sensor, a trigger and a clock of its own."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from common.drivers.base import ConfigError, DriverSpec
from common.drivers.camera import sensor
from common.drivers.camera.config import SimCameraConfig
from common.drivers.camera.scenes import Scene
from common.drivers.camera.view import pixels
from common.drivers.simulated import scenes
from common.drivers.simulated.freerun import Pace
from common.drivers.simulated.triggered import MAX_PENDING, TriggeredBackend
from common.drivers.stream import StreamDriver
from common.types.image import Image


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
        backend = TriggeredBackend(
            Pace(config.rate_hz, config.realtime, config.drop_rate, config.seed),
            config.clock,
            self._exposures,
            self._in_turn if config.trigger == "free" else None,
            Optics(config).expose,
            config.scene,
        )
        super().__init__(spec, backend, pixels)

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

    def _in_turn(self, frame: int) -> Exposure:
        """What a camera that runs free exposes as its frame of this number."""
        trigger, light = divmod(frame, len(self._config.lights))
        return Exposure(trigger, self._config.lights[light])


@dataclass(frozen=True, slots=True)
class Exposure:
    """A frame that was asked for."""

    trigger: int
    light: str


class Optics:
    """The scene through lens and sensor. ConfigError when the scene cannot be had."""

    def __init__(self, config: SimCameraConfig) -> None:
        self._config = config
        self._scene: Scene = scenes.load(config.scene, config.parameters, "render")
        sensor.prepare()

    def expose(self, exposure: Exposure, time_s: float, rng: np.random.Generator) -> Image:
        """The frame that was asked for."""
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
        wanted = (self._config.height_px, self._config.width_px)
        irradiance = self._scene.render(exposure.trigger, exposure.light, time_s)
        if irradiance.shape != wanted or irradiance.dtype != np.float32:
            raise ConfigError(
                f"scene {self._config.scene!r} gave {irradiance.shape} {irradiance.dtype}, "
                f"the camera has {wanted} float32"
            )
        return irradiance
