"""Short cuts of the anomaly model and its rows give what the long way gives."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from inspection.acceptance.by_part import _by_level
from inspection.methods import normal, perceptron
from inspection.methods.anomaly import shipped_bank
from inspection.methods.base import Lesson
from inspection.methods.variants import draw
from inspection.metrics.roc import area
from inspection.models.features import canonical

pytestmark = pytest.mark.inspection


def test_a_committee_standardises_once_and_learns_the_same() -> None:
    rng = np.random.default_rng(3)
    x = (rng.normal(size=(3000, 4)) * [1, 5, 0.1, 2] + 3).astype(np.float32)
    arguments = (x, x[:, 1] > 4, np.ones(3000, np.float32))
    members = perceptron.committee(*arguments, [4, 5], 2, 0.1)
    for seed, one in zip((4, 5), members, strict=True):
        alone = perceptron.fit(*arguments, seed, 2, 0.1)
        np.testing.assert_array_equal(one.logits(x), alone.logits(x))
    assert (members[0].logits(x) != members[1].logits(x)).any()


def test_a_lesson_gives_cells_and_coarse_cells_of_its_own_picture() -> None:
    image = np.random.default_rng(1).integers(0, 255, (96, 128)).astype(np.uint8)
    bank = shipped_bank()
    drawn = draw(Lesson(image, True, "one"), image, bank, 0, 0, np.random.default_rng(2))
    features = bank(canonical(image))
    coarse = normal.halved(features).reshape(-1, features.shape[-1])
    np.testing.assert_array_equal(drawn.coarse, coarse[::3])
    there = {row.tobytes() for row in features.reshape(-1, features.shape[-1]).astype(np.float16)}
    assert {row.tobytes() for row in drawn.real.features} <= there
    assert not drawn.real.is_defect.any() and drawn.spoilt is None


def test_levels_hold_as_many_scores_as_counting_one_by_one_finds() -> None:
    rng = np.random.default_rng(6)
    scores = rng.integers(0, 30, 500).astype(np.float32)  # many lie on an edge
    edges = np.arange(3.0, 25.0, 2.0)
    bins = np.append(-np.inf, np.append(edges, np.inf))
    counted = [((scores > low) & (scores <= high)).sum() for low, high in pairwise(bins)]
    np.testing.assert_array_equal(_by_level(scores, edges), counted[::-1])


def test_the_area_does_not_depend_on_the_order_of_scores_and_their_weights() -> None:
    rng = np.random.default_rng(7)
    good, bad = rng.integers(0, 40, 300) / 4, rng.integers(10, 50, 80) / 4
    weights = rng.dirichlet(np.ones(80))
    above = (bad[:, None] > good).mean(1) + 0.5 * (bad[:, None] == good).mean(1)
    assert area(good.copy(), bad, weights) == pytest.approx(float(above @ weights))
    order = rng.permutation(80)
    assert area(good.copy(), bad[order], weights[order]) == pytest.approx(float(above @ weights))
