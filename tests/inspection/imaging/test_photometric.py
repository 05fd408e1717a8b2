"""Normals, gains and curvature of surfaces whose shape is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.imaging.curvature import mean_curvature
from inspection.imaging.fused import COMPASS, LIGHTS, anomaly, fuse, toward
from inspection.imaging.gains import solve_gains
from inspection.imaging.noise import Estimate
from inspection.imaging.photometric import solve
from inspection.imaging.spheres import Sphere, angles_deg

pytestmark = pytest.mark.inspection

SIDE, RADIUS = 81, 50.0


def dome() -> np.ndarray:
    """(H, W, 3) normals of a cap, as far as 47 degrees from the axis."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    return Sphere(0.0, 0.0, RADIUS / 0.9).normals(x * 0.9, y * 0.9)


def ring(count: int, elevation_deg: float = 50.0) -> np.ndarray:
    azimuth = np.arange(count) * 2 * np.pi / count
    e = np.deg2rad(elevation_deg)
    up = np.full(count, np.sin(e))
    return np.stack([np.cos(e) * np.cos(azimuth), np.cos(e) * np.sin(azimuth), up], 1).astype(
        np.float32
    )


def lambert(normals: np.ndarray, lights: np.ndarray, albedo: np.ndarray | float) -> np.ndarray:
    shading = np.clip(normals @ lights.T, 0, None).transpose(2, 0, 1)
    return (shading * albedo).astype(np.float32)


@pytest.mark.parametrize("count", [3, 4, 8, 12])
@pytest.mark.parametrize("robust", [True, False])
def test_a_lambertian_surface_is_solved_exactly(count: int, robust: bool) -> None:
    flat = np.zeros((SIDE, SIDE, 3), np.float32) + dome()[25:26, 25:26]
    albedo = np.random.default_rng(1).uniform(0.2, 0.9, (SIDE, SIDE))
    found = solve(lambert(flat, ring(count), albedo), ring(count), robust=robust)
    assert angles_deg(found.normals, flat).max() < 0.01
    np.testing.assert_allclose(found.albedo, albedo, rtol=1e-4)


def test_attached_shadows_are_left_out() -> None:
    """Steep places of the dome see some of twelve low lights not at all."""
    lights, normals = ring(12, 25.0), dome()
    images = lambert(normals, lights, 0.7)
    assert (images == 0).any()
    assert angles_deg(solve(images, lights).normals, normals).max() < 0.1
    assert angles_deg(solve(images, lights, robust=False).normals, normals).max() > 3


def test_highlights_and_cast_shadows_are_rejected() -> None:
    """Two of twelve lights shine into the lens or do not arrive, at every pixel."""
    rng = np.random.default_rng(2)
    lights, normals = ring(12), dome()
    images = lambert(normals, lights, 0.6) + rng.normal(0, 0.002, (12, SIDE, SIDE))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images[rng.integers(0, 12, (SIDE, SIDE)), rows, columns] += 0.8
    images[rng.integers(0, 12, (SIDE, SIDE)), rows, columns] *= 0.05
    images = images.astype(np.float32)
    ours = angles_deg(solve(images, lights, 0.002).normals, normals)
    plain = angles_deg(solve(images, lights, robust=False).normals, normals)
    assert np.median(ours) < 0.5 and ours.mean() < 1.0
    assert plain.mean() > 10 * ours.mean()


def test_places_that_no_light_reaches_are_quietly_flat() -> None:
    """Warnings are errors here: black, and black but for one light."""
    images = np.zeros((12, 2, 2), np.float32)
    images[3, 0] = 200.0
    found = solve(images, ring(12), 1.0)
    assert np.isfinite(found.albedo).all() and np.isfinite(found.normals).all()
    assert (found.normals[1] == (0, 0, 1)).all() and (found.albedo[1] == 0).all()


@pytest.mark.parametrize("count", [4, 6, 12])
def test_gains_of_a_curved_surface_are_solved(count: int) -> None:
    gains = np.random.default_rng(3).uniform(0.7, 1.4, count)
    images = lambert(dome(), ring(count), 0.5) * gains[:, None, None]
    found = solve_gains(images.astype(np.float32), ring(count), tolerance=0.5)
    np.testing.assert_allclose(found, gains / np.exp(np.log(gains).mean()), rtol=1e-3)


