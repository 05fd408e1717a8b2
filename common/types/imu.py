"""What an inertial measurement unit measures at one time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ImuSample:
    """Angular velocity and specific force about the sensor's own axes (REP-103: x forward, z up).

    measured: (2, 3) float64, C-contiguous: rad/s, then m/s^2. At rest the force points up, +g.
    temperature_c: of the sensor, None where it does not tell.
    """

    measured: NDArray[np.float64]
    temperature_c: float | None = None

    @classmethod
    def of(
        cls,
        angular_velocity_radps: ArrayLike,
        specific_force_mps2: ArrayLike,
        temperature_c: float | None = None,
    ) -> Self:
        """From the two vectors (3,)."""
        pair: list[Any] = [angular_velocity_radps, specific_force_mps2]
        return cls(np.array(pair, dtype=np.float64), temperature_c)

    def __post_init__(self) -> None:
        if self.measured.shape != (2, 3) or self.measured.dtype != np.float64:
            told = f"{self.measured.dtype} {self.measured.shape}"
            raise ValueError(f"measured must be float64 (2, 3), got {told}")
        if not np.isfinite(self.measured).all():
            raise ValueError("an IMU's measurements must be finite")
        if not self.measured.flags.c_contiguous:
            raise ValueError("measured must be C-contiguous (numpy.ascontiguousarray)")

    @property
    def angular_velocity_radps(self) -> NDArray[np.float64]:
        """(3,)."""
        return np.asarray(self.measured[0])

    @property
    def specific_force_mps2(self) -> NDArray[np.float64]:
        """(3,)."""
        return np.asarray(self.measured[1])
