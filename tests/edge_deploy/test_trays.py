"""The simulated trays: truth that agrees with the drawing, noise that is the sensor's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy.checksets import f1
from edge_deploy.models.detector import STRIDE, UNIT_PX, decode, overlap
from edge_deploy.sim.trays import FULL_WELL, KINDS, READ_NOISE, Tray, scene, tray

pytestmark = pytest.mark.edge


@given(st.integers(0, 10_000))
def test_boxes_enclose_their_parts(seed: int) -> None:
    made = tray(np.random.default_rng(seed))
    inside = np.zeros(made.labels.shape, bool)
    for (x0, y0, x1, y1), kind in zip(made.boxes_px, made.kinds, strict=True):
        part = made.labels[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
        assert (part == 1 + kind).any()
        inside[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
    assert len(made.kinds) >= 1
    assert not (made.labels[~inside] > 0).any()


def test_washers_and_nuts_have_holes() -> None:
    for seed in range(40):
        made = tray(np.random.default_rng(seed))
        for box, kind in zip(made.boxes_px, made.kinds, strict=True):
            x, y = ((box[:2] + box[2:]) / 2).astype(int)
            hole = made.labels[y, x] == 0
            assert hole == (KINDS[kind] != "pin")


def test_the_noise_is_shot_and_read_noise() -> None:
    flat = Tray(
        np.full((400, 400), 0.5, np.float32),
        np.empty((0, 4), np.float32),
        np.empty(0, np.int64),
        np.zeros((400, 400), np.uint8),
    )
    picture = flat.picture(np.random.default_rng(0)).astype(np.float64)
    gain = 255 / FULL_WELL
    wanted = (0.5 * FULL_WELL + READ_NOISE**2) * gain**2 + 1 / 12  # and of the rounding
    assert picture.mean() == pytest.approx(127.5, abs=0.05)
    assert picture.var() == pytest.approx(wanted, rel=0.03)


def test_a_trigger_shows_the_same_tray_again() -> None:
    one, two = scene(3, 64), scene(3, 64)
    assert np.array_equal(one.render(5, "", 0.0), two.render(5, "", 1.0))
    assert not np.array_equal(one.render(5, "", 0.0), one.render(6, "", 0.0))


def ideal(made: Tray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of a detector without fault."""
    side = len(made.labels) // STRIDE
    heat = np.full((len(KINDS), side, side), -5.0, np.float32)
    size = np.zeros((2, side, side), np.float32)
    for box, kind in zip(made.boxes_px, made.kinds, strict=True):
        column, row = ((box[:2] + box[2:]) / 2 / STRIDE).astype(int)
        heat[kind, row, column] = 3.0
        size[:, row, column] = (box[2:] - box[:2]) / UNIT_PX
    return heat, size


def test_ideal_outputs_score_one_and_none_score_nothing() -> None:
    for seed in range(20):
        made = tray(np.random.default_rng(seed))
        heat, size = ideal(made)
        found = decode(heat, size)
        assert f1(found, made) == 1.0
        assert sorted(found.labels) == sorted(made.kinds)
        assert f1(decode(heat - 10, size), made) == 0.0
        assert f1(decode(np.roll(heat, 1, 0), size), made) == 0.0, "another kind is no hit"


def test_overlap_is_intersection_over_union() -> None:
    boxes = np.array([[0, 0, 4, 4], [2, 0, 6, 4], [9, 9, 10, 10]], np.float32)
    wanted = np.array([[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]])
    assert np.allclose(overlap(boxes, boxes), wanted)


def test_two_equal_peaks_beside_each_other_are_one_part() -> None:
    heat = np.full((3, 8, 8), -4.0, np.float32)
    heat[0, 3, 3] = heat[0, 3, 4] = 2.0
    assert len(decode(heat, np.ones((2, 8, 8), np.float32))) == 1
