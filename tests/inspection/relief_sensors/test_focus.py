"""Focus variation: the vertex of known curves, and surfaces through the simulated microscope."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.relief import focus
from inspection.relief.triangulation import CalibrationError
from inspection.sim.relief import calibrated, measured
from inspection.sim.relief import target as surfaces
from inspection.sim.relief.focus_stack import LAYER_UM, FocusSensor, Transfer
from inspection.sim.relief.target import Target

pytestmark = pytest.mark.inspection

SHAPE, PITCH = (128, 128), 5.0
NOISE = (0.1, 0.02)


def stack(top: float, width: float = 3.0, count: int = 21) -> NDArray[np.uint8]:
    """Frames whose texture's contrast is a Gaussian of the frame's number."""
    rng = np.random.default_rng(1)
    grain = rng.choice([-1.0, 1.0], (40, 40))
    contrast = 90 * np.exp(-((np.arange(count) - top) ** 2) / (2 * width**2))
    return np.rint(120 + contrast[:, None, None] * grain).astype(np.uint8)


@pytest.mark.parametrize("top", [8.0, 9.3, 10.5, 11.72])
def test_the_vertex_of_a_gaussian_is_found(top: float) -> None:
    found = focus.peaks(stack(top), NOISE)
    assert found.frame == pytest.approx(np.full((40, 40), top), abs=0.02)


def test_nothing_is_seen_without_texture_or_at_an_end_of_the_stack() -> None:
    flat = np.full((21, 40, 40), 120, np.uint8)
    assert np.isnan(focus.peaks(flat, NOISE).frame).all()
    assert np.isnan(focus.peaks(stack(0.4), NOISE).frame).all()
    both = np.maximum(stack(4.0).astype(int) - 120, 0) + np.maximum(
        stack(16.0).astype(int) - 120, 0
    )
    assert np.isnan(focus.peaks((120 + both).astype(np.uint8), NOISE).frame).mean() > 0.9


def test_defocus_spreads_light_over_the_disc_of_the_cone() -> None:
    """The second moment of the spread about a point: (NA dz)^2 / 4 an axis, and none is lost."""
    sensor = FocusSensor()
    far, near = (Transfer(sensor, (256, 256), PITCH).at(layers) for layers in (40, 0))
    assert far[0, 0] == pytest.approx(1.0, abs=1e-6)
    f = np.fft.rfftfreq(256, PITCH)[1]
    curve = -2 * (np.log(far[0, 1] / near[0, 1])) / (2 * pi * f) ** 2
    assert curve == pytest.approx((sensor.na * 40 * LAYER_UM) ** 2 / 4, rel=0.02)


def test_a_plane_a_step_and_a_sphere_are_what_they_are() -> None:
    shapes = {
        "plane": surfaces.plane(SHAPE, PITCH, 10, 0.05, -0.03),
        "step": surfaces.step(SHAPE, PITCH, 50.0, 90.0) - 25,
        "sphere": surfaces.sphere(SHAPE, PITCH, 1500.0, 30.0),
    }
    for i, truth in enumerate(shapes.values()):
        found = measured(truth, PITCH, sensor="focus", rng=np.random.default_rng(i))
        error = found.height_um - truth
        assert found.valid.mean() > 0.85
        assert np.sqrt(np.nanmean(error**2)) < 1.2
        assert abs(np.nanmean(error)) < 0.25
        assert found.sigma_um is not None
        inside = np.abs(error[found.valid]) < 2 * found.sigma_um[found.valid]
        assert 0.9 < inside.mean() < 0.995


def test_a_finer_finish_is_told_less_surely() -> None:
    told = []
    for alpha in (0.1, 0.4):
        found = measured(
            surfaces.plane(SHAPE, PITCH), PITCH, sensor="focus", rng=np.random.default_rng(3),
            alpha=alpha,
        )  # fmt: skip
        assert found.sigma_um is not None
        told.append(float(np.nanmedian(found.sigma_um)))
    assert told[0] > 1.3 * told[1]


def test_a_calibration_needs_stacks_and_frames_of_its_own_size() -> None:
    with pytest.raises(CalibrationError):
        focus.calibrate([], PITCH, NOISE, 0.3)
    with pytest.raises(ValueError, match="calibrated"):
        focus.reconstruct(np.zeros((9, 8, 8), np.uint8), calibrated.by_focus(SHAPE, PITCH))
    with pytest.raises(ValueError, match="five"):
        focus.peaks(np.zeros((4, 8, 8), np.uint8), NOISE)


def test_field_curvature_is_calibrated_away() -> None:
    bent = FocusSensor(bend_um=20_000.0)
    calibration = calibrated.by_focus(SHAPE, PITCH, bent)
    frames = bent.simulate(Target(surfaces.plane(SHAPE, PITCH), PITCH), np.random.default_rng(4))
    straight = focus.reconstruct(frames, calibration).height_um
    sag = 2 * (64 * PITCH) ** 2 / (2 * 20_000.0)  # of a corner
    assert sag > 5
    corner = np.nanmean(straight[:16, :16]) - np.nanmean(straight[56:72, 56:72])
    assert abs(corner) < 0.4
