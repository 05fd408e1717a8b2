"""Textures in bytes: what must not count does not, and what must does."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.textures import FEATURES, PATTERNS, VIEWS, describe, views

pytestmark = pytest.mark.edge


SHARES = slice(3, 3 + PATTERNS)  # after the three of the finest band


@pytest.fixture
def surface() -> np.ndarray:
    return np.random.default_rng(4).integers(20, 100, (128, 128)).astype(np.uint8)


def apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(describe(one).astype(int) - describe(other).astype(int)).max())


def test_light_does_not_count_and_the_patterns_do_not_heed_contrast(surface: np.ndarray) -> None:
    told = describe(surface)
    assert told.shape == (FEATURES,) and told.dtype == np.uint8
    assert apart(surface + 100, surface) <= 1
    assert np.array_equal(describe(surface * 2)[SHARES], told[SHARES])


def test_a_half_turn_does_not_count_and_direction_does(surface: np.ndarray) -> None:
    # a mean over eight pixels has no middle one
    assert apart(np.ascontiguousarray(surface[::-1, ::-1]), surface) <= 4
    stripes = np.tile(np.repeat([40, 160], 4), (128, 16)).astype(np.uint8)
    assert apart(stripes, np.ascontiguousarray(stripes.T)) > 200
    assert apart(stripes, surface) > 100


def test_shares_of_a_scale_add_up_to_one(surface: np.ndarray) -> None:
    for picture in (surface, np.full((70, 80), 7, np.uint8)):
        shares = (describe(picture)[SHARES].astype(float) / 255) ** 2
        assert shares.sum() == pytest.approx(1, abs=0.02)


def test_a_flat_picture_is_one_pattern() -> None:
    shares = describe(np.full((64, 64), 90, np.uint8))[SHARES]
    assert shares[8] == 255 and shares.sum() == 255, "no neighbour is darker"


def test_a_part_with_another_texture_shows_in_its_view(surface: np.ndarray) -> None:
    assert views(surface).shape == (VIEWS, FEATURES)
    patched = surface.copy()
    patched[:30, :30] = 60
    changed = np.abs(views(patched).astype(int) - views(surface)).max(1)
    assert changed.argmax() == 0 and changed[3] == 0


def test_what_is_no_texture_is_refused() -> None:
    with pytest.raises(EdgeError, match="64 px"):
        describe(np.zeros((8, 64), np.uint8))
    with pytest.raises(EdgeError, match="64 px"):
        views(np.zeros((80, 80), np.uint8))