def test_gains_of_a_flat_part_leave_a_tilt_and_no_texture() -> None:
    """Gains and tilt are entangled there; what a defect does to its neighbours is not."""
    gains = np.array([1.1, 0.9, 1.05, 0.95])
    lights = toward(45.0)
    normals = np.zeros((SIDE, SIDE, 3), np.float32) + np.array([0, 0, 1], np.float32)
    images = lambert(normals, lights, 0.5) * gains[:, None, None]
    found = solve_gains(images.astype(np.float32), lights)
    assert np.abs(np.log(found)).max() <= np.abs(np.log(gains)).max() + 1e-6
    solved = solve((images / found[:, None, None]).astype(np.float32), lights)
    assert angles_deg(solved.normals, solved.normals[:1, :1]).max() < 0.1
    assert angles_deg(solved.normals, normals).max() < 12


@given(st.floats(0.2, 3.0), st.sampled_from([1.0, -1.0]))
def test_curvature_of_a_dome_is_one_over_its_radius(radius_mm: float, sign: float) -> None:
    pixel_um = 2.0
    y, x = (np.mgrid[:41, :41] - 20) * pixel_um
    normals = Sphere(0.0, 0.0, radius_mm * 1000).normals(sign * x, sign * y)
    found = mean_curvature(normals, pixel_um)[5:-5, 5:-5]
    np.testing.assert_allclose(found, sign / radius_mm, rtol=2e-3)


def test_a_tilt_has_no_curvature() -> None:
    normals = np.broadcast_to(np.array([0.3, -0.2, 0.93], np.float32), (20, 20, 3))
    assert np.abs(mean_curvature(normals, 10.0)).max() < 1e-6


def test_a_mirror_spheres_highlight_tells_its_light() -> None:
    """A mirror ball rendered with a lamp of some degrees, in any direction over the horizon."""
    y, x = np.mgrid[:301, :301].astype(np.float64)
    ball = Sphere(150.0, 149.0, 140.0)
    mask = (x - ball.x) ** 2 + (y - ball.y) ** 2 < ball.radius**2
    normals = ball.normals(x, y)
    mirrored = 2 * normals[..., 2:] * normals - np.array([0, 0, 1])
    for light in ring(7, 40.0):
        image = np.where(mirrored @ light > np.cos(np.deg2rad(4)), 255, 3) * mask
        assert angles_deg(ball.light(image, mask), light) < 0.5
    outline = Sphere.from_mask(mask)
    assert (outline.x, outline.y) == pytest.approx((150.0, 149.0), abs=0.1)
    assert outline.radius == pytest.approx(140.0, abs=0.3)


def test_fused_pictures_show_a_bump_as_one_spot() -> None:
    y, x = np.mgrid[:64, :64] - 32
    height = 3.0 * np.exp(-(x**2 + y**2) / (2 * 3.0**2))
    slope_y, slope_x = np.gradient(height, 10.0)
    normals = np.stack([-slope_x, -slope_y, np.ones_like(height)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    images = lambert(normals, toward(45.0), 0.5)
    rng = np.random.default_rng(4)

    def seen(image: np.ndarray) -> Estimate:
        noisy = (image + rng.normal(0, 1e-3, image.shape)).astype(np.float32)
        return Estimate(noisy, np.full(image.shape, 1e-3, np.float32), np.zeros(image.shape, bool))

    lights = dict(zip(COMPASS, map(seen, images), strict=True))
    lights |= {name: seen(np.ones((64, 64))) for name in LIGHTS if name not in lights}
    found = fuse(lights, 45.0, 10.0)
    assert np.unravel_index(found.curvature.argmax(), (64, 64)) == pytest.approx((32, 32), abs=1)
    strange = anomaly(found.pictures)
    assert strange[30:35, 30:35].max() > 5 * strange[:16].max()
    assert strange.mean() == pytest.approx(1.0, abs=0.05)


def test_lights_that_cannot_tell_normals_are_refused() -> None:
    images = np.ones((4, 3, 3), np.float32)
    plane = np.array([[1, 0, 0], [0, 0, 1], [0.6, 0, 0.8], [0.8, 0, 0.6]], np.float32)
    with pytest.raises(ValueError, match="plane"):
        solve(images, plane)
    with pytest.raises(ValueError, match="unit"):
        solve(images, ring(4) * 2)
    with pytest.raises(ValueError, match="K >= 3"):
        solve(images[:2], ring(4)[:2])
    with pytest.raises(ValueError, match=r"\(4, 3\)"):
        solve(images, ring(5))
    with pytest.raises(ValueError, match="four"):
        solve_gains(images[:3], ring(3))
    with pytest.raises(ValueError, match="height, width, 3"):
        mean_curvature(np.zeros((3, 3), np.float32), 1.0)
    with pytest.raises(ValueError, match="empty"):
        Sphere.from_mask(np.zeros((3, 3), bool))
