"""What a simulated three-dimensional sensor measures. Who may be named: `simulated.scenes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from common.types.heightmap import HeightMap


class HeightScene(Protocol):
    """Parts under a sensor, as the sensor measures them."""

    def measure(self, trigger: int, time_s: float, rng: np.random.Generator) -> HeightMap:
        """The height map of part `trigger`, with the sensor's noise drawn from `rng`.

        time_s: since the sensor was connected. The same arguments give the same map.
        """
        ...


@dataclass(frozen=True)
class Steps:
    """A gauge block whose step rises by `rise_um` with every trigger, to four times as much."""

    height_px: int = 1024
    width_px: int = 1024
    um_per_px: float = 5.0
    rise_um: float = 20.0
    sigma_um: float = 0.5

    def measure(self, trigger: int, time_s: float, rng: np.random.Generator) -> HeightMap:
        height = rng.standard_normal((self.height_px, self.width_px), np.float32)
        height *= np.float32(self.sigma_um)
        height[:, self.width_px // 2 :] += np.float32(self.rise_um * (1 + trigger % 4))
        sigma = np.full_like(height, self.sigma_um)
        return HeightMap(height, self.um_per_px, sigma, trigger)


def steps(**parameters: Any) -> HeightScene:
    """A `Steps`."""
    return Steps(**parameters)
