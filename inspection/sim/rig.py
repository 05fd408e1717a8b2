"""One part under the station's strobes and a room light of any level, exposed by a real sensor.

Light adds up: each strobe and the room are rendered once, and an exposure at any level is their
weighted sum through the camera driver's sensor model. The room light flickers and drifts while
exposures follow one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import expose
from inspection.sim.scene import FLICKER, FLICKER_HZ, StationScene, Truth

F32 = NDArray[np.float32]

PERIOD_S = 1.3e-3  # from one exposure to the next
DRIFT_PER_S = 0.5  # of the room light's level


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """(H, W) electrons/us: each strobe at irradiance 1, and the room light at level 1, where it
    makes of a white surface what the material's inspection program does."""

    strobes: Mapping[str, F32]
    room: F32
    truth: Truth

    @classmethod
    def of(cls, scene: StationScene, trigger: int, lights: tuple[str, ...]) -> Layers:
        """Render one part light by light."""
        strobes = {light: scene.alone(trigger, light) for light in lights}
        return cls(strobes, scene.alone(trigger, "", room=1.0), scene.truth(trigger))


@dataclass(slots=True)
class Rig:
    """Takes exposures one after another; its clock starts at `time_s`.

    room: level of the room light. passes_room: what a band-pass filter before the lens leaves of
    it, passes_strobe of the strobes.
    """

    layers: Layers
    sensor: SensorModel
    rng: np.random.Generator
    room: float = 0.0
    passes_room: float = 1.0
    passes_strobe: float = 1.0
    time_s: float = 0.0
    frames: int = field(default=0, init=False)

    def take(
        self, program: Mapping[str, float], exposure_us: float
    ) -> tuple[NDArray[np.uint16], float]:
        """A frame under these strobes (name -> irradiance), and when it began."""
        start, self.time_s = self.time_s, self.time_s + PERIOD_S
        self.frames += 1
        middle = start + exposure_us * 5e-7
        burns = 1 + FLICKER * np.cos(2 * np.pi * FLICKER_HZ * middle) + DRIFT_PER_S * middle
        light = self.layers.room * np.float32(self.room * self.passes_room * burns)
        for name, power in program.items():
            light += self.layers.strobes[name] * np.float32(power * self.passes_strobe)
        frame = expose(light, exposure_us, 0.0, self.sensor, self.rng)
        return np.asarray(frame, np.uint16), start
