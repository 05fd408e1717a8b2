"""Large lamps, shadows, focus and motion against their closed forms."""

from __future__ import annotations

from math import atan, cos, pi, radians, sin, sqrt, tan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="needs lingnan[sim]")

from inspection.sim import penumbra, render
from inspection.sim.ceiling import ceilings
from inspection.sim.geometry import cylinder
from inspection.sim.lighting import Lighting
from inspection.sim.optics import STILL, Motion, box, defocus
from inspection.sim.panel import Panel, cap_share
from inspection.sim.penumbra import dimmed, segment
from inspection.sim.render import DARK, Ambient, Lamps, Points, shade, shadows
from inspection.sim.scene import PIXEL_UM, station_scene
from inspection.sim.station import Station, Tolerance

pytestmark = pytest.mark.inspection

NO_LAMPS = (np.zeros((0, 3), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32))
slopes = st.floats(-0.8, 0.8)
shares = st.floats(0.0, 1.0)


def lamp(elevation_deg: float, half_angle_deg: float = 0.0, azimuth_deg: float = 0.0) -> Lamps:
    e, a = radians(elevation_deg), radians(azimuth_deg)
    return Lamps(
        np.array([[cos(e) * cos(a), cos(e) * sin(a), sin(e)]], np.float32),
        np.ones(1, np.float32),
        np.full(1, radians(half_angle_deg), np.float32),
    )


def panel(half_angle_deg: float) -> Lamps:
    return Lamps(*NO_LAMPS, Panel(1.0, radians(half_angle_deg)))


def points(slope_x: object, slope_y: object = 0.0, **material: float) -> Points:
    p = np.atleast_1d(np.asarray(slope_x, np.float32)).ravel()
    q = np.broadcast_to(np.asarray(slope_y, np.float32).ravel(), p.shape)
    told = {"albedo": 0.0, "f0": 0.04, "alpha": 0.1} | material
    maps = (np.full(p.shape, told[name], np.float32) for name in ("albedo", "f0"))
    alpha = np.full(p.shape, told["alpha"], np.float32)
    return Points(p, np.ascontiguousarray(q), *maps, alpha, alpha)


# The panel


