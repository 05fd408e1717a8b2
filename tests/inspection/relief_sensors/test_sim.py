"""The simulators' parts against geometry and radiometry worked out another way."""

from __future__ import annotations

from math import cos, pi, radians, sin, sqrt, tan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from common.drivers.camera.config import SensorModel
from inspection.sim.relief import calibrated, measured
from inspection.sim.relief import target as surfaces
from inspection.sim.relief.bounce import gathered
from inspection.sim.relief.glow import Glow
from inspection.sim.relief.laser import LaserSensor
from inspection.sim.relief.lens import Lens, blurred
from inspection.sim.relief.occlusion import reached
from inspection.sim.relief.projector import FringeSensor, Projector
from inspection.sim.relief.target import Target

pytestmark = pytest.mark.inspection

PITCH = 5.0


def landing(projector: Projector, column: float, height_um: float) -> float:
    """x where the ray of a projector's column, in the plane y = 0, meets a height: forward."""
    angle = radians(projector.angle_deg)
    wanted = (column - projector.columns / 2) * projector.column_um
    u = brentq(lambda v: v * (1 + projector.k1 * v * v) - wanted, -1e4, 1e4)
    centre = projector.distance_um * np.array([sin(angle), cos(angle)])
    axis, across = -centre / projector.distance_um, np.array([cos(angle), -sin(angle)])
    ray = axis * projector.distance_um + across * u
    return float((centre + ray * (height_um - centre[1]) / ray[1])[0])


@pytest.mark.parametrize("height_um", [-250.0, 0.0, 180.0])
def test_a_column_lights_where_its_ray_meets_the_surface(height_um: float) -> None:
    sensor = FringeSensor()
    target = Target(surfaces.plane((3, 1001), PITCH, height_um), PITCH)
    seen = sensor._trace(target)
    x_um = (np.arange(1001) - 500) * PITCH
    columns = np.linspace(seen.column[1].min() + 1, seen.column[1].max() - 1, 25)
    order = np.argsort(seen.column[1])
    found = np.interp(columns, seen.column[1][order], x_um[order])
    expected = [landing(sensor.projector, float(c), height_um) for c in columns]
    assert found == pytest.approx(expected, abs=0.05)


def test_a_lambertian_plane_has_the_radiance_it_should() -> None:
    target = Target(surfaces.plane((8, 8), PITCH), PITCH, albedo=0.5, f0=0.0, alpha=0.5)
    seen = FringeSensor()._trace(target)
    assert seen.response.mean() == pytest.approx(0.5 / pi * cos(radians(30)), rel=0.02)
    assert (seen.free == 1).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(20, 200), st.floats(20, 60))
def test_a_shadow_is_as_long_as_the_light_is_low(rise_um: float, angle_deg: float) -> None:
    height = surfaces.step((5, 201), PITCH, rise_um)
    angle = radians(angle_deg)
    free = reached(height, PITCH, (sin(angle), 0.0, cos(angle)))
    dark_um = PITCH * float(np.sum(1 - free[2]))
    assert dark_um == pytest.approx(rise_um * tan(angle), abs=1.2 * PITCH)
    assert (reached(height, PITCH, (0.0, 0.0, 1.0)) == 1).all()
    assert (reached(height, PITCH, (-sin(angle), 0.0, cos(angle))) > 0.4).all()


def test_two_facing_walls_exchange_what_their_form_factor_says() -> None:
    """A V-groove of right angle, long along y: light that one wall alone sends reaches the other
    with the mean form factor 1 - sin(45 deg) (Hottel's crossed strings)."""
    _, x = np.mgrid[:400, :120]
    truth = (np.minimum(np.abs(x - 59.5) * PITCH, 200) - 200).astype(np.float32)
    target = Target(truth, PITCH)
    sent = np.zeros((1, 400, 120), np.float32)
    sent[:, :, 20:60] = 1.0
    got = gathered(target, sent)[0, 150:250, 60:100]
    share = got.mean() / (1 - sin(radians(45)))
    assert 0.65 < share < 1.05  # the grid is coarse, see the module
    flat = Target(surfaces.plane((64, 64), PITCH, 0, 0.2), PITCH)
    assert (gathered(flat, np.ones((1, 64, 64), np.float32)) == 0).all()


def test_a_laser_line_glows_in_a_groove_only() -> None:
    y, _ = np.mgrid[:160, :80]
    groove = (np.abs(y - 80) * PITCH).clip(0, 150).astype(np.float32)
    lit = {}
    for name, height in (("groove", groove), ("plane", np.zeros_like(groove))):
        target = Target(height, PITCH, albedo=0.8)
        glow = Glow(target, np.ones((160, 80), np.float32), 6.0, 35.0)
        frame = np.zeros((112, 80), np.float32)
        glow.add(65 * PITCH, frame, 1.0)
        lit[name] = frame
    assert (lit["plane"] == 0).all()
    assert 0 < lit["groove"].max() < 0.05  # of the line's own irradiance


def test_the_lens_adds_variances_and_blurs_as_wide_as_it_says() -> None:
    lens = Lens()
    airy, far = 0.21 * lens.wavelength_um / lens.na, 0.5 * lens.na * 300.0
    expected = sqrt(airy**2 + far**2 + PITCH**2 / 12) / PITCH
    assert float(lens.sigma_px(300.0, PITCH)) == pytest.approx(expected)
    image = np.zeros((65, 65), np.float32)
    image[32, 32] = 1
    x = np.arange(65)[None] - 32
    for sigma in (0.8, 1.5):
        spread = blurred(image, np.full((65, 65), sigma, np.float32))
        assert spread.sum() == pytest.approx(1, abs=1e-3)
        assert (spread * x * x).sum() == pytest.approx(sigma**2, rel=0.03)
    ramp = np.linspace(0.8, 2.0, 65, dtype=np.float32)[None].repeat(65, 0)
    assert blurred(np.ones((65, 65), np.float32), ramp) == pytest.approx(np.ones((65, 65)))


def test_the_camera_noise_that_is_measured_is_the_sensors() -> None:
    camera = SensorModel(blur_sigma_px=0, full_well_e=8000, read_noise_e=20)
    offset, slope = calibrated.camera_noise(camera, 1)
    gain = 253 / 8000
    assert slope == pytest.approx(gain, rel=0.05)
    assert offset == pytest.approx((gain * 20) ** 2 + 1 / 12 - gain * 2, abs=0.15)


def test_the_same_draw_gives_the_same_frames_and_another_gives_others() -> None:
    target = Target(surfaces.plane((24, 48), PITCH), PITCH)
    frames = [LaserSensor().simulate(target, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert (frames[0] == frames[1]).all()
    assert (frames[0] != frames[2]).any()
    once, again = (
        measured(target.height_um, PITCH, rng=np.random.default_rng(3)).height_um for _ in range(2)
    )
    assert np.array_equal(once, again, equal_nan=True)


def test_a_target_that_is_none_is_refused() -> None:
    flat = np.zeros((4, 4), np.float32)
    for height, pitch in [(flat[0], 5.0), (flat, 0.0), (np.full((4, 4), np.nan), 5.0)]:
        with pytest.raises(ValueError):
            Target(height, pitch)
    with pytest.raises(ValueError):
        Target(flat, 5.0, albedo=np.zeros((3, 3)))
