"""The array of a sample, and what every IMU declares of it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import Delivery, DriverSpec
from common.types.imu import ImuSample


def measured(sample: ImuSample) -> NDArray[np.float64]:
    """(2, 3) float64, angular velocity and specific force."""
    return sample.measured


def declared(
    kind: Literal["sim", "serial"], frame_id: str, rate_hz: float, delivery: Delivery
) -> DriverSpec:
    """The spec of an IMU."""
    return DriverSpec("imu", kind, frame_id, (2, 3), "float64", rate_hz, "rad/s, m/s^2", delivery)
