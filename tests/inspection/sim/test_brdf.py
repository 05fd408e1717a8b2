"""The scattering model against closed forms: energy, reciprocity, Lambert, the mirror."""

from __future__ import annotations

from math import cos, pi, radians, sin, sqrt, tan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from inspection.sim.brdf import brdf, ggx
from inspection.sim.render import BLOCK, Ambient, Lamps, Points, shade, shadows

pytestmark = pytest.mark.inspection

FIELDS = ("directions", "irradiance", "half_angle")

ROUGHNESS = [(0.05, 0.05), (0.1, 0.4), (0.3, 0.3), (0.7, 0.2)]


@njit
def projected_facets(ax: float, ay: float, n: int) -> float:
    """Integral of D cos over the hemisphere, sampled evenly in (sin^2 theta, phi)."""
    total = 0.0
    for i in range(n):
        for j in range(n):
            r, phi = sqrt((i + 0.5) / n), 2 * pi * (j + 0.5) / n
            total += ggx(r * cos(phi), r * sin(phi), sqrt(1 - r * r), ax, ay)
    return total * pi / (n * n)


@njit
def scattered(theta: float, albedo: float, f0: float, ax: float, ay: float, n: int) -> float:
    """All that leaves a surface lit from angle theta: integral of f cos over the hemisphere."""
    total = 0.0
    for i in range(n):
        for j in range(n):
            r, phi = sqrt((i + 0.5) / n), 2 * pi * (j + 0.5) / n
            z = sqrt(1 - r * r)
            ix, iz = sin(theta), cos(theta)
            total += brdf(ix, 0.0, iz, r * cos(phi), r * sin(phi), z, albedo, f0, ax, ay)
    return total * pi / (n * n)


def flat(slope_x: float = 0.0, albedo: float = 0.0, f0: float = 0.04, alpha: float = 0.1) -> Points:
    values = (slope_x, 0.0, albedo, f0, alpha, alpha)
    return Points(*(np.full(1, v, np.float32) for v in values))


def lamp(from_zenith_deg: float) -> Lamps:
    t = radians(from_zenith_deg)
    return Lamps(
        np.array([[sin(t), 0, cos(t)]], np.float32), np.ones(1, np.float32), np.zeros(1, np.float32)
    )


@pytest.mark.parametrize(("ax", "ay"), ROUGHNESS)
def test_facets_project_to_the_plane_once(ax: float, ay: float) -> None:
    assert projected_facets(ax, ay, 3000) == pytest.approx(1.0, rel=5e-3)


@pytest.mark.parametrize(("ax", "ay"), ROUGHNESS)
@pytest.mark.parametrize("theta_deg", [0, 30, 60, 80])
@pytest.mark.parametrize(("albedo", "f0"), [(1.0, 0.04), (0.0, 1.0), (1.0, 0.5)])
def test_white_furnace_gives_back_no_more_than_it_gets(
    ax: float, ay: float, theta_deg: float, albedo: float, f0: float
) -> None:
    assert 0.2 < scattered(radians(theta_deg), albedo, f0, ax, ay, 1500) <= 1.005


def test_a_smooth_perfect_mirror_loses_nothing() -> None:
    assert scattered(radians(30), 0.0, 1.0, 0.05, 0.05, 3000) == pytest.approx(1.0, abs=0.01)


angles = st.tuples(st.floats(0.0, 1.4), st.floats(0, 2 * pi))


