"""Drawn defects: the place, size and direction asked for, and not a pixel changed beyond."""

from __future__ import annotations

from math import radians

import cv2
import numpy as np
import pytest

from inspection.acceptance.made import as_asked, orders, surface
from inspection.generate.canvas import HALO_PX
from inspection.generate.outlines import COVERED, OUTLINES, cover
from inspection.generate.procedural import Procedural
from inspection.generate.request import DefectRequest, RequestError

pytestmark = pytest.mark.inspection

MAKER = Procedural()


def order(kind: str, **fields: float) -> DefectRequest:
    wanted = {"x_px": 80.0, "y_px": 0.0 if kind == "chip" else 70.0, "size_px": 30.0}
    return DefectRequest(kind=kind, **{**wanted, **fields})


@pytest.mark.parametrize("outline", sorted(set(OUTLINES) - {"edge"}))
@pytest.mark.parametrize("size", [6.0, 17.3, 64.0])
def test_the_smallest_circle_is_the_one_asked_for(outline: str, size: float) -> None:
    for seed in range(8):
        drawn = cover(outline, (120, 130), (61.3, 58.8), size, 0.7, np.random.default_rng(seed))
        spots = np.argwhere(drawn >= COVERED)[:, ::-1].astype(np.float32)
        (x, y), radius = cv2.minEnclosingCircle(spots)
        assert np.hypot(x - 61.3, y - 58.8) < max(1.5, 0.05 * size)
        assert 2 * radius + 1 == pytest.approx(size, abs=max(1.5, 0.05 * size))


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, -45.0])
@pytest.mark.parametrize("kind", ["scratch", "crack"])
def test_lines_point_where_they_are_asked_to(kind: str, angle: float) -> None:
    sample = MAKER.make(
        surface(np.random.default_rng(1)),
        order(kind, size_px=60.0, angle_deg=angle),
        np.random.default_rng(2),
    )
    spots = np.argwhere(sample.mask)[:, ::-1].astype(float)
    axis = np.linalg.svd(spots - spots.mean(0), full_matrices=False)[2][0]
    along = np.array([np.cos(radians(angle)), np.sin(radians(angle))])
    assert abs(axis @ along) > np.cos(radians(15))


def test_a_hundred_orders_are_met() -> None:
    for index, request in enumerate(orders((MAKER,), 96, seed=3)):
        rng = np.random.default_rng(index)
        good = surface(rng)
        sample = MAKER.make(good, request, rng)
        assert as_asked(request, good, sample.image, sample.mask), request


def test_the_check_sees_what_is_off() -> None:
    rng = np.random.default_rng(5)
    good, request = surface(rng), order("pit")
    sample = MAKER.make(good, request, rng)
    assert as_asked(request, good, sample.image, sample.mask)
    assert not as_asked(order("pit", x_px=84.0), good, sample.image, sample.mask)
    assert not as_asked(order("pit", size_px=36.0), good, sample.image, sample.mask)
    assert not as_asked(request, good, good, sample.mask)
    stray = sample.image.copy()
    stray[5, 5] += 1
    assert not as_asked(request, good, stray, sample.mask)


@pytest.mark.parametrize("kind", MAKER.kinds)
def test_the_more_severe_the_larger_the_change(kind: str) -> None:
    good = surface(np.random.default_rng(3))
    change = [
        np.abs(
            MAKER.make(good, order(kind, severity=s), np.random.default_rng(4)).image.astype(float)
            - good
        ).sum()
        for s in (0.15, 0.5, 1.0)
    ]
    assert change[0] < change[1] < change[2]


@pytest.mark.parametrize("kind", MAKER.kinds)
def test_the_same_seed_gives_the_same_and_colour_keeps_its_mask(kind: str) -> None:
    good = surface(np.random.default_rng(6))
    one, two, other = (MAKER.make(good, order(kind), np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.mask, two.mask)
    assert (one.image != other.image).any()
    grey3 = np.repeat(good[..., None], 3, 2)
    coloured = MAKER.make(grey3, order(kind), np.random.default_rng(1))
    np.testing.assert_array_equal(coloured.mask, one.mask)
    np.testing.assert_array_equal(coloured.image[..., 0], one.image)


def test_nothing_changes_beyond_the_halo_and_the_picture_is_not_touched() -> None:
    good = surface(np.random.default_rng(7))
    kept = good.copy()
    for kind in MAKER.kinds:
        sample = MAKER.make(good, order(kind, severity=1.0), np.random.default_rng(8))
        away = cv2.distanceTransform((~sample.mask).astype(np.uint8), cv2.DIST_L2, 5)
        assert (sample.image == good)[away > HALO_PX + 0.5].all()
        np.testing.assert_array_equal(good, kept)


def test_a_flat_picture_still_shows_its_defect() -> None:
    flat = np.full((100, 100), 90, np.uint8)
    sample = MAKER.make(
        flat, DefectRequest(kind="pit", size_px=20, severity=0.3), np.random.default_rng(1)
    )
    assert (sample.image != flat)[sample.mask].mean() > 0.9


def test_an_unknown_kind_is_told_the_known_ones() -> None:
    with pytest.raises(RequestError, match="pit, crack, scratch"):
        MAKER.make(np.zeros((99, 99), np.uint8), order("rust"), np.random.default_rng(1))
