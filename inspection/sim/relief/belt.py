"""Parts under a simulated three-dimensional sensor, as a scene of the profiler driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from common.drivers.profiler.scenes import HeightScene
from common.types.heightmap import HeightMap
from inspection.sim.relief.gauges import KINDS, draw
from inspection.sim.relief.sensors import SENSORS


@dataclass(frozen=True)
class Gauges:
    """Planes, steps, spheres and rough surfaces in turn, through one of the sensors."""

    sensor: str = "fringe"
    side_px: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sensor not in SENSORS:
            raise ValueError(f"no sensor {self.sensor!r}; there are {', '.join(SENSORS)}")

    def measure(self, trigger: int, time_s: float, rng: np.random.Generator) -> HeightMap:
        """The part is the trigger's, the noise is the generator's."""
        part = np.random.default_rng([self.seed, trigger])
        gauge = draw(KINDS[trigger % len(KINDS)], self.side_px, part)
        return replace(SENSORS[self.sensor](gauge.target, rng), trigger=trigger)


def gauges(**parameters: Any) -> HeightScene:
    """A `Gauges` at 5 um a pixel."""
    return Gauges(**parameters)
