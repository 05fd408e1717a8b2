"""Pairs from the station: they differ by the defect alone."""

from __future__ import annotations

import numpy as np
import pytest

from inspection.generate import patches
from inspection.generate.pairs import WARES, pairs, sensed
from inspection.generate.patches import FIT_PX, PATCH_PX, Norm

pytestmark = pytest.mark.inspection


def test_parts_are_the_same_but_for_the_defect() -> None:
    found = list(pairs("train", 3, 1))
    assert {pair.number for pair in found} == set(range(len(WARES)))
    for pair in found:
        far = np.hypot(*(np.mgrid[:PATCH_PX, :PATCH_PX] - PATCH_PX / 2)) > 0.5 * FIT_PX + 10
        alone = far & (pair.cover == 0)
        assert np.abs(pair.bad - pair.good)[alone].mean() < 0.02
        assert pair.mask.any()
    shown = [np.abs(pair.bad - pair.good)[pair.mask].mean() for pair in found]
    assert np.median(shown) > 0.5


def test_one_draw_of_noise_for_both() -> None:
    radiance = np.full((40, 40), 30.0, np.float32)
    one, two = sensed([radiance, radiance], np.random.default_rng(1))
    np.testing.assert_array_equal(one, two)
    assert one.std() > 0.5


def test_squares_are_mirrored_at_the_border_and_sizes_fit() -> None:
    image = np.arange(30, dtype=np.float32).reshape(5, 6)
    seen = patches.square(image, (0, 0), 4)
    np.testing.assert_array_equal(seen[2:, 2:], image[:2, :2])
    np.testing.assert_array_equal(seen[1], seen[3])
    for size in (4, 44, 100, 700):
        side = patches.side_px(size)
        assert side >= PATCH_PX and size * PATCH_PX / side <= FIT_PX + 0.5


def test_normalising_there_and_back() -> None:
    image = np.random.default_rng(2).integers(0, 256, (64, 64)).astype(np.float32)
    norm = Norm.of(image)
    np.testing.assert_array_equal(norm.to_dn(norm.of_dn(image)), image)
    assert norm.of_dn(image).mean() == pytest.approx(0, abs=1e-4)


def test_contrast_of_a_known_disc() -> None:
    mask = np.hypot(*(np.mgrid[:64, :64] - 32)) < 8
    patch = np.where(mask, -2.5, 0.5).astype(np.float32)
    assert patches.contrast(patch, mask) == pytest.approx(3.0)
