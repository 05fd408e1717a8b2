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
from inspection.methods.synthetic import spoil
from inspection.models.features import SHIPPED, WEIGHTS, FeatureBank, canonical, share_of_cells

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


def test_gradients_of_the_perceptron_are_those_of_its_loss() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(40, 3)), rng.random(40) < 0.4
    weight = rng.uniform(0.5, 2, 40)
    shapes = [(3, 4), (4, 1), (4,), (1,)]
    sizes = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def unpacked(flat: NDArray[np.float64]) -> list[NDArray[np.float32]]:
        parts = np.split(flat, sizes)
        return [p.reshape(s).astype(np.float64) for p, s in zip(parts, shapes, strict=True)]  # type: ignore[misc]

    def loss(flat: NDArray[np.float64]) -> float:
        w0, w1, b0, b1 = unpacked(flat)
        logits = (np.maximum(x @ w0 + b0, 0) @ w1 + b1)[:, 0]
        return float((weight * (np.logaddexp(0, logits) - y * logits)).mean())

    def slope(flat: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = perceptron._gradients(unpacked(flat), x, y, weight)  # type: ignore[arg-type]
        return np.concatenate([np.asarray(p, np.float64).ravel() for p in parts])

    assert check_grad(loss, slope, rng.normal(size=21)) < 1e-5


def test_the_perceptron_learns_what_no_line_separates() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(20_000, 2)).astype(np.float32) * [3, 0.2] + [5, -1]
    x = x.astype(np.float32)
    inside = np.abs(x[:, 0] - 5) < 2
    weight = np.ones(len(x), np.float32)
    fitted = perceptron.fit(x, inside, weight, seed=1, epochs=5, decay=0.03)
    assert ((fitted.logits(x) > 0) == inside).mean() > 0.9  # a line: 0.75
    again = perceptron.fit(x, inside, weight, seed=1, epochs=5, decay=0.03)
    np.testing.assert_array_equal(fitted.logits(x), again.logits(x))


def test_joined_perceptrons_say_the_mean_of_what_each_says() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(2000, 5)).astype(np.float32)
    hidden = (6, 5, 4)
    members = [
        perceptron.fit(x, x[:, k] > 0, np.ones(2000, np.float32), k, 3, 0.0, hidden)
        for k in range(3)
    ]
    mean = np.mean([one.logits(x) for one in members], axis=0)
    np.testing.assert_allclose(perceptron.joined(members).logits(x), mean, atol=1e-5)


def test_a_rare_kind_of_good_cell_is_learned_from_the_spare_ones() -> None:
    """Good cells lie around 0, one in 300 of the spare ones around (4, 4); defects around (4, 0).
    The random draw holds none of the rare ones, so that the scout takes them for defects."""
    rng = np.random.default_rng(9)

    def around(centre: tuple[float, float], count: int) -> NDArray[np.float32]:
        return rng.normal(centre, 0.5, (count, 2)).astype(np.float32)

    x = np.concatenate([around((0, 0), 10_000), around((4, 0), 10_000)])
    is_defect = np.arange(20_000) >= 10_000
    spare = [
        np.concatenate([around((0, 0), 598), around((4, 4), 2)]).astype(np.float16)
        for _ in range(40)
    ]
    arguments = (x, is_defect, np.ones(20_000, np.float32))
    scout = perceptron.fit(*arguments, seed=1, epochs=2, decay=0.1)
    mined = mining.fit(*arguments, spare, seed=1, epochs=2, decay=0.1)
    rare, defects = around((4, 4), 500), around((4, 0), 500)
    assert (scout.logits(rare) > 0).mean() > 0.5
    assert (mined.logits(rare) > 0).mean() < 0.05
    assert (mined.logits(defects) > 0).mean() > 0.95
    none = [np.empty((0, 2), np.float16)]  # every good picture may be covered with defects
    assert np.isfinite(mining.fit(*arguments, none, seed=1, epochs=2, decay=0.1).logits(rare)).all()


def test_strangeness_is_the_mahalanobis_distance() -> None:
    rng = np.random.default_rng(7)
    good = (rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4)) + 3).astype(np.float32)
    fitted = normal.fit(good, deviation=2.0)
    mean, inverse = good.mean(0), np.linalg.inv(np.cov(good.T.astype(np.float64)))
    far = rng.normal(size=4) * 5
    grid = np.broadcast_to(far.astype(np.float32), (6, 8, 4))
    expected = mahalanobis(far, mean, inverse)
    told = fitted.strangeness(grid)[3, 3] * fitted.scale[1] + fitted.scale[0]
    assert told == pytest.approx(expected, rel=0.1)  # shrinkage makes it a little smaller
    of_good = [float(fitted.strangeness(np.broadcast_to(g, (2, 2, 4)))[0, 0]) for g in good[:800]]
    assert np.mean(of_good) == pytest.approx(0, abs=0.25)
    assert np.std(of_good) == pytest.approx(2, rel=0.15)


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
