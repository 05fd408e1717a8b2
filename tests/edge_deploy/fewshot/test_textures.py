"""Textures in bytes: what must not count does not, and what must does."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.textures import FEATURES, PATTERNS, describe

pytestmark = pytest.mark.edge


@pytest.fixture
def surface() -> np.ndarray:
    return np.random.default_rng(4).integers(20, 100, (64, 64)).astype(np.uint8)


def test_light_and_quarter_turns_do_not_count(surface: np.ndarray) -> None:
    told = describe(surface)
    assert told.shape == (FEATURES,) and told.dtype == np.uint8
    assert np.array_equal(describe(surface + 100), told)
    turned = describe(np.ascontiguousarray(np.rot90(surface)))
    assert np.abs(turned.astype(int) - told.astype(int)).max() <= 1
    doubled = describe(surface * 2)[:PATTERNS]  # the smaller scales round differently
    assert np.array_equal(doubled, told[:PATTERNS])


def test_shares_of_each_scale_add_up_to_one(surface: np.ndarray) -> None:
    for picture in (surface, np.full((40, 50), 7, np.uint8)):
        shares = (describe(picture).astype(float).reshape(-1, PATTERNS) / 255) ** 2
        assert np.allclose(shares.sum(1), 1, atol=0.02)


def test_a_flat_picture_is_one_pattern_and_stripes_are_not_noise(surface: np.ndarray) -> None:
    flat = describe(np.full((32, 32), 90, np.uint8)).reshape(-1, PATTERNS)
    assert (flat[:, 8] == 255).all() and flat.sum() == 3 * 255, "no neighbour is darker"
    stripes = np.tile(np.repeat([40, 160], 8), (64, 4)).astype(np.uint8)
    away = describe(stripes).astype(int) - describe(surface).astype(int)
    assert np.abs(away).max() > 100


def test_what_is_no_texture_is_refused() -> None:
    with pytest.raises(EdgeError, match="16 px"):
        describe(np.zeros((8, 64), np.uint8))
