"""Rays through a city, against closed forms for one wall, one edge, one crown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import fresnel as fresnel_integrals

from positioning.sim.gnss import city, materials, rays
from positioning.sim.gnss.antenna import IDEAL
from positioning.sim.gnss.diffraction import knife_edge
from positioning.sim.gnss.layouts import LAYOUTS, build
from positioning.sim.gnss.obstacles import through_leaves

pytestmark = pytest.mark.positioning

FREQUENCIES = np.array([[1575.42e6, 1176.45e6]])
ISOTROPIC = np.array([0.0, 0.0, 0.0, 0.0, 0.0])


def a_city(rows: list[tuple[float, ...]]) -> city.City:
    streets = city.Streets(np.zeros(1), np.zeros(1), 1.0, 0.0)
    return city.City("test", city.boxes(rows, 0.0), city.canopies([], 0.0), streets, 10.0)


def direction(azimuth: float, elevation: float) -> np.ndarray:
    flat = np.cos(elevation)
    return np.array([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)])


def traced(
    rows: list[tuple[float, ...]],
    point: tuple[float, float, float],
    ray: np.ndarray,
    velocity: tuple[float, float, float] = (0, 0, 0),
    pattern: np.ndarray = ISOTROPIC,
) -> rays.Paths:
    return rays.trace(
        a_city(rows), np.array([point]), np.array([velocity], float), np.zeros(1, np.int64),
        ray[None], FREQUENCIES, pattern,
    )  # fmt: skip


WALL = [(0.0, -10.0, 0.0, 500.0, 5.0, 0.0, 300.0, float(materials.METAL), 0.0)]
"""Its face looks north, at north = -5."""


@settings(deadline=None, max_examples=40)
@given(st.floats(-1.3, 1.3), st.floats(0.1, 1.2), st.floats(1.0, 40.0))
def test_one_wall_mirrors_with_the_image_methods_length(
    azimuth: float, elevation: float, away: float
) -> None:
    ray = direction(azimuth, elevation)
    velocity = (3.0, -2.0, 0.0)
    paths = traced(WALL, (0.0, away - 5.0, 2.0), ray, velocity)
    assert paths.line_of_sight[0]
    normal = np.cos(elevation) * np.cos(azimuth)
    by_ground, by_wall = paths.excess_m[0, 1], paths.excess_m[0, 2]
    assert paths.count[0] == 3
    assert by_ground == pytest.approx(2 * 2.0 * np.sin(elevation), abs=1e-9)
    assert by_wall == pytest.approx(2 * away * normal, abs=1e-9)
    assert paths.rate_mps[0, 2] == pytest.approx(2 * normal * velocity[1], abs=1e-9)


def test_a_wall_in_the_way_leaves_no_sight_and_no_mirror() -> None:
    paths = traced(WALL, (0.0, 0.0, 2.0), direction(np.pi, 0.4), pattern=IDEAL)
    assert not paths.line_of_sight[0]
    assert abs(paths.field[0, 1:]).max() < 1e-9
    assert 20 * np.log10(abs(paths.field[0, 0, 0])) < -30


def test_two_facing_walls_mirror_twice() -> None:
    """A canyon 20 m wide: over the west wall, by the east one, then by the west one."""
    canyon = [
        (-15.0, 0.0, 0.0, 5.0, 300.0, 0.0, 60.0, float(materials.METAL), 0.0),
        (15.0, 0.0, 0.0, 5.0, 300.0, 0.0, 100.0, float(materials.METAL), 0.0),
    ]
    elevation, velocity = np.arctan(1.5), (4.0, 1.0, 0.0)
    paths = traced(canyon, (8.0, 0.0, 2.0), direction(-np.pi / 2, elevation), velocity)
    assert not paths.line_of_sight[0]
    assert paths.count[0] == 2
    assert paths.excess_m[0, 1] == pytest.approx(2 * 20.0 * np.cos(elevation), abs=1e-9)
    assert paths.rate_mps[0, 1] == pytest.approx(0.0, abs=1e-9)  # parallel walls: a shifted image
    lower = traced(canyon, (8.0, 0.0, 2.0), direction(-np.pi / 2, np.arctan(0.9)), velocity)
    assert lower.count[0] == 1  # the west wall hides the east one from the satellite


@pytest.mark.parametrize("v", [-2.4, -1.0, -0.3, 0.0, 0.5, 1.0, 2.4, 6.0])
def test_a_knife_edge_loses_what_fresnels_integrals_say(v: float) -> None:
    sine, cosine = fresnel_integrals(v)
    exact = (1 + 1j) / 2 * ((0.5 - cosine) - 1j * (0.5 - sine))
    assert abs(knife_edge(v)) == pytest.approx(abs(exact), abs=3e-3)
    assert np.angle(knife_edge(v) / exact) == pytest.approx(0, abs=0.03)


def test_known_losses_of_a_knife_edge() -> None:
    """6.02 dB at grazing; ITU-R P.526-15 figure 9: 13.5 to 14 dB at 1, some 20.5 dB at 2.4."""
    loss = [-20 * np.log10(abs(knife_edge(v))) for v in (0.0, 1.0, 2.4)]
    assert loss == pytest.approx([6.02, 13.9, 20.6], abs=0.3)


def test_a_roof_edge_bends_as_a_knife_edge_does() -> None:
    """A wide house, its roof 3 m over the ray at its front edge, 30 m away."""
    elevation, away, over = 0.5, 30.0, 3.0
    top = 1.6 + away * np.tan(elevation) + over
    house = [(0.0, -away - 8.0, 0.0, 400.0, 8.0, 0.0, top, float(materials.CONCRETE), 0.0)]
    paths = traced(house, (0.0, 0.0, 1.6), direction(np.pi, elevation), pattern=IDEAL)
    slant = away / np.cos(elevation)
    for band, frequency in enumerate(FREQUENCIES[0]):
        v = over * np.cos(elevation) * np.sqrt(2 / (299792458.0 / frequency * slant))
        assert abs(paths.field[0, 0, band]) == pytest.approx(abs(knife_edge(v)), rel=1e-6)
    assert paths.excess_m[0, 0] == pytest.approx((over * np.cos(elevation)) ** 2 / 2 / slant)


def test_shadow_begins_without_a_step() -> None:
    """The direct field past a corner is smooth in the angle, inside 1 dB a twentieth of a degree,
    and half the free one at the shadow's edge."""
    tower = [(0.0, 50.0, 0.0, 10.0, 10.0, 0.0, 200.0, float(materials.CONCRETE), 0.0)]
    edge = np.arctan2(10.0, 40.0)
    angles = edge + np.radians(np.arange(-4, 4, 0.05))
    fields = [
        abs(traced(tower, (0, 0, 1.6), direction(a, 0.3), pattern=IDEAL).field[0, 0, 0])
        for a in angles
    ]
    level = 20 * np.log10(fields)
    assert abs(np.diff(level)).max() < 1.0
    assert np.interp(edge, angles, fields) == pytest.approx(0.5, abs=0.04)


