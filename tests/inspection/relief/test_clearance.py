"""The clearance of a path: against brute force, against scipy's dilation, and what is refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import grey_dilation

from common.types.heightmap import HeightMap
from inspection.relief.clearance import (
    Disc,
    PathRefusedError,
    UnseenError,
    check,
    clearance,
    lowest_tip,
    raster,
)

pytestmark = pytest.mark.inspection

PITCH = 5.0


def part(seed: int, shape: tuple[int, int] = (24, 30)) -> HeightMap:
    rng = np.random.default_rng(seed)
    height = rng.uniform(0, 80, shape).astype(np.float32)
    height[rng.integers(shape[0]), rng.integers(shape[1])] += 200
    return HeightMap(height, PITCH)


def brute(seen: HeightMap, path: list[tuple[float, float, float]], head: tuple[Disc, ...]) -> float:
    """Every column, many moments, every disc: the distance to the column's square itself."""
    rows, columns = np.indices(seen.height_um.shape) * PITCH
    best = np.inf
    for start, end in pairwise(path):
        for t in np.linspace(0, 1, 401):
            x, y, z = (1 - t) * np.array(start) + t * np.array(end)
            dx = np.maximum(np.abs(columns - x) - PITCH / 2, 0)
            dy = np.maximum(np.abs(rows - y) - PITCH / 2, 0)
            for disc in head:
                under = np.hypot(dx, dy) <= disc.radius_um
                if under.any():
                    best = min(best, z + disc.over_tip_um - seen.height_um[under].max())
    return float(best)


point = st.tuples(st.floats(-60, 210), st.floats(-60, 180), st.floats(50, 400))


@settings(max_examples=8)
@given(st.integers(0, 2**31), st.lists(point, min_size=2, max_size=3), st.floats(3, 60))
def test_the_exact_clearance_is_what_brute_force_comes_down_to(
    seed: int, path: list[tuple[float, float, float]], radius: float
) -> None:
    head = (Disc(radius, 0), Disc(2 * radius, 70))
    seen = part(seed)
    exact, sampled = clearance(seen, path, head).gap_um, brute(seen, path, head)
    assert exact <= sampled + 1e-6
    # brute force may miss what is touched between two moments: look a little further around
    # each disc, and it must come down to the exact value
    step = max(np.hypot(b[0] - a[0], b[1] - a[1]) / 400 for a, b in pairwise(path))
    wider = tuple(Disc(d.radius_um + step, d.over_tip_um) for d in head)
    climb = max(abs(b[2] - a[2]) / 400 for a, b in pairwise(path))
    reached = brute(seen, path, wider)
    assert not np.isfinite(exact) or reached <= exact + climb + 1e-6


def test_the_nearest_point_is_where_the_tallest_column_stands() -> None:
    height = np.zeros((20, 40), np.float32)
    height[10, 25] = 90
    seen = HeightMap(height, PITCH)
    head = (Disc(12, 0),)
    with pytest.raises(PathRefusedError) as caught:
        check(seen, [(0, 50, 100), (195, 50, 100)], head, 20)
    assert caught.value.nearest.part == (125, 50, 90)
    assert caught.value.nearest.gap_um == pytest.approx(10)
    assert "raise the path by 10.0 um" in str(caught.value)
    assert "x 125, y 50, z 90" in str(caught.value)
    assert check(seen, [(0, 50, 110), (195, 50, 110)], head, 20).gap_um == pytest.approx(20)


def test_a_falling_move_is_nearest_when_it_leaves_the_column() -> None:
    height = np.zeros((3, 41), np.float32)
    height[1, 20] = 50
    seen = HeightMap(height, PITCH)
    found = clearance(seen, [(0, 5, 200), (200, 5, 130)], (Disc(10, 0),))
    leave = 100 + 2.5 + 10  # the disc's rear edge leaves the column's far side
    assert found.gap_um == pytest.approx(200 - 70 * leave / 200 - 50)
    assert found.tip[0] == pytest.approx(leave)


def test_standing_over_a_pixel_agrees_with_scipys_dilation() -> None:
    seen, disc = part(5), Disc(17, 30)
    reach = 4
    offset = np.maximum(np.abs(np.arange(-reach, reach + 1)) - 0.5, 0) * PITCH
    covered = np.hypot(offset[:, None], offset[None]) <= disc.radius_um
    wanted = grey_dilation(seen.height_um, footprint=covered, mode="nearest")[
        reach:-reach, reach:-reach
    ]
    lowest = lowest_tip(seen, (disc,))[reach:-reach, reach:-reach]
    assert np.allclose(lowest, wanted - 30, atol=1e-4)
    for row, column in ((8, 9), (12, 20)):
        x, y = column * PITCH, row * PITCH
        still = clearance(seen, [(x, y, 500), (x, y, 500)], (disc,)).gap_um
        assert still == pytest.approx(500 - lowest_tip(seen, (disc,))[row, column], abs=1e-3)


def test_what_was_not_seen_needs_a_height_it_stays_under() -> None:
    seen = part(1)
    seen.height_um[3, 3] = np.nan
    path = [(0.0, 0.0, 900.0), (100.0, 0.0, 900.0)]
    with pytest.raises(UnseenError, match="unseen_um"):
        clearance(seen, path, (Disc(20, 0),))
    assert clearance(seen, path, (Disc(20, 0),), unseen_um=400).gap_um == pytest.approx(500)


def test_beside_the_map_nothing_is_near() -> None:
    assert clearance(part(2), [(900, 900, 0), (990, 900, 0)], (Disc(20, 0),)).gap_um == np.inf


def test_a_meander_covers_its_field() -> None:
    path = raster(100, 50, 25, 70)
    assert path[0] == (0, 0, 70) and path[-1] == (100, 50, 70)
    assert {y for _, y, _ in path} == {0, 25, 50}


@pytest.mark.parametrize("bad", [(0.0, 1.0), (1.0, -1.0)])
def test_a_disc_must_be_one(bad: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="disc"):
        Disc(*bad)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_clears_no_path(bad: float) -> None:
    over, head = [(0.0, 0.0, 500.0), (100.0, 0.0, 500.0)], (Disc(50.0, 0.0),)
    for path, unseen_um in (([over[0], (100.0, 0.0, bad)], None), (over, bad)):
        with pytest.raises(ValueError, match="finite"):
            clearance(part(1), path, head, unseen_um)
