"""Where the receiver was, epoch by epoch: what every solver gives and every score reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Quality(IntEnum):
    """How an epoch was solved; RTKLIB's numbers."""

    NONE = 0
    FIX = 1
    FLOAT = 2
    SBAS = 3
    DGPS = 4
    SINGLE = 5
    PPP = 6
    DEAD_RECKONING = 7


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """E solved epochs; an epoch that was not solved is absent, or NaN with Quality.NONE.

    week, tow_s: (E,) int32, float64, GPS time.
    position_m: (E, 3) float64, ECEF.
    covariance_m2: (E, 3, 3) float64, ECEF; NaN where not told.
    quality: (E,) int8, Quality.
    satellites: (E,) int16, used.
    age_s, ratio: (E,) float32, age of the base's data, ratio test; NaN where neither applies.
    velocity_mps: (E, 3) float64 ECEF, or None.
    wrong_fix_probability: (E,) float32, told probability that the fix is wrong, or None.
    protection_level_m: (E, 2) float32, horizontal and vertical bound, or None.
    """

    week: NDArray[np.int32]
    tow_s: NDArray[np.float64]
    position_m: NDArray[np.float64]
    covariance_m2: NDArray[np.float64]
    quality: NDArray[np.int8]
    satellites: NDArray[np.int16]
    age_s: NDArray[np.float32]
    ratio: NDArray[np.float32]
    velocity_mps: NDArray[np.float64] | None = None
    wrong_fix_probability: NDArray[np.float32] | None = None
    protection_level_m: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        epochs = len(self.tow_s)
        shapes = {
            "week": (epochs,), "position_m": (epochs, 3), "covariance_m2": (epochs, 3, 3),
            "quality": (epochs,), "satellites": (epochs,), "age_s": (epochs,), "ratio": (epochs,),
            "velocity_mps": (epochs, 3), "wrong_fix_probability": (epochs,),
            "protection_level_m": (epochs, 2),
        }  # fmt: skip
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} must be {shape}, got {array.shape}")

    def __len__(self) -> int:
        """Epochs."""
        return len(self.tow_s)
