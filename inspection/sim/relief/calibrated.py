"""Each simulated sensor's calibration, made once for a field by imaging a plane at known heights.

What a calibration may know is what a user would: the pitch of the camera, the heights that the
stage was told to go to, the data sheet's blur. The stage itself is off by STAGE_UM, unknown.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from common.drivers.camera.config import SensorModel
from inspection.relief import focus, fringe, laser_line
from inspection.relief.phase import Fringes
from inspection.relief.photon_transfer import photon_transfer
from inspection.sim.relief import target as surfaces
from inspection.sim.relief.focus_stack import FocusSensor
from inspection.sim.relief.laser import LaserSensor
from inspection.sim.relief.lens import frame
from inspection.sim.relief.projector import FringeSensor
from inspection.sim.relief.target import Shape, Target

STAGE_UM = 0.1
TALL_UM = (-300.0, -200.0, -100.0, 0.0, 100.0, 200.0, 300.0)
FLAT_UM = (-90.0, -60.0, -30.0, 0.0, 30.0, 60.0, 90.0)
SCANNED = 24  # steps of a laser's scan of the plane
FRINGES = Fringes()
FRINGE_SENSOR, LASER_SENSOR, FOCUS_SENSOR = FringeSensor(), LaserSensor(), FocusSensor()


def _plane(shape: Shape, um_per_px: float, height_um: float, alpha: float, seed: int) -> Target:
    """The matt calibration plane where the stage really brings it."""
    rng = np.random.default_rng([seed, 2, round(1e3 * height_um) & 0xFFFFFF])
    at = height_um + STAGE_UM * float(rng.standard_normal())
    height = surfaces.plane(shape, um_per_px, at)
    return Target(height, um_per_px, albedo=0.7, f0=0.02, alpha=alpha)


def camera_noise(camera: SensorModel, seed: int) -> tuple[float, float]:
    """Photon transfer of a camera that looks at a wedge of light, twice."""
    rng = np.random.default_rng([seed, 3])
    wedge = np.linspace(0, 0.9 * camera.full_well_e, 512, dtype=np.float32)
    light = np.ascontiguousarray(np.broadcast_to(wedge, (192, 512)))
    one, two = (frame(light, camera, rng)[None] for _ in range(2))
    return photon_transfer([(one, two)])


@lru_cache(maxsize=4)
def by_fringes(
    shape: Shape,
    um_per_px: float,
    sensor: FringeSensor = FRINGE_SENSOR,
    fringes: Fringes = FRINGES,
    seed: int = 0,
) -> fringe.FringeCalibration:
    """A fringe projector's: seven heights, each seen twice."""
    rng = np.random.default_rng([seed, 1])
    patterns = fringes.patterns(sensor.projector.columns)
    planes = []
    for height in TALL_UM:
        plane = _plane(shape, um_per_px, height, 0.5, seed)
        one, two = (sensor.simulate(plane, patterns, rng) for _ in range(2))
        planes.append(fringe.Plane(height, one, two))
    blur_px = float(sensor.lens.sigma_px(0.0, um_per_px))
    return fringe.calibrate(planes, fringes, um_per_px, blur_px)


@lru_cache(maxsize=8)
def by_laser(
    width: int,
    um_per_px: float,
    sensor: LaserSensor = LASER_SENSOR,
    peak: laser_line.Peak = "gravity",
    seed: int = 0,
) -> laser_line.LaserCalibration:
    """A laser's, for a line of so many columns: a short scan of the plane at seven heights."""
    rng = np.random.default_rng([seed, 1])
    scans = []
    for height in TALL_UM:
        plane = _plane((SCANNED, width), um_per_px, height, 0.5, seed)
        scans.append(laser_line.Scan(height, sensor.simulate(plane, rng)))
    noise = camera_noise(sensor.camera, seed)
    return laser_line.calibrate(scans, um_per_px, sensor.sheet_um / um_per_px, noise[1], peak)


@lru_cache(maxsize=4)
def by_focus(
    shape: Shape, um_per_px: float, sensor: FocusSensor = FOCUS_SENSOR, seed: int = 0
) -> focus.FocusCalibration:
    """A microscope's: seven heights of the plane, ground finer and coarser in turn."""
    rng = np.random.default_rng([seed, 1])
    stacks = []
    for i, height in enumerate(FLAT_UM):
        plane = _plane(shape, um_per_px, height, 0.5 if i % 2 else 0.2, seed)
        stacks.append(focus.Stack(height, sensor.simulate(plane, rng)))
    airy_px = 0.21 * sensor.wavelength_um / sensor.na / um_per_px
    blur_px = float(np.hypot(airy_px, np.sqrt(1 / 12)))
    return focus.calibrate(stacks, um_per_px, camera_noise(sensor.camera, seed), blur_px)