def test_under_a_deck_the_zenith_is_hidden_and_the_side_is_free() -> None:
    deck = [(0.0, 0.0, 0.0, 200.0, 9.0, 8.0, 9.0, float(materials.CONCRETE), 0.0)]
    assert not traced(deck, (0, 0, 1.6), direction(0.0, 1.5)).line_of_sight[0]
    assert traced(deck, (0, 0, 1.6), direction(0.0, 0.4)).line_of_sight[0]
    assert traced(deck, (0, 0, 11.0), direction(0.0, 1.5)).line_of_sight[0]


def test_leaves_take_their_chord() -> None:
    crown = np.array([[0.0, 20.0, 6.0, 4.0, 2.5, 0.5]])
    way, loss = through_leaves(crown, np.array([0.0, 0.0, 6.0]), np.array([0.0, 1.0, 0.0]), 1e6)
    assert way == pytest.approx(8.0)
    assert 3.0 < loss < 4.0
    way, _ = through_leaves(crown, np.array([0.0, 0.0, 6.0]), np.array([0.0, 1.0, 0.0]), 18.0)
    assert way == pytest.approx(2.0)


@settings(deadline=None)
@given(st.integers(0, 4), st.floats(0.02, 1.0))
def test_fresnel_never_gives_power(material: int, cosine: float) -> None:
    for coefficient in materials.fresnel(material, 1.5e9, cosine):
        assert abs(coefficient) <= 1 + 1e-9


def test_circular_waves_turn_over_upright_and_keep_their_hand_at_grazing() -> None:
    co, cross = materials.circular(materials.CONCRETE, 1.575e9, 1.0)
    index = np.sqrt(materials.permittivity(materials.CONCRETE, 1.575e9))
    assert abs(co) < 1e-9
    assert abs(cross) == pytest.approx(abs((1 - index) / (1 + index)))
    co, cross = materials.circular(materials.CONCRETE, 1.575e9, 1e-4)
    assert abs(co) == pytest.approx(1, abs=1e-2)
    assert abs(cross) < 1e-2


@pytest.mark.parametrize("name", LAYOUTS)
def test_streets_are_free_of_buildings(name: str) -> None:
    made = build(LAYOUTS[name], np.random.default_rng(5))
    places = np.array([(e, n) for e in made.streets.east_m for n in made.streets.north_m])
    points = np.column_stack((made.streets.turned(places), np.full(len(places), 1.0)))
    up = rays.visible(made, points, np.array([[0.0, 0.0, 1.0]]))[:, 0]
    assert up.all() if name != "viaduct" else up.mean() < 1
    again = build(LAYOUTS[name], np.random.default_rng(5))
    assert np.array_equal(made.boxes.packed(), again.boxes.packed())
