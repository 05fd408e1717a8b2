"""Depths of grooves: known profiles through a known blur, and through the fringe sensor."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.relief.find import Candidate, find
from inspection.relief.lateral import PIXEL_PX2, Lateral
from inspection.relief.measure import Size, measure

pytestmark = pytest.mark.inspection

F32 = NDArray[np.float32]
Profile = Callable[[NDArray[np.float64]], NDArray[np.float64]]
SIDE, FINE, PITCH = 128, 8, 5.0


def bowl(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """U: a parabola."""
    return np.clip(1 - t * t, 0, 1)


def wedge(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """V."""
    return np.clip(1 - t, 0, 1)


def groove(
    profile: Profile,
    width_um: float,
    depth_um: float,
    turn_deg: float,
    waver: float = 0.0,
    lips: float = 0.0,
) -> F32:
    """Half across the map, its length at turn_deg from +x, averaged over pixels. waver: share by
    which it is shallower in places; at its middle it is as deep as told. lips: their height over
    the depth, steep outside and gentle towards the groove."""
    c = ((np.arange(SIDE * FINE) + 0.5) / FINE - 0.5 - (SIDE - 1) / 2) * PITCH
    turn = np.radians(turn_deg)
    across = -np.sin(turn) * c[None] + np.cos(turn) * c[:, None]
    along = np.cos(turn) * c[None] + np.sin(turn) * c[:, None]
    depth = depth_um * (1 - waver * (1 - np.cos(2 * np.pi * along / 200)) / 2)
    depth *= np.clip((160 - np.abs(along)) / 30, 0, 1)  # its ends
    t = np.abs(across) / (width_um / 2)
    thrown = np.clip((t - 1) / 0.4, 0, None) * (t < 1.4) + np.clip((1.6 - t) / 0.2, 0, 1) * (
        t >= 1.4
    )
    cells = -depth * (profile(t) - lips * thrown)
    return np.asarray(cells.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3)), np.float32)


def sized(seen: F32, lateral: Lateral) -> Size:
    """The largest find of a map."""
    inside = np.ascontiguousarray(seen[14:-14, 14:-14])
    best = max(find(inside, np.isfinite(inside)), key=lambda c: c.snr)
    return measure(inside, PITCH, best, np.zeros(inside.shape, np.bool_), lateral=lateral)


@pytest.mark.parametrize("sigma_px", [0.7, 1.0, 1.4])
@pytest.mark.parametrize("width_um", [30.0, 45.0])
@pytest.mark.parametrize("waver", [0.0, 0.2])
def test_a_u_is_as_deep_as_it_was_behind_a_known_blur(
    sigma_px: float, width_um: float, waver: float
) -> None:
    known = Lateral(sigma_px**2 + PIXEL_PX2, 0.05)
    off = []
    for seed, turn in enumerate((3.0, 33.0, 57.0, 88.0)):
        noise = np.random.default_rng([31, seed]).normal(0, 0.1, (SIDE, SIDE))
        sharp = groove(bowl, width_um, 8.0, turn, waver)
        seen = cv2.GaussianBlur(sharp, (0, 0), sigma_px) + noise.astype(np.float32)
        size = sized(seen, known)
        off.append(size.depth_um / 8.0 - 1)
        assert abs(size.depth_um - 8.0) < 2 * size.u_depth_um
    assert abs(np.mean(off)) < 0.05


@pytest.mark.parametrize("sigma_px", [1.0, 1.4])
@pytest.mark.parametrize("lips", [0.1, 0.3])
def test_lips_do_not_make_a_groove_deeper_than_it_is(sigma_px: float, lips: float) -> None:
    known, off = Lateral(sigma_px**2 + PIXEL_PX2, 0.05), []
    for seed, turn in enumerate((3.0, 33.0, 57.0, 88.0)):
        noise = np.random.default_rng([34, seed]).normal(0, 0.1, (SIDE, SIDE))
        with_lips, without = (groove(bowl, 30.0, 8.0, turn, 0.0, at) for at in (lips, 0.0))
        sizes = [
            sized(cv2.GaussianBlur(sharp, (0, 0), sigma_px) + noise.astype(np.float32), known)
            for sharp in (with_lips, without)
        ]
        off.append([size.depth_um / 8.0 - 1 for size in sizes])
    told, plain = np.mean(off, axis=0)
    assert abs(told) < 0.05 and abs(told - plain) < 0.04


@pytest.mark.parametrize("slope", [0.0, 0.15, 0.3])
def test_a_tilted_top_is_as_high_as_its_higher_edge(slope: float) -> None:
    """A block 50 um wide whose top rises over its width by this share of its height."""
    y, x = ((np.indices((SIDE * FINE,) * 2) + 0.5) / FINE - 0.5 - (SIDE - 1) / 2) * PITCH
    block = (np.abs(x) < 25) & (np.abs(y) < 25)
    top = 20 * (1 - slope * (25 - x) / 50) * block
    sharp = top.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3)).astype(np.float32)
    for seed in range(4):
        noise = np.random.default_rng([35, seed]).normal(0, 0.1, (SIDE, SIDE))
        seen = cv2.GaussianBlur(sharp, (0, 0), 0.8) + noise.astype(np.float32)
        size = sized(seen, Lateral(0.64 + PIXEL_PX2, 0.05))
        assert abs(size.depth_um - 20) < 2 * size.u_depth_um
        assert abs(size.depth_um / 20 - 1) < 0.06


def test_a_v_is_deeper_than_told_and_never_told_deeper_than_it_is() -> None:
    seen = cv2.GaussianBlur(groove(wedge, 45.0, 8.0, 10.0), (0, 0), 1.0)
    noise = np.random.default_rng(32).normal(0, 0.05, seen.shape).astype(np.float32)
    size = sized(seen + noise, Lateral(1 + PIXEL_PX2, 0.05))
    assert -float(seen.min()) < size.depth_um < 8.0


def test_roughness_makes_a_depth_less_sure_by_as_much_as_there_is() -> None:
    """The same hollow in rougher and rougher ground, whose grains are as wide as its floor."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    dent = -10 * np.exp(-(x**2 + y**2) / (2 * 12.0**2))
    for rough in (0.2, 0.8):
        off, told = [], []
        for seed in range(24):
            grain = np.random.default_rng([33, seed]).normal(0, 1, (SIDE, SIDE))
            grain = cv2.GaussianBlur(grain, (0, 0), 2.0)
            seen = (dent + rough * grain / grain.std()).astype(np.float32)
            size = sized(seen, Lateral(0.1, 0.0))
            off.append(size.depth_um - 10)
            told.append(size.u_depth_um)
        assert 0.4 < np.std(off) / np.mean(told) < 1.6


