"""The sensors by name: a target to a height map, calibration included."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from common.types.heightmap import HeightMap
from inspection.relief import focus, fringe, laser_line
from inspection.sim.relief import calibrated
from inspection.sim.relief.target import Target

Measure = Callable[[Target, np.random.Generator], HeightMap]


def by_fringes(target: Target, rng: np.random.Generator) -> HeightMap:
    """Fringe projection, 3 x 4 frames. Heights within 300 um of 0."""
    sensor = calibrated.FRINGE_SENSOR
    patterns = calibrated.FRINGES.patterns(sensor.projector.columns)
    calibration = calibrated.by_fringes(target.shape, target.um_per_px)
    return fringe.reconstruct(sensor.simulate(target, patterns, rng), calibration)


def by_laser(target: Target, rng: np.random.Generator) -> HeightMap:
    """Laser line, centre of gravity, a step a row. Heights within 300 um of 0."""
    calibration = calibrated.by_laser(target.shape[1], target.um_per_px)
    return laser_line.reconstruct(calibrated.LASER_SENSOR.simulate(target, rng), calibration)


def by_focus(target: Target, rng: np.random.Generator) -> HeightMap:
    """Focus variation, 31 frames. Heights within 90 um of 0."""
    calibration = calibrated.by_focus(target.shape, target.um_per_px)
    return focus.reconstruct(calibrated.FOCUS_SENSOR.simulate(target, rng), calibration)


SENSORS: Mapping[str, Measure] = {"fringe": by_fringes, "laser-line": by_laser, "focus": by_focus}
