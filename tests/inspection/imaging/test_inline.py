"""Four frames at line rate against the general solver, and against a known sphere."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs lingnan[sim]")

from inspection.imaging.fused import toward
from inspection.imaging.inline import Inline
from inspection.imaging.photometric import solve

pytestmark = pytest.mark.inspection

LIGHTS = toward(40.0)
GAINS = np.array([1.0, 0.8, 1.1, 0.9], np.float32)
BLACK_DN = 4.0


def frames(albedo_dn: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, ...]:
    shading = np.clip(normals @ LIGHTS.T, 0, None) * GAINS
    seen = albedo_dn[..., None] * shading + BLACK_DN
    return tuple(np.rint(seen[..., k]).astype(np.uint8) for k in range(4))


def sphere() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[-1:1:65j, -1:1:65j] * 0.35
    normals = np.stack([x, y, np.sqrt(1 - x**2 - y**2)], -1)
    return np.full(x.shape, 200.0), normals


def test_it_is_the_general_solver_without_rejection() -> None:
    taken = frames(*sphere())
    albedo, normals = Inline(LIGHTS, GAINS, BLACK_DN).solve(taken)
    equal = (np.stack(taken).astype(np.float32) - BLACK_DN) / GAINS[:, None, None]
    found = solve(equal, LIGHTS, robust=False)
    np.testing.assert_allclose(albedo, found.albedo, rtol=1e-4)
    np.testing.assert_allclose(normals, found.normals, atol=1e-4)


def test_a_sphere_comes_back_within_the_rounding_of_its_frames() -> None:
    true_albedo, true_normals = sphere()
    albedo, normals = Inline(LIGHTS, GAINS, BLACK_DN).solve(frames(true_albedo, true_normals))
    assert np.abs(albedo - true_albedo).max() < 2
    off_deg = np.rad2deg(np.arccos(np.clip((normals * true_normals).sum(-1), -1, 1)))
    assert off_deg.max() < 0.5


def test_black_has_no_normal_of_its_own_and_lights_in_a_plane_are_refused() -> None:
    dark = tuple(np.zeros((3, 3), np.uint8) for _ in range(4))
    albedo, normals = Inline(LIGHTS, GAINS).solve(dark)
    assert not albedo.any() and np.array_equal(normals[1, 1], (0, 0, 1))
    with pytest.raises(ValueError, match="plane"):
        Inline(np.array([[1, 0, 0], [0, 0, 1], [-1, 0, 0], [0.6, 0, 0.8]], np.float32), GAINS)