def test_grooves_before_the_fringe_sensor_are_as_deep_whichever_way_they_run() -> None:
    pytest.importorskip("numba", reason="needs lingnan[sim]")
    from inspection.sim.relief import measured
    from inspection.sim.relief.sensing import sideways

    rng, off = np.random.default_rng(31), []
    for turn in (3.0, 48.0, 93.0):
        for width in (30.0, 60.0):
            seen = measured(groove(bowl, width, 8.0, turn), PITCH, rng=rng)
            size = sized(seen.height_um, sideways().at(0.0))
            off.append(size.depth_um / 8.0 - 1)
            assert abs(size.depth_um - 8.0) < 2 * size.u_depth_um
    assert abs(np.mean(off)) < 0.08 and max(map(abs, off)) < 0.15


@pytest.mark.parametrize("height_um", [1.0, 0.0, np.nan])
def test_a_find_that_lies_on_no_side_of_its_surroundings_has_no_depth(height_um: float) -> None:
    """No pixel lies beyond half the depth of what is no hollow: nothing is its floor."""
    seen = np.random.default_rng(44).normal(0, 0.01, (48, 48)).astype(np.float32)
    seen[20:27, 20:27] = height_um
    said = Candidate((20, 20, 27, 27), np.ones((7, 7), np.bool_), -1, 9.0, 1.0)
    found = measure(seen, PITCH, said, np.zeros(seen.shape, np.bool_))
    assert 0 < found.depth_um < 0.05 and 0 < found.u_depth_um < 0.05  # the noise is of 0.01 um
    assert found.clear < 3  # nothing is certain to be there