@settings(max_examples=200, deadline=None)
@given(angles, angles, st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_reciprocity(
    a: tuple[float, float],
    b: tuple[float, float],
    albedo: float,
    f0: float,
    ax: float,
    ay: float,
) -> None:
    i, o = ((sin(t) * cos(p), sin(t) * sin(p), cos(t)) for t, p in (a, b))
    forth, back = brdf(*i, *o, albedo, f0, ax, ay), brdf(*o, *i, albedo, f0, ax, ay)
    assert forth == pytest.approx(back, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("theta_deg", [0.0, 20.0, 45.0, 60.0])
def test_without_a_coat_the_body_is_lambertian(theta_deg: float) -> None:
    seen = shade(flat(albedo=0.7, f0=0.0, alpha=0.3), lamp(theta_deg))[0]
    assert seen == pytest.approx(0.7 / pi * cos(radians(theta_deg)), rel=0.035)


def test_normal_reflection_from_a_flat_coat_has_its_closed_form() -> None:
    # D(0) = 1 / (pi alpha^2), no shadowing at normal incidence: f = F0 / (4 pi alpha^2)
    seen = shade(flat(f0=0.04, alpha=0.1), lamp(0.0))[0]
    assert seen == pytest.approx(0.04 / (4 * pi * 0.1**2), rel=1e-4)


@pytest.mark.parametrize("from_zenith_deg", [10.0, 30.0, 45.0])
def test_a_tilted_facet_is_brightest_where_it_mirrors_the_lamp(from_zenith_deg: float) -> None:
    slopes = np.linspace(-1, 1, 4001, dtype=np.float32)
    same = np.ones_like(slopes)
    facets = Points(slopes, 0 * same, 0 * same, same, 0.03 * same, 0.03 * same)
    brightest = slopes[int(shade(facets, lamp(from_zenith_deg)).argmax())]
    # a surface that falls towards +x (slope < 0) faces a lamp at +x
    assert brightest == pytest.approx(-tan(radians(from_zenith_deg / 2)), abs=4e-3)


def test_a_large_lamp_widens_the_lobe_and_keeps_its_light() -> None:
    slopes = np.linspace(-0.5, 0.5, 2001, dtype=np.float32)
    grid_x, grid_y = (g.ravel() for g in np.meshgrid(slopes[::20], slopes[::20]))
    one = np.ones_like(grid_x)
    facets = Points(grid_x, grid_y, 0 * one, one, 0.05 * one, 0.05 * one)
    small = lamp(0.0)
    large = Lamps(small.directions, small.irradiance, np.full(1, radians(10), np.float32))
    one_lobe, wide_lobe = shade(facets, small), shade(facets, large)
    assert wide_lobe.max() < 0.5 * one_lobe.max()
    assert wide_lobe.sum() == pytest.approx(one_lobe.sum(), rel=0.1)


def test_room_light_on_a_white_body_is_its_radiance() -> None:
    seen = shade(flat(albedo=1.0, f0=0.0), lamp(0.0), Ambient(0.1))[0]
    without = shade(flat(albedo=1.0, f0=0.0), lamp(0.0))[0]
    assert seen - without == pytest.approx(0.1, rel=1e-4)


def test_a_wall_throws_a_shadow_as_long_as_trigonometry_says() -> None:
    height = np.zeros((5, 200), np.float32)
    height[:, 150:] = 300.0
    blocked = shadows(height, 10.0, lamp(45.0))  # lamp at +x, 45 degrees: 300 um of shadow
    assert blocked is not None
    dark = np.flatnonzero(blocked.reshape(5, 200)[2] & 1)
    assert dark.min() == pytest.approx(120, abs=1) and dark.max() == 149
    assert shadows(height * 0.01, 10.0, lamp(45.0)) is None


def test_a_blocked_lamp_adds_nothing() -> None:
    points = flat(albedo=0.5)
    assert shade(points, lamp(30.0), blocked=np.ones(1, np.uint16))[0] == 0.0


def test_light_is_that_of_each_point_and_lamp_alone() -> None:
    """Blocks and vectors of the renderer against the formula, point by point."""
    rng = np.random.default_rng(5)
    n = 3 * BLOCK + 7
    ranges = ((-0.5, 0.5), (-0.5, 0.5), (0.02, 0.9), (0.04, 0.9), (0.02, 0.4), (0.02, 0.4))
    points = Points(*(rng.uniform(*ends, n).astype(np.float32) for ends in ranges))
    lamps = [lamp(angle) for angle in (10.0, 45.0, 88.0)]
    all_three = Lamps(*(np.concatenate([getattr(one, k) for one in lamps]) for k in FIELDS))
    blocked = rng.integers(0, 8, n).astype(np.uint16)
    found = shade(points, all_three, blocked=blocked)
    for i in range(0, n, 41):
        lit = [k for k in range(3) if not (blocked[i] >> k) & 1]
        alone = sum(light_of_a_point(points.at(slice(i, i + 1)), lamps[k]) for k in lit)
        assert found[i] == pytest.approx(alone, rel=1e-5, abs=1e-9)


def light_of_a_point(points: Points, burning: Lamps) -> float:
    """One lamp on one point, by vectors."""
    told = (float(getattr(points, name)[0]) for name in Points.__slots__)
    p, q, albedo, f0, ax, ay = told
    normal = np.array([-p, -q, 1.0]) / sqrt(1 + p * p + q * q)
    tangent = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    tangent /= np.linalg.norm(tangent)
    frame = np.stack([tangent, np.cross(normal, tangent), normal])
    i, o = frame @ burning.directions[0].astype(float), frame @ np.array([0.0, 0.0, 1.0])
    wide = tan(float(burning.half_angle[0]) / 2)
    told_alpha = (sqrt(ax * ax + wide * wide), sqrt(ay * ay + wide * wide))
    f = one_brdf(*i, *o, albedo, f0, *told_alpha) if i[2] > 1e-4 else 0.0
    return float(f * i[2] * burning.irradiance[0])


@njit
def one_brdf(ix, iy, iz, ox, oy, oz, albedo, f0, ax, ay):  # type: ignore[no-untyped-def]
    return brdf(ix, iy, iz, ox, oy, oz, albedo, f0, ax, ay)
