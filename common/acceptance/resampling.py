"""Bootstrap bounds for what is not a rate: AUROC, AUPRO, means, medians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.acceptance.statistics import CONFIDENCE

Indices = NDArray[np.int64]


def bootstrap(
    statistic: Callable[[Indices], float],
    n: int,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
    resamples: int = 2000,
    strata: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    method: Literal["percentile", "bca"] = "percentile",
) -> tuple[float, float]:
    """Lower and upper bound, each one-sided at `confidence`, of `statistic` over n samples.

    statistic: value for an array of sample indices (with repetition), e.g.
        `lambda i: auroc(scores[i], labels[i])`.
    strata: (n,) labels; each stratum keeps its size in every resample, e.g. good and defect.
    clusters: (n,) labels; samples of one cluster (images of one part) are drawn together.
    method: percentile, or BCa (Efron 1987, JASA 82:171), which needs one more evaluation a
        cluster. The bounds always enclose the value itself. A statistic that is the same in every
        resample (no error seen at all) gives no width: count the errors and use a rate instead.
    """
    units = _units(n, strata, clusters)
    rng = np.random.default_rng(seed)
    every: Indices = np.arange(n, dtype=np.int64)
    value = float(statistic(every))
    draws = np.array([statistic(_draw(units, rng)) for _ in range(resamples)], np.float64)
    if not np.isfinite(draws).all():
        raise ValueError("the statistic is not finite on some resample; give strata")
    tails = np.array([1 - confidence, confidence])
    if method == "bca":
        tails = _bca_tails(tails, value, draws, statistic, units)
    low, high = np.quantile(draws, tails)
    return min(float(low), value), max(float(high), value)


def _units(n: int, strata: ArrayLike | None, clusters: ArrayLike | None) -> list[list[Indices]]:
    """For each stratum its clusters, each an array of sample indices."""
    stratum = np.unique(np.zeros(n) if strata is None else strata, return_inverse=True)[1].ravel()
    cluster = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if stratum.shape != (n,) or cluster.shape != (n,) or n < 1:
        raise ValueError(f"strata and clusters must have one label for each of the {n} samples")
    groups: dict[tuple[int, int], list[int]] = {}
    for index, key in enumerate(zip(stratum.tolist(), cluster.tolist(), strict=True)):
        groups.setdefault(key, []).append(index)
    if len({key[1] for key in groups}) != len(groups):
        raise ValueError("a cluster lies in two strata: resample by clusters alone")
    units: list[list[Indices]] = [[] for _ in range(int(stratum.max()) + 1)]
    for (where, _), members in sorted(groups.items()):
        units[where].append(np.array(members, np.int64))
    return units


def _draw(units: list[list[Indices]], rng: np.random.Generator) -> Indices:
    """Indices of one resample: as many clusters of each stratum as it has, with repetition."""
    chosen = [
        clusters[i] for clusters in units for i in rng.integers(len(clusters), size=len(clusters))
    ]
    return np.concatenate(chosen)


def _bca_tails(
    tails: NDArray[np.float64],
    value: float,
    draws: NDArray[np.float64],
    statistic: Callable[[Indices], float],
    units: list[list[Indices]],
) -> NDArray[np.float64]:
    """Tail probabilities corrected for bias and acceleration (Efron 1987, eq. 2.3)."""
    from scipy.special import ndtr, ndtri

    below = (np.count_nonzero(draws < value) + np.count_nonzero(draws <= value)) / 2
    if draws.min() == draws.max():
        return tails
    bias = ndtri(np.clip(below / len(draws), 1 / len(draws), 1 - 1 / len(draws)))
    flat = [cluster for clusters in units for cluster in clusters]
    left_out = np.array(
        [statistic(np.concatenate(flat[:i] + flat[i + 1 :])) for i in range(len(flat))]
    )
    away = left_out.mean() - left_out
    spread = (away**2).sum() ** 1.5
    acceleration = (away**3).sum() / (6 * spread) if spread > 0 else 0.0
    z = bias + ndtri(tails)
    corrected: NDArray[np.float64] = ndtr(bias + z / (1 - acceleration * z))
    return corrected
