"""AUROC and AUPRO against closed cases and slow implementations of their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.stats import mannwhitneyu

from inspection.metrics.aupro import aupro
from inspection.metrics.roc import auroc, pixel_auroc

pytestmark = pytest.mark.inspection

# few distinct values, so that ties are the rule
LEVELS = st.integers(-4, 4).map(float)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 40))
    truth = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    truth[:2] = True, False
    return truth, np.array(draw(st.lists(LEVELS, min_size=n, max_size=n)))


@st.composite
def images(draw: st.DrawFn) -> tuple[list[np.ndarray], list[np.ndarray]]:
    n, shape = draw(st.integers(1, 3)), (draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    masks = [draw(hnp.arrays(np.bool_, shape)) for _ in range(n)]
    masks[0][0, :2] = True, False
    maps = [draw(hnp.arrays(np.float32, shape, elements=LEVELS)) for _ in range(n)]
    return masks, maps


def auroc_by_pairs(truth: np.ndarray, scores: np.ndarray) -> float:
    wins = [(b > g) + 0.5 * (b == g) for b in scores[truth] for g in scores[~truth]]
    return float(np.mean(wins))


def aupro_by_sweep(masks: list[np.ndarray], maps: list[np.ndarray], limit: float) -> float:
    regions = []
    for mask, score in zip(masks, maps, strict=True):
        labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
        regions += [score[labels == i + 1] for i in range(count)]
    outside = np.concatenate([s[~m] for m, s in zip(masks, maps, strict=True)])
    fpr, pro = [0.0], [0.0]
    for t in sorted({float(v) for s in maps for v in s.ravel()}, reverse=True):
        fpr.append(float(np.mean(outside >= t)))
        pro.append(float(np.mean([np.mean(r >= t) for r in regions])))
    total = 0.0
    for x0, x1, y0, y1 in zip(fpr, fpr[1:], pro, pro[1:], strict=False):
        if x1 <= limit:
            total += (x1 - x0) * (y0 + y1) / 2
        elif x0 < limit:
            at_limit = y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
            total += (limit - x0) * (y0 + at_limit) / 2
    return total / limit


def test_closed_cases() -> None:
    assert auroc([0, 0, 1, 1], [1, 2, 3, 4]) == 1
    assert auroc([1, 1, 0, 0], [1, 2, 3, 4]) == 0
    assert auroc([0, 1, 0, 1], [5, 5, 5, 5]) == 0.5
    assert auroc([0, 1, 0, 1], [1, 2, 3, 4]) == 0.75


@given(labelled())
def test_auroc_is_the_share_of_pairs_in_order(case: tuple[np.ndarray, np.ndarray]) -> None:
    assert auroc(*case) == pytest.approx(auroc_by_pairs(*case), abs=1e-12)


@given(labelled())
def test_auroc_depends_on_order_alone_and_flips(case: tuple[np.ndarray, np.ndarray]) -> None:
    truth, scores = case
    assert auroc(truth, np.exp(3 * scores) - 7) == auroc(truth, scores)
    assert auroc(truth, -scores) == pytest.approx(1 - auroc(truth, scores), abs=1e-12)
    assert auroc(~truth, scores) == pytest.approx(1 - auroc(truth, scores), abs=1e-12)


def test_auroc_agrees_with_scipy_on_many_samples() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(20_000) < 0.1
    scores = np.round(rng.normal(size=truth.size) + truth, 1)
    u = mannwhitneyu(scores[truth], scores[~truth]).statistic
    assert auroc(truth, scores) == pytest.approx(u / (truth.sum() * (~truth).sum()), abs=1e-12)


@given(images())
@settings(deadline=None)
def test_pixel_auroc_is_auroc_of_all_pixels(
    case: tuple[list[np.ndarray], list[np.ndarray]],
) -> None:
    masks, maps = case
    flat = [np.concatenate([a.ravel() for a in part]) for part in (masks, maps)]
    assert pixel_auroc(masks, maps) == pytest.approx(auroc_by_pairs(*flat), abs=1e-12)


@given(images(), st.sampled_from([0.05, 0.3, 1.0]))
@settings(deadline=None)
def test_aupro_agrees_with_a_sweep_of_thresholds(
    case: tuple[list[np.ndarray], list[np.ndarray]], limit: float
) -> None:
    masks, maps = case
    assert aupro(masks, maps, limit) == pytest.approx(aupro_by_sweep(masks, maps, limit), abs=1e-10)
    assert aupro(masks, [np.exp(m) for m in maps], limit) == pytest.approx(
        aupro(masks, maps, limit), abs=1e-12
    )


def test_aupro_counts_small_regions_like_large_ones() -> None:
    mask = np.zeros((40, 40), np.bool_)
    mask[2:12, 2:12] = True
    mask[30, 30] = True
    found_large = np.where(np.arange(40)[:, None] < 20, mask, False).astype(np.float32)
    # half the regions at no false alarm; the rest rises with the rate from 0.5 at 0 to 1 at 1
    assert aupro([mask], [mask.astype(np.float32)]) == 1
    assert aupro([mask], [found_large]) == pytest.approx((0.5 + 0.5 + 0.5 * 0.3) / 2)


def test_aupro_joins_regions_that_touch_by_a_corner() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[1, 1] = mask[2, 2] = mask[2, 3] = True
    score = np.zeros((9, 9), np.float32)
    score[1, 1] = 1  # a third of one region, not the whole of one of two
    assert aupro([mask], [score], 1.0) == pytest.approx((1 / 3 + 1) / 2)


def test_a_map_of_chance_gives_half_the_limit() -> None:
    rng = np.random.default_rng(5)
    mask = np.zeros((400, 400), np.bool_)
    mask[100:300, 100:300] = True
    score = rng.random((400, 400)).astype(np.float32)
    assert aupro([mask], [score]) == pytest.approx(0.15, abs=0.01)
    assert pixel_auroc([mask], [score]) == pytest.approx(0.5, abs=0.01)


def test_what_is_undefined_is_refused() -> None:
    with pytest.raises(ValueError, match="with and without"):
        auroc([1, 1], [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        auroc([0, 1], [np.nan, 1])
    with pytest.raises(ValueError, match="NaN"):
        auroc([0, 1], [1, np.nan])
    blank, score = np.zeros((3, 3), np.bool_), np.zeros((3, 3), np.float32)
    with pytest.raises(ValueError, match="with and without"):
        aupro([blank], [score])
    with pytest.raises(ValueError, match="image 0"):
        aupro([blank], [score[:2]])
    with pytest.raises(ValueError, match="shorter"):
        aupro([blank, blank], [score])