@pytest.mark.parametrize("distance", [0.0, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("radius", [0.05, 0.16, 0.5])
@pytest.mark.parametrize("alpha", [0.02, 0.2, 0.5])
def test_the_share_of_slopes_in_a_disk_is_its_integral(
    distance: float, radius: float, alpha: float
) -> None:
    """Summed over the disk in rings: p(s) = alpha^2 / (pi (alpha^2 + s^2)^2)."""
    r = (np.arange(800) + 0.5) / 800 * radius
    phi = (np.arange(800) + 0.5) / 800 * 2 * pi
    x = distance + r[:, None] * np.cos(phi)
    s2 = x**2 + (r[:, None] * np.sin(phi)) ** 2
    density = alpha**2 / (pi * (alpha**2 + s2) ** 2) * r[:, None]
    integral = density.sum() * (radius / 800) * (2 * pi / 800)
    assert cap_share(distance, radius, alpha) == pytest.approx(integral, rel=2e-3, abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(slopes, slopes, shares, shares, st.floats(0.005, 0.9), st.floats(1.0, 89.0))
def test_a_panel_gives_no_more_than_a_white_furnace(
    p: float, q: float, albedo: float, f0: float, alpha: float, half_angle: float
) -> None:
    """Nothing shines brighter than the panel itself, or than what falls on it makes of white."""
    lamps = panel(half_angle)
    assert lamps.panel is not None
    seen = shade(points(p, q, albedo=albedo, f0=f0, alpha=alpha), lamps)[0]
    assert 0 <= seen <= (f0 + (1 - f0)) * lamps.panel.radiance * 1.0001


@pytest.mark.parametrize(("albedo", "f0"), [(1.0, 0.0), (0.0, 1.0)])
def test_within_a_sky_of_light_a_white_body_and_a_mirror_vanish(albedo: float, f0: float) -> None:
    seen = shade(points(0.1, albedo=albedo, f0=f0, alpha=0.01), panel(90.0))[0]
    assert seen == pytest.approx(1 / pi, rel=0.01)


def test_a_small_panel_is_a_lamp() -> None:
    slope = np.linspace(-0.3, 0.3, 61)
    facets = points(slope, albedo=0.3, alpha=0.2)
    np.testing.assert_allclose(shade(facets, panel(0.5)), shade(facets, lamp(90.0)), rtol=0.05)


@pytest.mark.parametrize("half_angle", [10.0, 18.0, 30.0])
def test_a_mirror_cylinder_shows_the_panel_as_wide_as_the_law_of_reflection_says(
    half_angle: float,
) -> None:
    """A ray is turned by twice the slope: the edge lies where the slope is half the half-angle."""
    radius = 10_000.0
    x = np.linspace(-6000, 6000, 4001)
    slope = np.gradient(cylinder(x, radius), x)
    light = shade(points(slope, f0=0.04, alpha=0.003), panel(half_angle))
    bright = x[light > light.max() / 2]
    assert bright.max() == pytest.approx(radius * sin(radians(half_angle / 2)), rel=0.01)
    assert bright.min() == pytest.approx(-bright.max(), rel=0.01)
    inside = np.abs(x) < 0.8 * bright.max()
    assert light[inside].std() < 0.01 * light[inside].mean()  # evenly bright


@pytest.mark.parametrize(("alpha", "half_angle"), [(0.02, 0.0), (0.02, 6.0), (0.1, 8.0)])
@pytest.mark.parametrize("elevation", [90.0, 70.0, 50.0])
def test_a_glossy_cylinder_has_its_highlight_where_it_mirrors_a_lamp(
    alpha: float, half_angle: float, elevation: float
) -> None:
    """Place: slope -tan(zenith / 2). Width at half height of (1 + t^2/A)^-2, A = alpha^2 +
    tan^2(half angle / 2), as angles of the normal."""
    radius = 10_000.0
    x = np.linspace(-7000, 7000, 8001)
    slope = np.gradient(cylinder(x, radius), x)
    light = shade(points(slope, f0=0.5, alpha=alpha), lamp(elevation, half_angle))
    bright = np.arcsin(x[light > light.max() / 2] / radius)
    assert bright.mean() == pytest.approx(radians(90 - elevation) / 2, abs=0.012)
    half_width = atan(sqrt((alpha**2 + tan(radians(half_angle / 2)) ** 2) * (sqrt(2) - 1)))
    assert np.ptp(bright) / 2 == pytest.approx(half_width, rel=0.08)


def test_a_built_panel_is_off_within_its_tolerance() -> None:
    spread = []
    for seed in range(50):
        built = Station().lamps({"panel": 2.0}, Tolerance(3.0, 0.1), np.random.default_rng(seed))
        assert built.panel is not None and len(built.irradiance) == 0
        spread.append((built.panel.slope_x, built.panel.slope_y, built.panel.irradiance / 2 - 1))
    most = np.abs(spread).max(axis=0)
    assert (most[:2] < radians(1.5)).all() and most[2] < 0.1 and (most > 0.005).all()
    exact = Station().lamps({"panel": 2.0, "coaxial": 1.0})
    assert exact.downward == pytest.approx(3.0)


# A sphere, and shadows


def sphere(n: int = 201, radius: float = 500.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height of a ball that lies half in a plane, and x and y from its middle."""
    y, x = (np.mgrid[0:n, 0:n] - n // 2) * PIXEL_UM
    return np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0)).astype(np.float32), x, y


@pytest.mark.parametrize(("elevation", "azimuth"), [(60.0, 0.0), (45.0, 120.0), (30.0, 250.0)])
def test_a_lambertian_sphere_is_lit_by_the_cosine_and_dark_behind_its_terminator(
    elevation: float, azimuth: float
) -> None:
    height, x, y = sphere()
    lamps = lamp(elevation, azimuth_deg=azimuth)
    on_ball = np.hypot(x, y) < 470
    z = np.sqrt(np.maximum(500.0**2 - x**2 - y**2, 1.0))
    surface = points(-x / z, -y / z, albedo=1.0, f0=0.0, alpha=0.5)
    light = Lighting.over(height, PIXEL_UM, lamps, DARK, False).on(surface).reshape(x.shape)
    normal = np.stack([x, y, z], -1) / 500.0
    cosine = normal @ lamps.directions[0]
    well_lit = on_ball & (cosine > 0.2)
    coat = (1 - (1 - cosine) ** 5) * (1 - (1 - z / 500) ** 5)  # Schlick's, of index 1: at grazing
    np.testing.assert_allclose(light[well_lit], (cosine * coat)[well_lit] / pi, rtol=0.03)
    assert (light[on_ball & (cosine <= 0)] == 0).all()


@pytest.mark.parametrize("elevation", [25.0, 45.0, 60.0])
def test_a_ball_throws_its_ellipse(elevation: float) -> None:
    """Along the light the shadow of a half ball on its plane ends at radius / sin(elevation)."""
    height, x, _ = sphere(301)
    (shadow,) = dimmed(height, PIXEL_UM, lamp(elevation, 0.01))
    row = shadow.share.reshape(height.shape)[150]
    dark = x[150][row < 0.5]
    assert dark.min() == pytest.approx(-500 / sin(radians(elevation)), abs=2 * PIXEL_UM)


def test_a_disk_behind_an_edge_is_its_segment() -> None:
    y = (np.arange(20_000) + 0.5) / 10_000 - 1
    chord = 2 * np.sqrt(1 - y**2)
    for u in np.linspace(-1.2, 1.2, 25):
        assert segment(u) == pytest.approx(chord[y > u].sum() / chord.sum(), abs=1e-3)


@pytest.mark.parametrize("elevation", [20.0, 45.0])
@pytest.mark.parametrize("half_angle", [2.0, 8.0])
def test_the_penumbra_of_a_step_begins_and_ends_where_the_disk_does(
    elevation: float, half_angle: float
) -> None:
    step = np.zeros((3, 400), np.float32)
    step[:, 250:] = 400.0
    (shadow,) = dimmed(step, PIXEL_UM, lamp(elevation, half_angle))
    share = shadow.share.reshape(step.shape)[1]
    distance = (250 - np.arange(250)) * PIXEL_UM
    full, half, none = (
        distance[share[:250] <= limit].max() if (share[:250] <= limit).any() else 0.0
        for limit in (0.0, 0.5, 1.0 - 1e-6)
    )
    assert full == pytest.approx(400 / tan(radians(elevation + half_angle)), abs=PIXEL_UM)
    assert half == pytest.approx(400 / tan(radians(elevation)), abs=PIXEL_UM)
    assert none == pytest.approx(400 / tan(radians(elevation - half_angle)), abs=PIXEL_UM)
    assert (np.diff(share[:250]) <= 0).all() and (share[250:] == 1).all()


def test_a_pointlike_lamp_throws_the_hard_shadow() -> None:
    part = station_scene("smd", side_px=256).part(0)
    for azimuth in (0.0, 45.0, 160.0):
        lamps = lamp(45.0, 0.0, azimuth)
        hard = shadows(part.surface.height_um, PIXEL_UM, lamps)
        (soft,) = dimmed(part.surface.height_um, PIXEL_UM, lamps)
        assert hard is not None and 0.02 < hard.mean() < 0.5
        assert np.mean((soft.share < 0.5) == (hard > 0)) > 0.995


def test_skipping_empty_blocks_changes_no_shadow() -> None:
    rng = np.random.default_rng(4)
    height = np.zeros((150, 170), np.float32)
    for _ in range(12):
        y, x = rng.integers(0, 140, 2)
        height[y : y + 12, x : x + 9] = rng.uniform(50, 900)
    near, wide = ceilings(height)
    high = (np.full_like(near, np.inf), np.full_like(wide, np.inf))  # nowhere to leap over
    for azimuth in (0.0, 77.0, 225.0):
        a = radians(azimuth)
        told = (cos(a), sin(a), PIXEL_UM, radians(35), radians(8))
        quick, plain = np.empty_like(height), np.empty_like(height)
        penumbra._walk(height, near, wide, *told, quick)
        penumbra._walk(height, *high, *told, plain)
        np.testing.assert_array_equal(quick, plain)
        hard = (cos(a), sin(a), PIXEL_UM * tan(radians(35)), float(height.max()), 3)
        leapt, stepped = np.zeros(height.size, np.uint16), np.zeros(height.size, np.uint16)
        render._walk(height, near, wide, *hard, leapt)
        render._walk(height, *high, *hard, stepped)
        assert 0.02 < (stepped == 1 << 3).mean() < 0.9
        np.testing.assert_array_equal(leapt, stepped)


def test_a_gentle_surface_shades_nothing() -> None:
    x = np.arange(200) * PIXEL_UM
    wave = np.tile(100 * np.sin(x / 400), (200, 1)).astype(np.float32)  # slopes to 0.25
    assert dimmed(wave, PIXEL_UM, lamp(45.0, 8.0)) == ()
    (shadow,) = dimmed(wave, PIXEL_UM, lamp(10.0, 4.0))
    assert 0 < shadow.share.mean() < 1


def test_light_is_the_sum_of_its_lamps_behind_what_stands_there() -> None:
    part = station_scene("inductor", side_px=200).part(1)
    lamps = Station().lamps({"coaxial": 1.0, "east": 2.5, "north": 1.0})
    told = (part.surface.height_um, PIXEL_UM)
    together = Lighting.over(*told, lamps, Ambient(0.02), False).on(part.surface.points)
    each = [
        Lighting.over(*told, lamps.only(k), DARK, False).on(part.surface.points) for k in range(3)
    ]
    room = Lighting(lamps.without(range(3)), Ambient(0.02)).on(part.surface.points)
    np.testing.assert_allclose(together, sum(each) + room, rtol=1e-4, atol=1e-6)


# Focus and motion


@pytest.mark.parametrize("off_um", [400.0, 800.0])
def test_a_point_out_of_focus_spreads_as_its_disk(off_um: float) -> None:
    """A disk of radius NA dz has a variance of a quarter of its squared radius along an axis."""
    height = np.full((61, 61), off_um, np.float32)
    height[0, 0] = -off_um  # so that the lens focuses in between
    image = np.zeros((61, 61), np.float32)
    image[30, 30] = 1.0
    seen = defocus(image, height, 10.0, 0.05)
    x = np.arange(61) - 30
    assert seen.sum() == pytest.approx(1.0, abs=1e-3)
    spread = (seen.sum(axis=0) * x**2).sum()
    assert spread == pytest.approx((0.05 * off_um / 10) ** 2 / 4, rel=0.1)
    half = np.full_like(height, off_um / 2)
    half[0, :2] = off_um, -off_um
    nearer = (defocus(image, half, 10.0, 0.05).sum(axis=0) * x**2).sum()
    assert nearer == pytest.approx(spread / 4, rel=0.1)


def test_what_is_flat_is_in_focus_and_what_is_even_stays_so() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((40, 40), np.float32)
    assert defocus(image, 10 * image, PIXEL_UM, 0.03) is image
    even = np.full((40, 40), 3.0, np.float32)
    np.testing.assert_allclose(defocus(even, 2000 * image, PIXEL_UM, 0.03), 3.0, rtol=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.floats(-5, 5), st.floats(0, 12))
def test_a_smear_has_its_middle_and_its_length(middle: float, length: float) -> None:
    kernel = box(middle - length / 2, middle + length / 2)
    x = np.arange(len(kernel)) - len(kernel) // 2
    assert len(kernel) % 2 == 1 and kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1.0, abs=1e-6)
    assert (kernel * x).sum() == pytest.approx(middle, abs=1e-4)
    spread = (kernel * x**2).sum() - (kernel * x).sum() ** 2
    assert length**2 / 12 - 1e-3 <= spread <= length**2 / 12 + 0.26  # linear between pixels: + 1/6


def test_a_belt_smears_by_its_speed_and_the_encoder_shifts_by_half_a_step() -> None:
    assert Motion(200.0).smear_px(100.0, 10.0) == pytest.approx(2.0)
    edge = np.zeros((64, 8), np.float32)
    edge[32:] = 1.0
    rng = np.random.default_rng(1)
    smeared = Motion(500.0).blur(edge, 100.0, 10.0, rng)  # 5 px
    ramp = np.flatnonzero((smeared[:, 0] > 1e-3) & (smeared[:, 0] < 1 - 1e-3))
    assert len(ramp) in (5, 6)
    places = [
        32 + (edge - Motion(0.0, 40.0).blur(edge, 100.0, 10.0, rng))[:, 0].sum() for _ in range(200)
    ]
    assert 1.7 < np.abs(np.array(places) - 32).max() <= 2.0 + 1e-4
    assert STILL.blur(edge, 100.0, 10.0, rng) is edge


def test_each_strobe_of_a_moving_part_has_its_own_jitter_and_repeats_it() -> None:
    moving = station_scene("metal", side_px=96, encoder_um=40.0, seed=2)
    still = station_scene("metal", side_px=96, seed=2)
    one, other = (moving.render(1, light, 0.0) for light in ("east", "west"))
    again = moving.render(1, "east", 0.0)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, still.render(1, "east", 0.0))
    assert not np.array_equal(one, other)


# Room light


def test_room_light_adds_in_proportion_over_a_hundred_decibels() -> None:
    def light(room: float) -> np.ndarray:
        return station_scene("glaze", side_px=96, room=room).render(0, "inspect", 0.0)

    dark, full = light(0.0), light(1e3).astype(float)
    for room in np.logspace(-2, 3, 6):  # 100 dB of irradiance
        np.testing.assert_allclose(light(room) - dark, (full - dark) * room / 1e3, rtol=2e-2)
    drawn = station_scene("glaze", side_px=96)
    assert 0 < drawn.part(0).room.radiance < 0.1


def test_room_light_is_a_share_of_what_the_strobes_make_of_white() -> None:
    """The part's own white body, lit by strobes of E and by a room of radiance r E / pi."""
    surface = points(0.0, albedo=0.9, f0=0.0, alpha=0.5)
    lamps = lamp(90.0)
    strobes = shade(surface, lamps)[0]
    both = shade(surface, lamps, Ambient(0.5 * lamps.downward / pi))[0]
    assert both / strobes == pytest.approx(1.5, rel=1e-3)


def test_the_ring_is_its_eight_directional_strobes_fired_together() -> None:
    ring = Station().lamps({"ring": 1.0})
    names = ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast")
    single = Station().lamps(dict.fromkeys(names, 1 / 8))
    np.testing.assert_allclose(single.directions, ring.directions, atol=1e-6)
    np.testing.assert_allclose(single.irradiance, ring.irradiance)
    np.testing.assert_allclose(single.half_angle, ring.half_angle)
