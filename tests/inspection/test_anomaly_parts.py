"""What the anomaly model is made of: feature net, perceptron, normal distribution, defects."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import check_grad
from scipy.spatial.distance import mahalanobis

from common.runtime.weights import load
from inspection.methods import mining, normal, perceptron
from inspection.methods.perceptron import Perceptron
from inspection.methods.synthetic import spoil
from inspection.models.features import SHIPPED, WEIGHTS, FeatureBank, canonical, share_of_cells
from inspection.models.lean import Lean

pytestmark = pytest.mark.inspection
GX, GY, PRINCIPAL = 0, 1, [4, 5]  # of the first octave's greatest values


@pytest.fixture(scope="module")
def bank() -> FeatureBank:
    return FeatureBank(load(WEIGHTS, SHIPPED).payload)


def noise(seed: int, shape: tuple[int, int] = (128, 160)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).normal(128, 30, shape).clip(0, 255).astype(np.uint8)


def test_principal_curvatures_do_not_depend_on_the_way_one_looks(bank: FeatureBank) -> None:
    image = noise(1)
    straight = bank(image)
    for axis in (0, 1):
        mirrored = bank(np.ascontiguousarray(np.flip(image, axis)))
        np.testing.assert_allclose(
            np.flip(mirrored, axis)[..., PRINCIPAL], straight[..., PRINCIPAL], atol=2e-3
        )
    turned = bank(np.ascontiguousarray(image.T))
    np.testing.assert_allclose(turned.transpose(1, 0, 2)[..., GX], straight[..., GY], atol=2e-3)


def test_features_follow_a_shift_by_a_cell(bank: FeatureBank) -> None:
    image = noise(2, (192, 192))
    moved = np.roll(image, (4, 8), (0, 1))
    near = (slice(20, -20), slice(20, -20), PRINCIPAL)
    np.testing.assert_allclose(
        np.roll(bank(image), (1, 2), (0, 1))[near], bank(moved)[near], atol=2e-2
    )


def test_exposure_hardly_changes_what_is_seen(bank: FeatureBank) -> None:
    image = cv2.GaussianBlur(noise(3), (0, 0), 1)
    darker = np.rint(image * 0.5).astype(np.uint8)
    a, b = bank(image)[..., :2], bank(darker)[..., :2]
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97


def test_a_large_image_is_inspected_smaller_and_a_small_one_as_it_is() -> None:
    assert canonical(noise(4, (160, 128))).shape == (160, 128)
    height, width = canonical(noise(4, (1280, 512))).shape
    assert height % 16 == width % 16 == 0
    assert height * width < 1.15 * 2**16
    assert height / width == pytest.approx(1280 / 512, rel=0.1)


def test_the_share_of_a_cell_is_the_area_covered() -> None:
    mask = np.zeros((64, 64), bool)
    mask[8:14, 4:8] = True
    share = share_of_cells(mask, (64, 64))
    assert share.shape == (16, 16)
    assert share[2, 1] == pytest.approx(1) and share[3, 1] == pytest.approx(0.5)
    assert share.sum() * 16 == pytest.approx(mask.sum())


def test_gradients_of_the_perceptrons_are_those_of_their_losses() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(40, 3)), rng.random(40) < 0.4
    weight = rng.uniform(0.5, 2, 40)
    shapes = [(2, 3, 4), (2, 4, 1), (2, 4), (2, 1)]
    sizes = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def unpacked(flat: NDArray[np.float64]) -> list[NDArray[np.float32]]:
        parts = np.split(flat, sizes)
        return [p.reshape(s).astype(np.float64) for p, s in zip(parts, shapes, strict=True)]

    def loss(flat: NDArray[np.float64]) -> float:
        w0, w1, b0, b1 = unpacked(flat)
        logits = [(np.maximum(x @ w0[k] + b0[k], 0) @ w1[k] + b1[k])[:, 0] for k in range(len(w0))]
        return float(sum((weight * (np.logaddexp(0, z) - y * z)).mean() for z in logits))

    def slope(flat: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = perceptron._gradients(unpacked(flat), x, y, weight)  # type: ignore[arg-type]
        return np.concatenate([np.asarray(p, np.float64).ravel() for p in parts])

    assert check_grad(loss, slope, rng.normal(size=42)) < 1e-5


def test_the_perceptron_learns_what_no_line_separates() -> None:
    rng = np.random.default_rng(6)
    x = (rng.normal(size=(20_000, 2)) * [3, 0.2] + [5, -1]).astype(np.float32)
    inside = np.abs(x[:, 0] - 5) < 2
    weight, rows = np.ones(len(x), np.float32), np.arange(len(x))
    fitted = perceptron.fit(x, rows, inside, weight, seed=1, epochs=5, decay=0.03)
    assert ((fitted.logits(x) > 0) == inside).mean() > 0.9  # a line: 0.75
    again = perceptron.fit(x, rows, inside, weight, seed=1, epochs=5, decay=0.03)
    np.testing.assert_array_equal(fitted.logits(x), again.logits(x))


def test_a_committee_says_the_mean_of_what_each_member_says() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(2000, 5)).astype(np.float32)
    arguments = (x, np.arange(2000), x[:, 0] > 0, np.ones(2000, np.float32))
    committee = perceptron.fit(*arguments, 1, 3, 0.0, members=3, hidden=(6, 5, 4))
    alone = [
        Perceptron(
            tuple(w[k : k + 1] for w in committee.weights),
            tuple(b[k : k + 1] for b in committee.biases),
        ).logits(x)
        for k in range(3)
    ]
    assert (alone[0] != alone[1]).any() and (alone[1] != alone[2]).any()
    np.testing.assert_allclose(committee.logits(x), np.mean(alone, axis=0), atol=1e-5)


def test_only_the_rows_that_are_named_are_learned_from() -> None:
    rng = np.random.default_rng(10)
    x = rng.normal(size=(4000, 3)).astype(np.float16)
    rows = rng.permutation(4000)[:2000]
    is_defect, weight = x[rows, 0] > 0, np.ones(2000, np.float32)
    of_table = perceptron.fit(x, rows, is_defect, weight, 1, 2, 0.1)
    copied = perceptron.fit(x[rows], np.arange(2000), is_defect, weight, 1, 2, 0.1)
    np.testing.assert_array_equal(of_table.logits(x), copied.logits(x))
    single = perceptron.fit(x.astype(np.float32), rows, is_defect, weight, 1, 2, 0.1)
    np.testing.assert_array_equal(of_table.logits(x), single.logits(x))


def test_a_rare_kind_of_good_cell_is_learned_from_the_spare_ones() -> None:
    """Good cells lie around 0, one in 300 of the spare ones around (4, 4); defects around (4, 0).
    The random draw holds none of the rare ones, so that the scout takes them for defects."""
    rng = np.random.default_rng(9)

    def around(centre: tuple[float, float], count: int) -> NDArray[np.float32]:
        return rng.normal(centre, 0.5, (count, 2)).astype(np.float32)

    ground = np.concatenate([around((0, 0), 10_000), around((4, 0), 10_000)])
    of_lesson = [np.concatenate([around((0, 0), 598), around((4, 4), 2)]) for _ in range(40)]
    x = np.concatenate([ground, *of_lesson]).astype(np.float16)
    rows, spare = np.split(np.arange(len(x)), [20_000])
    is_defect, weight = rows >= 10_000, np.ones(20_000, np.float32)
    scout = perceptron.fit(x, rows, is_defect, weight, seed=1, epochs=2, decay=0.1)
    course = mining.Course(rows, is_defect, weight, np.split(spare, 40))
    mined = mining.fit(x, course, seed=1, epochs=2, decay=0.1)
    rare, defects = around((4, 4), 500), around((4, 0), 500)
    assert (scout.logits(rare) > 0).mean() > 0.5
    assert (mined.logits(rare) > 0).mean() < 0.05
    assert (mined.logits(defects) > 0).mean() > 0.95
    none = mining.Course(rows, is_defect, weight, [spare[:0]])  # all may be covered with defects
    assert np.isfinite(mining.fit(x, none, seed=1, epochs=2, decay=0.1).logits(rare)).all()


def test_strangeness_is_the_mahalanobis_distance() -> None:
    rng = np.random.default_rng(7)
    good = (rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4)) + 3).astype(np.float32)
    fitted = normal.fit(good, deviation=2.0)
    mean, inverse = good.mean(0), np.linalg.inv(np.cov(good.T.astype(np.float64)))
    far = rng.normal(size=4) * 5
    grid = np.broadcast_to(far.astype(np.float32)[:, None, None], (4, 6, 8))
    expected = mahalanobis(far, mean, inverse)
    told = fitted.strangeness(whole(grid))[3, 3] * fitted.scale[1] + fitted.scale[0]
    assert told == pytest.approx(expected, rel=0.1)  # shrinkage makes it a little smaller
    of_good = fitted.strangeness(whole(good[:800].T.reshape(4, 20, 40).repeat(2, 1).repeat(2, 2)))
    inner = of_good[::2, ::2]
    assert np.mean(inner) == pytest.approx(0, abs=0.25)
    assert of_good.shape == (40, 80)


def whole(maps: NDArray[np.float32]) -> Lean:
    """Of a net that says all its features as maps."""
    return Lean(np.ascontiguousarray(maps), np.empty(0, np.float32))


def test_blocks_give_the_moments_of_all_cells() -> None:
    rng = np.random.default_rng(11)
    good = (rng.normal(size=(9000, 3)) * [1, 10, 0.1] + [0, 50, -3]).astype(np.float16)
    mean, covariance = normal._moments(good)
    np.testing.assert_allclose(mean, good.astype(np.float64).mean(0), rtol=1e-9)
    np.testing.assert_allclose(covariance, np.cov(good.T.astype(np.float64)), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_synthetic_defects_change_what_they_cover_and_nothing_far_away(seed: int) -> None:
    image, donor = noise(seed), noise(seed + 100)
    spoilt, cover = spoil(image, donor, np.random.default_rng(seed))
    again, _ = spoil(image, donor, np.random.default_rng(seed))
    np.testing.assert_array_equal(spoilt, again)
    assert spoilt.shape == cover.shape == image.shape
    assert cover.min() >= 0 and cover.max() <= 1
    near = cv2.dilate((cover > 0).astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    difference = np.abs(spoilt.astype(int) - image)
    assert difference[~near].max(initial=0) <= 1
    if (cover > 0.5).any():
        assert difference[cover > 0.5].mean() > 2
