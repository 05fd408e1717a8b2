"""Simulated three-dimensional sensors, from projector, laser or lens to the camera's frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from common.types.heightmap import HeightMap

Sensor = Literal["fringe", "laser-line", "focus"]


def measured(
    height_um: NDArray[np.float32],
    um_per_px: float,
    *,
    sensor: Sensor = "fringe",
    rng: np.random.Generator,
    albedo: ArrayLike = 0.5,
    f0: ArrayLike = 0.04,
    alpha: ArrayLike = 0.3,
) -> HeightMap:
    """The height map that a simulated sensor makes of a surface, on the surface's own grid.

    height_um: (H, W), z towards the sensor, within 300 um of 0 (focus: 90 um). albedo, f0, alpha:
    how it scatters light, scalars or (H, W), see `target.Target`. The sensor is calibrated once
    for each field (of up to 1024 x 1024 at 5 um) and kept.
    """
    from inspection.sim.relief.sensors import SENSORS
    from inspection.sim.relief.target import Target

    target = Target(height_um, um_per_px, albedo, f0, alpha)
    return SENSORS[sensor](target, rng)
