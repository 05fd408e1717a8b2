"""What a linear sensor's numbers are worth: electrons, their deviation, and where it saturated.

The photon-transfer line (Janesick, Photon Transfer, 2007): with mu electrons, read noise r and K
digital numbers per electron, the variance is mu + r^2 + 1 / (12 K^2) electrons squared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """A camera at one gain, as its data sheet or a photon-transfer curve tells.

    dn_per_e: system gain K. black_level_dn: offset. saturation_dn: from here on a number says
    "at least", not "as much". ValueError for values no sensor has.
    """

    dn_per_e: float
    read_noise_e: float
    black_level_dn: float
    saturation_dn: float

    def __post_init__(self) -> None:
        if not (self.dn_per_e > 0 and self.read_noise_e >= 0 and self.black_level_dn >= 0):
            raise ValueError("a sensor has dn_per_e > 0, read noise and black level >= 0")
        if not self.saturation_dn > self.black_level_dn:
            raise ValueError("saturation_dn must lie above black_level_dn")

    def variance_e2(self, electrons: F32) -> F32:
        """Variance in electrons squared of a pixel that collects `electrons` on average."""
        fixed = np.float32(self.read_noise_e**2 + 1 / (12 * self.dn_per_e**2))
        return np.asarray(np.maximum(electrons, 0) + fixed, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Radiance on the sensor with what is known of its error.

    value, sigma: (H, W) float32, electrons per microsecond. saturated: (H, W) bool, where no
    exposure was short enough: there the value is a lower bound.
    """

    value: F32
    sigma: F32
    saturated: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One exposure. frame: (H, W) digital numbers. time_s: its start on the station's clock."""

    frame: NDArray[Any]
    exposure_us: float
    time_s: float = 0.0

    def __post_init__(self) -> None:
        if self.frame.ndim != 2 or self.frame.size == 0:
            raise ValueError(f"a frame is (height, width), got {self.frame.shape}")
        if not self.exposure_us > 0:
            raise ValueError(f"exposure_us must be > 0, got {self.exposure_us}")


def estimate(shot: Shot, noise: NoiseModel) -> Estimate:
    """The radiance that one exposure shows."""
    scale = np.float32(1 / shot.exposure_us)
    electrons = (shot.frame.astype(np.float32) - np.float32(noise.black_level_dn)) / np.float32(
        noise.dn_per_e
    )
    sigma = np.sqrt(noise.variance_e2(electrons))
    return Estimate(electrons * scale, sigma * scale, shot.frame >= noise.saturation_dn)


def same_shape(frames: tuple[NDArray[Any], ...] | list[NDArray[Any]]) -> None:
    """ValueError unless there is at least one frame and all are of one shape."""
    shapes = {frame.shape for frame in frames}
    if len(shapes) != 1:
        raise ValueError(f"frames of one scene have one shape, got {sorted(shapes) or 'none'}")
