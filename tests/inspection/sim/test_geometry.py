"""Curved parts: their closed forms, their stated bounds, and that flat ones are what they were."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="needs lingnan[sim]")

from inspection.sim.geometry import MAX_SLOPE, cylinder, form
from inspection.sim.materials import MATERIALS
from inspection.sim.names import CELLS
from inspection.sim.scene import PIXEL_UM, StationScene, station_scene
from inspection.sim.surface import Draw

pytestmark = pytest.mark.inspection

SIDE = 192
CURVED = [(material, geometry) for material, geometry in CELLS if geometry != "flat"]


def scene(material: str, geometry: str, **more: object) -> StationScene:
    return station_scene(material, side_px=SIDE, geometry=geometry, **more)  # type: ignore[arg-type]


def drawn(geometry: str, family: str, seed: int, shape: tuple[int, int] = (256, 256)) -> np.ndarray:
    found = form(geometry, Draw(np.random.default_rng(seed), family), shape, 40.0)  # type: ignore[arg-type]
    assert found is not None
    return found


families = st.sampled_from(["spectral", "event"])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(["arc", "freeform"]), families)
def test_a_shape_is_smooth_and_keeps_to_its_slope(seed: int, geometry: str, family: str) -> None:
    height = drawn(geometry, family, seed)
    slope_y, slope_x = np.gradient(height.astype(float), 40.0)
    assert np.hypot(slope_x, slope_y).max() <= MAX_SLOPE
    assert height.mean() == pytest.approx(0, abs=1e-2)
    bend = np.abs(np.diff(slope_x, axis=1)).max() / 40.0
    assert bend < 4 * MAX_SLOPE / 1500  # no kink: radii of curvature of millimetres


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9), families)
def test_an_arc_is_straight_along_one_line(seed: int, family: str) -> None:
    """Its Gaussian curvature is 0, that of a free form is not."""

    def gaussian(height: np.ndarray) -> float:
        y, x = np.gradient(height.astype(float), 40.0)
        (yy, yx), (_, xx) = np.gradient(y, 40.0), np.gradient(x, 40.0)
        inner = (slice(4, -4), slice(4, -4))
        return float(np.abs(xx * yy - yx**2)[inner].max())

    assert gaussian(drawn("arc", family, seed)) < 0.05 * gaussian(drawn("freeform", family, seed))


def test_a_cylinder_is_the_circle_it_says() -> None:
    x = np.linspace(-4000, 4000, 101)
    np.testing.assert_allclose((cylinder(x, 5000.0) + 5000.0) ** 2 + x**2, 5000.0**2)
    with pytest.raises(ValueError, match="does not reach"):
        cylinder(x, 4000.0)


def test_an_unknown_shape_is_named() -> None:
    with pytest.raises(ValueError, match="cube"):
        form("cube", Draw(np.random.default_rng(0), "event"), (4, 4), 10.0)


@pytest.mark.parametrize(("material", "geometry"), CURVED)
def test_a_curved_part_is_the_flat_one_bent(material: str, geometry: str) -> None:
    """A geometry adds a height and draws nothing that the flat part draws."""
    flat, bent = scene(material, "flat").part(3), scene(material, geometry).part(3)
    shape = Draw(np.random.default_rng([0, 3, 2]), "event")
    added = form(geometry, shape, (SIDE, SIDE), PIXEL_UM)
    np.testing.assert_array_equal(bent.surface.height_um, flat.surface.height_um + added)
    np.testing.assert_array_equal(bent.surface.albedo, flat.surface.albedo)
    assert bent.gain_error == flat.gain_error and bent.room == flat.room


@pytest.mark.parametrize(("material", "geometry"), CELLS)
@pytest.mark.parametrize("kind", ["point", "scratch", "stain"])
def test_removing_the_defects_changes_nothing_beside_them(
    material: str, geometry: str, kind: str
) -> None:
    """Exact masks: what the truth covers, and a lens' blur beside it, is all that differs."""
    size = 400.0 if kind == "stain" else 30.0
    station = scene(material, geometry, count=4, kinds=(kind,), sizes_um=(size,), seed=3)
    bad, truth = station.render(0, "inspect", 0.0), station.truth(0)
    assert truth.defects
    station._last = (0, replace(station.part(0), defects=(), imprints=()))
    change = np.abs(bad - station.render(0, "inspect", 0.0))
    reach = 2 * (26 if kind == "stain" else 9) + 1  # a stain's soft rim; shoulders and the lens
    near = cv2.dilate(truth.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    assert change[truth.mask].max() > 0.02 * bad.max()
    assert change[~near].max(initial=0.0) < 1e-3 * bad.max()


KNOWN = {  # electrons/us at (20, 30), (100, 200), (128, 128), (250, 5), and the mean
    "metal": (41.388, 42.246, 41.264, 43.493, 41.856),
    "glass": (58.262, 54.353, 54.928, 56.476, 55.298),
    "glaze": (46.188, 48.262, 46.85, 42.999, 49.928),
    "smd": (209.36, 25.104, 25.05, 24.891, 35.065),
}


@pytest.mark.parametrize("material", KNOWN)
def test_the_first_four_flat_materials_render_as_the_network_learned_them(material: str) -> None:
    light = station_scene(material, "judge", 5, 4, side_px=256).render(2, "inspect", 0.013)
    seen = (*light[(20, 100, 128, 250), (30, 200, 128, 5)], light.mean(dtype=float))
    np.testing.assert_allclose(seen, KNOWN[material], rtol=2e-4)


def test_programs_fire_strobes_that_exist() -> None:
    for material, geometry in CELLS:
        light = scene(material, geometry).render(0, "inspect", 0.0)
        assert MATERIALS[material].lights(geometry)
        assert np.isfinite(light).all() and light.min() >= 0 and light.max() > 0
