"""Bounds against closed forms, scipy's own tests and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, poisson

from common.acceptance import statistics as s

pytestmark = pytest.mark.common


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 5000))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize("n", [1, 10, 59, 299, 1000, 100_000])
def test_no_failure_has_the_closed_form(n: int) -> None:
    assert s.upper_bound(0, n) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-9)
    assert s.lower_bound(n, n) == pytest.approx(0.05 ** (1 / n), rel=1e-9)
    assert s.lower_bound(0, n) == 0.0
    assert s.upper_bound(n, n) == 1.0


def test_no_miss_in_a_thousand_is_the_guides_three_in_a_thousand() -> None:
    assert s.rate_bounds(0, 1000)[1] == pytest.approx(0.00299, abs=1e-5)


@given(counts())
def test_agrees_with_scipys_exact_intervals(kn: tuple[int, int]) -> None:
    k, n = kn
    two = binomtest(k, n).proportion_ci(0.95, "exact")
    assert s.clopper_pearson(k, n) == pytest.approx((two.low, two.high), abs=1e-9)
    upper = binomtest(k, n, alternative="less").proportion_ci(0.95, "exact").high
    lower = binomtest(k, n, alternative="greater").proportion_ci(0.95, "exact").low
    assert s.rate_bounds(k, n) == pytest.approx((lower, upper), abs=1e-9)


@given(counts(), st.floats(0.5, 0.999))
def test_success_and_failure_mirror_each_other(kn: tuple[int, int], confidence: float) -> None:
    k, n = kn
    mirrored = 1 - s.lower_bound(n - k, n, confidence)
    assert s.upper_bound(k, n, confidence) == pytest.approx(mirrored, abs=1e-9)


@given(counts())
def test_bound_is_where_the_tail_has_five_per_cent(kn: tuple[int, int]) -> None:
    k, n = kn
    if k < n:
        assert binom.cdf(k, n, s.upper_bound(k, n)) == pytest.approx(0.05, abs=1e-7)


def test_rule_of_three_is_near_the_exact_bound() -> None:
    for n in (30, 100, 1000):
        assert s.rule_of_three(n) == pytest.approx(s.upper_bound(0, n), rel=0.06)
    assert s.rule_of_three(1) == 1.0


@pytest.mark.parametrize(("bound", "n"), [(0.05, 59), (0.01, 299), (0.003, 998)])
def test_n_without_failure(bound: float, n: int) -> None:
    assert s.n_for_zero_failures(bound) == n
    assert (1 - bound) ** n <= 0.05 < (1 - bound) ** (n - 1)


@given(st.integers(0, 30), st.floats(0.001, 0.5))
def test_n_with_failures_is_the_fewest(k: int, bound: float) -> None:
    n = s.n_for_failures(k, bound)
    assert s.upper_bound(k, n) <= bound
    assert n == k + 1 or s.upper_bound(k, n - 1) > bound


@given(st.integers(1, 3000), st.floats(0.01, 0.99))
def test_quantile_bounds_have_their_confidence_from_the_binomial(n: int, q: float) -> None:
    low, high = (int(rank) for rank in s.quantile_bounds(np.arange(1, n + 1), q))
    if 1 - q**n >= 0.95:  # else no sample can be an upper bound
        assert binom.cdf(high - 1, n, q) >= 0.95
        assert high == 1 or binom.cdf(high - 2, n, q) < 0.95
    if low > 1:
        assert 1 - binom.cdf(low - 1, n, q) >= 0.95
    assert low <= high


def test_p99_needs_299_samples() -> None:
    assert s.quantile_bounds(np.arange(299), 0.99)[1] == 298
    assert binom.cdf(298, 299, 0.99) >= 0.95 > binom.cdf(297, 298, 0.99)


def test_simulated_coverage_is_at_least_the_stated() -> None:
    rng = np.random.default_rng(5)
    for rate, n in ((0.003, 1000), (0.05, 60), (0.5, 20)):
        bounds = {k: s.upper_bound(k, n) for k in range(n + 1)}
        covered = sum(bounds[int(k)] >= rate for k in rng.binomial(n, rate, 4000))
        assert covered / 4000 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no count"):
        s.rate_bounds(k, n)


def test_poisson_bounds_are_those_of_the_counts_distribution() -> None:
    assert s.poisson_bounds(0) == pytest.approx((0.0, math.log(20)))
    for k in (1, 4, 30):
        low, high = s.poisson_bounds(k)
        assert poisson.cdf(k, high) == pytest.approx(0.05)
        assert poisson.sf(k - 1, low) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="a count k >= 0"):
        s.poisson_bounds(-1)
