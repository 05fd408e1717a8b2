"""The bootstrap against theory and against scipy's."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import norm

from common.acceptance.resampling import bootstrap

pytestmark = [pytest.mark.common, pytest.mark.base]
Method = Literal["percentile", "bca"]


def mean_of(values: NDArray[np.float64]):  # type: ignore[no-untyped-def]
    return lambda chosen: float(values[chosen].mean())


def test_mean_of_normal_samples_has_the_normal_bounds() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    low, high = bootstrap(mean_of(values), 400, seed=2, resamples=4000)
    half = norm.ppf(0.95) * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_skewed_samples_agree_with_scipy(method: Method) -> None:
    values = np.random.default_rng(3).lognormal(0, 1, 60)
    ours = bootstrap(mean_of(values), 60, seed=4, resamples=8000, method=method)
    name = {"percentile": "percentile", "bca": "BCa"}[method]
    theirs = scipy_bootstrap(
        (values,), np.mean, confidence_level=0.90, n_resamples=8000, method=name,
        rng=np.random.default_rng(4),
    ).confidence_interval  # fmt: skip
    spread = theirs.high - theirs.low
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.06 * spread)


def test_the_two_methods_differ_where_samples_are_skewed() -> None:
    values = np.random.default_rng(3).lognormal(0, 1, 60)
    percentile = bootstrap(mean_of(values), 60, seed=4)
    bca = bootstrap(mean_of(values), 60, seed=4, method="bca")
    assert bca[1] > percentile[1] * 1.02


def test_strata_keep_their_sizes() -> None:
    strata = np.array([0] * 3 + [1] * 7)
    seen = set()

    def statistic(chosen: NDArray[np.int64]) -> float:
        seen.add((int((strata[chosen] == 0).sum()), len(chosen)))
        return 0.0

    bootstrap(statistic, 10, seed=1, resamples=50, strata=strata)
    assert seen == {(3, 10)}


def test_clusters_are_drawn_whole() -> None:
    clusters = np.repeat([5, 9, 2], [2, 3, 4])

    def statistic(chosen: NDArray[np.int64]) -> float:
        for label, size in ((5, 2), (9, 3), (2, 4)):
            counts = np.bincount(chosen, minlength=9)[clusters == label]
            assert len(counts) == size
            assert len(set(counts.tolist())) == 1
        return 0.0

    bootstrap(statistic, 9, seed=1, resamples=50, clusters=clusters)


def test_repeated_samples_of_a_part_widen_the_bounds_by_the_cluster() -> None:
    parts = np.random.default_rng(0).normal(size=40)
    values, clusters = np.repeat(parts, 9), np.repeat(np.arange(40), 9)
    naive = bootstrap(mean_of(values), 360, seed=1)
    honest = bootstrap(mean_of(values), 360, seed=1, clusters=clusters)
    assert (honest[1] - honest[0]) / (naive[1] - naive[0]) == pytest.approx(3, rel=0.15)


def test_one_seed_gives_one_answer() -> None:
    values = np.random.default_rng(0).normal(size=50)
    first, again, other = (bootstrap(mean_of(values), 50, seed=s) for s in (1, 1, 2))
    assert first == again != other


def test_what_cannot_be_resampled_is_refused() -> None:
    with pytest.raises(ValueError, match="two strata"):
        bootstrap(lambda _: 0.0, 2, seed=0, strata=[0, 1], clusters=[0, 0])
    with pytest.raises(ValueError, match="one label"):
        bootstrap(lambda _: 0.0, 3, seed=0, strata=[0, 1])
    with pytest.raises(ValueError, match="not finite"):
        bootstrap(lambda chosen: float("nan") if chosen.min() else 0.0, 3, seed=0)
