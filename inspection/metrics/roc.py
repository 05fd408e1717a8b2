"""Area under the receiver operating characteristic, exact with ties, of images and of pixels.

Every defective sample adds a step of its own to the curve, or a ramp where good samples share its
score: the area is a sum over the defective ones alone, after one sort of the good ones
(O(n log n)). It equals the Mann-Whitney statistic (Hanley and McNeil 1982, Radiology 143:29).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]


def auroc(is_defect: ArrayLike, scores: ArrayLike) -> float:
    """Chance that a defective sample scores above a good one, ties by half.

    is_defect (N,) bool, scores (N,). ValueError without both sorts, or with a NaN.
    """
    truth, values = np.asarray(is_defect, np.bool_), np.asarray(scores, np.float64)
    if truth.ndim != 1 or truth.shape != values.shape:
        raise ValueError(f"is_defect {truth.shape} and scores {values.shape} must both be (N,)")
    return area(values[~truth], values[truth])


def pixel_auroc(masks: Iterable[NDArray[np.bool_]], maps: Iterable[Floats]) -> float:
    """AUROC of the pixels of all images together; masks and maps (H, W) each, in pairs.

    Memory: one copy of the maps. ValueError without both sorts of pixels, or with a NaN.
    """
    good, bad = [], []
    for mask, score_map in pairs(masks, maps):
        good.append(score_map[~mask])
        bad.append(score_map[mask])
    return area(joined(good), joined(bad))


def area(
    good: Floats, bad: Floats, weights: NDArray[np.float64] | None = None, limit: float = 1.0
) -> float:
    """Area under the curve for false-positive rates from 0 to `limit`, divided by `limit`.

    weights: what each of `bad` adds to the curve's height, all of them 1; equal where None.
    Tied scores make one sloped piece, as the trapezoidal rule draws it. Reorders `good` in
    place: what lies under the limit is sorted out first, and only the rest sorted.
    """
    if not len(good) or not len(bad):
        raise ValueError("undefined: there must be scores with and without a defect")
    if not 0 < limit <= 1:
        raise ValueError(f"the limit must lie in (0, 1], got {limit}")
    n = len(good)
    under = int(n * (1 - limit))
    good.partition(under)
    top = good[under:]
    top.sort()
    order = np.argsort(bad)  # looked up in order, neighbours share the cache
    bad, weights = bad[order], None if weights is None else weights[order]
    if np.isnan(good[-1]) or np.isnan(bad[-1]):
        raise ValueError("undefined: a score is NaN")
    least = np.count_nonzero(good[:under] < top[0])
    up_to, less = (under + np.searchsorted(top, bad, side=side) for side in ("right", "left"))
    start = 1 - up_to / n  # rate of good ones above it
    end = 1 - np.where(bad > top[0], less, least) / n  # and of those level with it
    ramp = end - start
    inside = limit - (start + end) / 2
    cut = np.maximum(limit - start, 0) ** 2 / np.where(ramp > 0, 2 * ramp, 1)
    share = np.where(end <= limit, inside, cut) / limit
    return float(share.mean() if weights is None else share @ weights)


def pairs(
    masks: Iterable[NDArray[np.bool_]], maps: Iterable[Floats]
) -> Iterable[tuple[NDArray[np.bool_], Floats]]:
    """Each mask with its map; ValueError where their shapes differ or one lacks the other."""
    for i, (mask, score_map) in enumerate(zip(masks, maps, strict=True)):
        if mask.shape != score_map.shape or mask.ndim != 2 or mask.dtype != np.bool_:
            raise ValueError(
                f"image {i}: mask {mask.shape} {mask.dtype} and map {score_map.shape} must be "
                f"(H, W) of one size, the mask bool"
            )
        yield mask, score_map


def joined(parts: list[Floats]) -> Floats:
    """The parts as one array; empty where there are none."""
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
