"""Hysteresis over the map against a flood fill written for this test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inspection.models.fcn import STRIDE
from inspection.regions.candidates import MARGIN_PX, candidates, detections, patch

pytestmark = pytest.mark.inspection

maps = hnp.arrays(np.float32, (7, 9), elements=st.floats(-9, 9, width=32))


def covered(found, shape) -> np.ndarray:  # type: ignore[no-untyped-def]
    hit = np.zeros(shape, int)
    for one in found:
        rows, columns = one.cells.shape
        hit[one.row : one.row + rows, one.column : one.column + columns] += one.cells
    return hit


@settings(max_examples=150, deadline=None)
@given(maps, st.floats(-8, 8), st.floats(0, 6))
def test_regions_hold_every_seed_and_only_cells_above_the_lower_level(
    logits: np.ndarray, seed: float, gap: float
) -> None:
    found = candidates(logits, seed, seed - gap)
    hit = covered(found, logits.shape)
    assert hit.max(initial=0) <= 1  # no cell in two regions
    assert (hit[logits >= np.float32(seed)] == 1).all()
    assert (logits[hit == 1] >= np.float32(seed - gap)).all()
    for one in found:
        rows, columns = one.cells.shape
        here = logits[one.row : one.row + rows, one.column : one.column + columns]
        assert one.cells[0].any() and one.cells[-1].any()
        assert one.cells[:, 0].any() and one.cells[:, -1].any()
        assert one.score == here[one.cells].max() == here[one.peak] >= np.float32(seed)


def test_one_blank_cell_is_bridged_and_two_are_not() -> None:
    logits = np.full((3, 12), -5, np.float32)
    logits[1, [1, 3, 6]] = 4
    found = candidates(logits, 0.0)
    assert [(one.column, one.cells.shape[1]) for one in found] == [(1, 3), (6, 1)]


def test_a_weak_region_without_a_seed_is_none() -> None:
    logits = np.full((5, 9), -5, np.float32)
    logits[2, 1], logits[2, 2], logits[2, 7] = 6, 1, 1
    (only,) = candidates(logits, 5.0, 0.0)
    assert only.cells.shape == (1, 2) and only.score == 6
    assert candidates(logits, 7.0, 0.0) == ()


def test_boxes_end_at_the_frame_and_the_crop_has_its_margin() -> None:
    logits = np.full((13, 13), -5, np.float32)
    logits[12, 12], logits[6, 6] = 3, 4
    found, frame = candidates(logits, 0.0), np.arange(100 * 100, dtype=np.uint64).reshape(100, 100)
    shape = (100, 100)
    assert detections(found, shape).boxes_px.tolist() == [[48, 48, 56, 56], [96, 96, 100, 100]]
    inner = patch((frame % 251).astype(np.uint8), found[0])
    assert inner.pixels.shape == (STRIDE + 2 * MARGIN_PX,) * 2
    assert inner.inside.sum() == STRIDE**2 and inner.inside[MARGIN_PX, MARGIN_PX] == 1
    np.testing.assert_array_equal(inner.pixels, (frame % 251)[24:80, 24:80])
    assert patch((frame % 251).astype(np.uint8), found[1]).pixels.shape == (28, 28)
