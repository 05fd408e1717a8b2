"""Short cuts of the anomaly model and its rows give what the long way gives."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.acceptance.by_part import _by_level
from inspection.methods import normal
from inspection.methods.anomaly import Anomaly, draw_all, learn, shipped_bank, worst
from inspection.methods.base import Lesson
from inspection.methods.cells import Cells, Filling, Role
from inspection.methods.perceptron import Perceptron
from inspection.methods.variants import Plan, draw
from inspection.metrics.roc import area
from inspection.models.features import FeatureBank, canonical
from inspection.models.lean import Lean

pytestmark = pytest.mark.inspection


@pytest.fixture(scope="module")
def bank() -> FeatureBank:
    return shipped_bank()


def picture(seed: int, shape: tuple[int, int] = (96, 128)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)


def test_a_folded_layer_says_of_the_maps_what_it_says_of_all_features(bank: FeatureBank) -> None:
    rng = np.random.default_rng(3)
    seen = bank.lean(picture(1))
    features = seen.whole()
    depth = features.shape[2]
    assert len(seen.cells) < depth == bank.depth
    weights = rng.normal(size=(2, depth, 7)).astype(np.float32)
    bias = rng.normal(size=(2, 7)).astype(np.float32)
    expected = features.reshape(-1, depth) @ weights + bias[:, None]
    folded, shift = seen.folded(weights, bias)
    assert folded.shape == (2, len(seen.cells), 7)
    np.testing.assert_allclose(seen.rows @ folded + shift[:, None], expected, atol=2e-4)


def test_a_net_that_gives_all_features_as_maps_is_folded_into_itself(bank: FeatureBank) -> None:
    features = bank(picture(1))
    seen = Lean(np.ascontiguousarray(features.transpose(2, 0, 1)), np.empty(0, np.float32))
    weights = np.random.default_rng(4).normal(size=(bank.depth, 5)).astype(np.float32)
    folded, shift = seen.folded(weights, np.ones(5, np.float32))
    np.testing.assert_array_equal(folded, weights)
    np.testing.assert_array_equal(shift, np.ones(5))
    np.testing.assert_array_equal(seen.whole(), features)


def test_an_inspection_says_what_the_long_way_says(bank: FeatureBank) -> None:
    """All features of all cells through each member apart, and their strangeness one by one."""
    rng = np.random.default_rng(5)
    sizes = ((bank.depth, 64), (64, 32), (32, 1))
    head = Perceptron(
        tuple(rng.normal(0, 0.2, (3, *size)).astype(np.float32) for size in sizes),
        tuple(rng.normal(size=(3, size[1])).astype(np.float32) for size in sizes),
    )
    good = normal.fit(bank(picture(8)).reshape(-1, bank.depth), 1.0)
    image = picture(2, (160, 128))
    finding = Anomaly(bank, head, good).inspect(image)
    features = bank(canonical(image)).astype(np.float64)
    cells, height, width = features.reshape(-1, bank.depth), *features.shape[:2]
    outputs = []
    for k in range(3):
        x = np.maximum(cells @ head.weights[0][k] + head.biases[0][k], 0)
        x = np.maximum(x @ head.weights[1][k] + head.biases[1][k], 0)
        outputs.append((x @ head.weights[2][k] + head.biases[2][k])[:, 0])
    logits = np.mean(outputs, axis=0).reshape(height, width)
    assert finding.score == pytest.approx(worst(logits.astype(np.float32)), abs=1e-3)
    coarse = features.reshape(height // 2, 2, width // 2, 2, -1).mean((1, 3))
    away = np.linalg.norm(coarse @ good.whiten.astype(np.float64) - good.centre, axis=2)
    strange = cv2.resize((away - good.scale[0]) / good.scale[1], (width, height))
    assert finding.score_map is not None
    expected = cv2.resize(logits + strange, image.shape[::-1])
    np.testing.assert_allclose(finding.score_map, expected, atol=2e-3)


def test_a_committee_that_was_joined_into_one_says_the_same(bank: FeatureBank) -> None:
    """Jobs of the time when a committee was kept as one perceptron with a block of zeros."""
    rng = np.random.default_rng(6)
    first, last = rng.normal(size=(2, bank.depth, 8)), rng.normal(size=(2, 8, 1))
    state: dict[str, bytes | NDArray[np.float32]] = {
        "features": bank.payload,
        "weights_0": np.hstack(list(first)).astype(np.float32),
        "bias_0": np.ones(16, np.float32),
        "weights_1": (np.concatenate(list(last)) / 2).astype(np.float32),
        "bias_1": np.zeros(1, np.float32),
    }
    apart = state | {
        "weights_0": first.astype(np.float32),
        "bias_0": np.ones((2, 8), np.float32),
        "weights_1": last.astype(np.float32),
        "bias_1": np.zeros((2, 1), np.float32),
    }
    one, two = (Anomaly.from_state(s, {}).inspect(picture(3)).score for s in (state, apart))
    assert one == pytest.approx(two, abs=1e-3)


def drawn_of(image: NDArray[np.uint8], plan: Plan, bank: FeatureBank) -> Cells:
    lesson, rng = Lesson(image, True, "one"), np.random.default_rng(2)
    into = Filling(plan.most(lesson), bank.depth)
    draw(lesson, 4, image, bank, plan, rng, into)
    return into.cells()


def test_a_lesson_gives_cells_and_coarse_cells_of_its_own_picture(bank: FeatureBank) -> None:
    image = picture(1)
    drawn = drawn_of(image, Plan(0, 0), bank)
    features = bank(canonical(image))
    coarse = features.reshape(12, 2, 16, 2, -1).mean((1, 3)).reshape(-1, bank.depth)
    got = drawn.features[drawn.rows([Role.COARSE], [4])]
    np.testing.assert_allclose(got, coarse[::3], atol=8e-3)  # half precision
    there = {row.tobytes() for row in features.reshape(-1, bank.depth).astype(np.float16)}
    ground = drawn.rows([Role.GOOD, Role.SPARE], [4])
    assert {row.tobytes() for row in drawn.features[ground]} <= there
    assert not len(drawn.rows([Role.DEFECT], [4])) and not drawn.facts["is_made"].any()
    assert not len(drawn.rows([Role.GOOD], [3]))


def test_spare_cells_are_drawn_once_and_never_more_than_was_said(bank: FeatureBank) -> None:
    for plan, made in ((Plan(None, 3), True), (Plan(2, 3), False)):
        drawn = drawn_of(picture(1), plan, bank)
        spare = drawn.rows([Role.SPARE], [4])
        assert len(spare) and (drawn.facts["is_made"][spare] == made).all()
        assert len(drawn.facts) <= plan.most(Lesson(picture(1), True, "one"))


def test_classes_and_lessons_weigh_the_same(bank: FeatureBank) -> None:
    into = Filling(60, 2)
    for lesson, role, count in ((0, Role.GOOD, 10), (0, Role.DEFECT, 4), (1, Role.GOOD, 40)):
        into.add(np.zeros((count, 2), np.float32), lesson, role)
    drawn = into.cells()
    is_defect, weight = drawn.weighed(drawn.rows([Role.GOOD, Role.DEFECT], [0, 1]))
    assert weight[is_defect].sum() == pytest.approx(27) == weight[~is_defect].sum()
    assert weight[:10].sum() == pytest.approx(weight[14:].sum())


def test_teaching_holds_hardly_more_than_the_table_of_cells(bank: FeatureBank) -> None:
    lessons = [Lesson(picture(i), True, f"part{i}") for i in range(10)]
    tracemalloc.start()
    drawn = draw_all(lessons, bank, lambda *_: None, 240)
    table = drawn.features.nbytes + drawn.facts.nbytes
    reserved = tracemalloc.get_traced_memory()[1]
    learn(lessons, drawn, range(10), bank)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table > 8 << 20
    assert reserved < 1.6 * table  # what is never written to is counted here, but takes no memory
    assert peak < reserved + 0.35 * table


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
