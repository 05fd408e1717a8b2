"""Blur and rim of a sensor from its standards, and the depth that a blur takes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from common.cli.main import run
from common.types.heightmap import HeightMap
from inspection.relief.find import find
from inspection.relief.lateral import PIXEL_PX2, EdgeError, Lateral, lateral
from inspection.relief.measure import measure
from inspection.sim.relief.target import step

pytestmark = pytest.mark.inspection

SHAPE = (128, 128)


def blurred(height: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(height, (31, 31), sigma), np.float32)


def block(side: int, rise: float) -> NDArray[np.float32]:
    height = np.zeros(SHAPE, np.float32)
    height[30 : 30 + side, 30 : 30 + side] = rise
    return height


def test_the_blur_of_a_step_comes_back_with_the_pixel_in_it() -> None:
    rng = np.random.default_rng(0)
    steps = []
    for turn in (5.0, 95.0, 185.0, 275.0):
        seen = blurred(step(SHAPE, 5.0, 20.0, turn), 0.9)
        seen += rng.normal(0, 0.3, SHAPE).astype(np.float32)
        steps.append((HeightMap(seen, 5.0), turn))
    eroded = block(60, 100)
    eroded[30, :] = eroded[89, :] = eroded[:, 30] = eroded[:, 89] = np.nan
    found = lateral(steps, [(HeightMap(eroded, 5.0), 300.0, 100.0)])
    assert found.blur_px2 == pytest.approx(0.81 + PIXEL_PX2, abs=0.06)
    assert found.rim_px == pytest.approx(1.0)


def test_without_an_edge_there_is_no_blur() -> None:
    blind = HeightMap(np.full(SHAPE, np.nan, np.float32), 5.0)
    with pytest.raises(EdgeError, match="hardly seen"):
        lateral([(blind, 0.0)], [])
    flat = HeightMap(np.zeros(SHAPE, np.float32), 5.0)
    rough = np.random.default_rng(1).normal(0, 1, SHAPE).astype(np.float32)
    for none in (flat, HeightMap(rough, 5.0)):
        with pytest.raises(EdgeError, match="no rise"):
            lateral([(none, 5.0)], [])
    with pytest.raises(EdgeError, match="no block"):
        lateral([(HeightMap(step(SHAPE, 5.0, 20.0), 5.0), 0.0)], [(flat, 300.0, 100.0)])


def test_the_map_without_an_edge_is_named() -> None:
    good, flat = (
        HeightMap(step(SHAPE, 5.0, 20.0), 5.0),
        HeightMap(np.zeros(SHAPE, np.float32), 5.0),
    )
    with pytest.raises(EdgeError, match=r"^low\.npz: "):
        lateral([(good, 0.0), (flat, 0.0)], [], ["tall.npz", "low.npz"])
    with pytest.raises(EdgeError, match=r"^gauge\.npz: "):
        lateral([(good, 0.0)], [(flat, 300.0, 100.0)], ["tall.npz", "gauge.npz"])


@pytest.mark.parametrize(
    ("turn", "width", "told"),
    [("nan", "300", "turn"), ("5", "-300", "width"), ("5", "nan", "width")],
)
def test_standards_that_cannot_be_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], turn: str, width: str, told: str
) -> None:
    file, out = str(tmp_path / "map.npz"), str(tmp_path / "sensor.json")
    np.savez(file, height_um=step(SHAPE, 5.0, 20.0), um_per_px=5.0)
    words = ["--step", file, turn, "--block", file, width, "100", "--out"]
    assert run(["inspection", "relief-sensor", *words, out]) == 2
    assert "map.npz" in (error := capsys.readouterr().err) and told in error
    assert run(["inspection", "relief-sensor", *words, file]) == 2  # the map is not written over
    assert "map.npz" in capsys.readouterr().err
    with np.load(file) as kept:
        assert kept["height_um"].shape == SHAPE


def test_gain_is_exact_for_the_profiles_it_lies_between() -> None:
    wide = Lateral(0.8, 0.0)
    y, x = np.mgrid[-40:41, -40:41] / 4.0  # quarters of a pixel
    rho = np.hypot(x, y)
    for profile in ((rho < 2.5).astype(np.float32), np.exp(-(rho**2) / (2 * 2.0**2))):
        left = cv2.GaussianBlur(profile, (33, 33), 4 * np.sqrt(0.8))
        width = 2 * np.sqrt(np.count_nonzero(left > left.max() / 2) / np.pi) / 4
        gain, u = wide.gain(width, width, 0.0)
        assert abs(1 / left.max() - gain) < np.sqrt(3) * u + 0.02
    assert wide.gain(200, 200, 0.0)[0] == pytest.approx(1, abs=1e-3)


def test_blurred_hollows_are_as_deep_as_they_were_within_their_uncertainty() -> None:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    told, none = Lateral(0.81, 0.1), Lateral(1e-3, 0.0)
    errors, naive, spreads = [], [], []
    for _ in range(20):
        rho = np.hypot(x - 64 - rng.uniform(-0.5, 0.5), y - 64 - rng.uniform(-0.5, 0.5))
        floor = rng.uniform(0.3, 0.7)
        for hollow in (np.exp(-(rho**2) / 5.8), np.clip((1 - rho / 3.5) / (1 - floor), 0, 1)):
            seen = blurred((-20 * hollow).astype(np.float32), 0.9)
            seen += rng.normal(0, 0.2, SHAPE).astype(np.float32)
            candidate = max(find(seen, np.ones(SHAPE, bool)), key=lambda c: c.snr)
            size = measure(seen, 5.0, candidate, np.zeros(SHAPE, bool), lateral=told)
            errors.append(size.depth_um - 20)
            spreads.append(size.u_depth_um)
            size = measure(seen, 5.0, candidate, np.zeros(SHAPE, bool), lateral=none)
            naive.append(size.depth_um - 20)
    assert np.mean(np.abs(errors) < 2 * np.array(spreads)) >= 0.9 and max(spreads) < 5
    assert abs(np.mean(errors)) < 0.5 * abs(np.mean(naive))


def seen_of(rise: float, turn: float, across: float, along: float) -> HeightMap:
    """A step behind a lens that blurs by different deviations along x and along y."""
    sharp = step(SHAPE, 5.0, rise, turn)
    left = cv2.GaussianBlur(sharp, (31, 31), sigmaX=across, sigmaY=along)
    noise = np.random.default_rng(int(turn)).normal(0, 0.1, SHAPE)
    return HeightMap((left + noise).astype(np.float32), 5.0)


def test_an_uneven_blur_is_told_by_direction_and_walls_apart_from_gentle_relief() -> None:
    turns = (5.0, 95.0, 185.0, 275.0)
    steps = [(seen_of(3.0, turn, 1.8, 0.7), turn) for turn in turns]
    steps += [(seen_of(20.0, turn, 0.6, 0.6), turn) for turn in turns]
    found = lateral(steps, [(HeightMap(block(60, 100), 5.0), 300.0, 100.0)])
    x, y = 1.8**2 + PIXEL_PX2, 0.7**2 + PIXEL_PX2
    assert found.blur_px2 * (1 + found.uneven) == pytest.approx(x, rel=0.1)
    assert found.blur_px2 * (1 - found.uneven) == pytest.approx(y, rel=0.15)
    assert found.wall_px2 == pytest.approx(0.36 + PIXEL_PX2, abs=0.06)
    assert found.wall_px == pytest.approx(4.0, rel=0.1) and found.shade == 0.0
    along_x, along_y = (found.gain(8.0, 40.0, 0.0, 1.0, angle)[0] for angle in (0.0, np.pi / 2))
    assert along_y > along_x > 1.0  # a groove along y is narrow along x
    gains = [found.gain(8.0, 8.0, 0.0, depth)[0] for depth in (1.0, 6.0, 60.0, 100.0)]
    assert gains == sorted(gains, reverse=True) and gains[2] == gains[3] < gains[0]


def test_gentle_domes_of_the_fringe_sensor_are_as_high_as_they_were() -> None:
    """What lies between the standards' steps and blocks: smooth relief, judged by its own truth."""
    pytest.importorskip("numba", reason="needs lingnan[sim]")
    from inspection.sim.relief import measured
    from inspection.sim.relief.sensing import sideways

    rng = np.random.default_rng(26)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] - 63.5
    errors, raw, spreads = [], [], []
    for radius in (7.0, 9.0, 12.0) * 2:
        rho = np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1)) / radius
        rise = 1.4 * radius * float(rng.choice([-1.0, 1.0]))
        dome = np.where(rho < 1, rise * (1 + np.cos(np.pi * np.minimum(rho, 1))) / 2, 0)
        seen = measured(dome.astype(np.float32), 5.0, rng=rng)
        candidate = max(find(seen.height_um, seen.valid), key=lambda c: c.snr)
        nothing = np.zeros(SHAPE, bool)
        for told, kept in ((sideways(), errors), (Lateral(1e-3, 0.0), raw)):
            size = measure(seen.height_um, 5.0, candidate, nothing, lateral=told.at(0.0))
            kept.append(size.depth_um - abs(rise))
            if kept is errors:
                spreads.append(size.u_depth_um)
    assert np.mean(raw) < -0.3  # what the blur takes
    assert abs(np.mean(errors)) < -np.mean(raw) / 2
    assert np.mean(np.abs(errors) < 2 * np.array(spreads)) >= 0.8
