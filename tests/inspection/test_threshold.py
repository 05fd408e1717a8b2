"""The threshold keeps the promise that it states, and gives away no more than it must."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from inspection.threshold import Threshold, on_good, on_misses

pytestmark = pytest.mark.inspection

scores = st.lists(st.floats(-50, 50), min_size=1, max_size=400).map(np.array)


def chance_of_at_most(k: int, n: int, rate: float) -> float:
    """Binomial distribution summed term by term: independent of the beta function."""
    return sum(math.comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(k + 1))


@settings(deadline=None)  # the machine is shared: time is no property here
@given(scores, scores, st.sampled_from([0.003, 0.02, 0.1, 0.3]))
def test_counts_are_those_of_the_decision(
    defects: np.ndarray, good: np.ndarray, target: float
) -> None:
    told = on_misses(defects, good, target)
    assert told.misses == (~(defects >= told.value)).sum()
    assert told.false_alarms == (good >= told.value).sum()
    assert (told.n_defects, told.n_good) == (len(defects), len(good))


@settings(deadline=None)  # the machine is shared: time is no property here
@given(scores, st.sampled_from([0.02, 0.1, 0.3]))
def test_miss_bound_holds_and_no_larger_threshold_would(defects: np.ndarray, target: float) -> None:
    told = on_misses(defects, np.zeros(1), target)
    n = len(defects)
    if told.basis == "zero-miss":
        assert n < told.n_needed
        assert chance_of_at_most(0, n, target) > 0.05
        assert told.misses == 0
        return
    assert chance_of_at_most(told.misses, n, target) <= 0.05 + 1e-9
    above = np.nextafter(told.value, np.inf)
    assert chance_of_at_most(int((defects < above).sum()), n, target) > 0.05 - 1e-9


@pytest.mark.parametrize(("n", "basis"), [(997, "zero-miss"), (998, "miss-bound")])
def test_promise_of_three_in_a_thousand_takes_998_defects(n: int, basis: str) -> None:
    told = on_misses(np.linspace(1, 2, n), np.zeros(5), 0.003)
    assert told.basis == basis
    assert told.n_needed == 998


def test_bound_solves_the_binomial_equation() -> None:
    told = on_misses(np.arange(1000.0), np.zeros(1), 0.01)
    assert told.misses == 4
    assert told.miss_high is not None
    assert chance_of_at_most(4, 1000, told.miss_high) == pytest.approx(0.05, rel=1e-6)


def test_too_few_defects_lie_a_stated_margin_above_the_threshold() -> None:
    told = on_misses(np.array([3.0, 5.0, 4.0]), np.array([0.0, 2.95]), 0.003)
    assert told.basis == "zero-miss"
    assert told.margin > 0
    assert told.value == pytest.approx(3 - told.margin)
    assert "998 defects" in told.sentence()


def test_defects_that_all_score_alike_leave_room_for_weaker_ones() -> None:
    """A network of integers ends somewhere: its strong defects share one score."""
    alike, good = np.full(14, 15.5), np.array([-6.0, -11.0])
    told = on_misses(alike, good, 0.003)
    assert told.value == pytest.approx((15.5 - 6.0) / 2)
    assert (told.misses, told.false_alarms) == (0, 0)
    overlapping = on_misses(np.array([3.0, 5.0, 4.0]), np.array([0.0, 3.5]), 0.003)
    assert overlapping.value == pytest.approx(3.0 - 0.1)  # a tenth of the quartiles' distance


def test_defects_that_were_never_found_stay_misses() -> None:
    defects = np.concatenate([np.full(3, -np.inf), np.arange(1.0, 101.0)])
    told = on_misses(defects, np.zeros(4), 0.01)
    assert told.misses == 3
    assert told.miss_high is not None
    assert told.miss_high > 0.01
    assert told.value < 1


@settings(deadline=None)
@given(scores, scores, st.sampled_from([0.02, 0.1, 0.3]))
def test_only_the_order_of_scores_decides(
    defects: np.ndarray, good: np.ndarray, target: float
) -> None:
    """A strictly rising scale changes neither basis nor counts where the bound holds."""
    plain = on_misses(defects, good, target)
    scaled = on_misses(8 * defects, 8 * good, target)  # by a power of 2, without rounding
    assert (scaled.basis, scaled.misses, scaled.false_alarms) == (
        (plain.basis, plain.misses, plain.false_alarms)
    )
    if plain.basis == "miss-bound":
        ranks = np.unique(np.concatenate([defects, good]))
        ranked = on_misses(np.searchsorted(ranks, defects), np.searchsorted(ranks, good), target)
        assert ranked.value == np.searchsorted(ranks, plain.value)
        assert (ranked.misses, ranked.false_alarms) == (plain.misses, plain.false_alarms)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 998), (3, 250), (7, 8), (40, 400)])
def test_bounds_are_those_of_scipys_exact_test(k: int, n: int) -> None:
    """Of k misses among n: the score k is the threshold whose misses are those below."""
    target = binomtest(k, n, alternative="less").proportion_ci(0.95, "exact").high
    told = on_misses(np.arange(float(n)), np.zeros(2), min(target * (1 + 1e-9), 0.999))
    assert (told.basis, told.misses) == ("miss-bound", k)
    assert told.miss_high == pytest.approx(target, rel=1e-9)
    false = binomtest(2 if k == 0 else 0, 2, alternative="less").proportion_ci(0.95, "exact").high
    assert told.false_high == pytest.approx(false, rel=1e-9)


@pytest.mark.parametrize("defects", [np.empty(0), np.full(4, -np.inf)])
def test_nothing_found_is_no_basis(defects: np.ndarray) -> None:
    with pytest.raises(ValueError, match="nothing to choose"):
        on_misses(defects, np.zeros(3))


@settings(deadline=None)  # the machine is shared: time is no property here
@given(scores, st.sampled_from([0.05, 0.2]))
def test_good_parts_alone_bound_the_false_rate(good: np.ndarray, target: float) -> None:
    told = on_good(good, target)
    assert told.miss_high is None
    assert "nothing is promised of misses" in told.sentence()
    if told.basis == "max-good":
        assert len(good) < told.n_needed
        assert told.false_alarms == 0
        assert told.value > good.max()
    else:
        assert chance_of_at_most(told.false_alarms, len(good), target) <= 0.05 + 1e-9


@pytest.mark.parametrize("scores", [[1.0, 0, 0, 0, 6e-26], [5.0], [0.0, 0.0], [-7.0, -7.0]])
def test_margin_never_vanishes(scores: list[float]) -> None:
    assert on_good(np.array(scores)).value > max(scores)
    assert on_misses(np.array(scores), np.zeros(1)).value < min(scores)


def test_no_good_part_is_no_basis() -> None:
    with pytest.raises(ValueError, match="no good sample"):
        on_good(np.empty(0))


def test_json_gives_the_threshold_back() -> None:
    told = on_misses(np.linspace(0, 1, 50), np.zeros(3), 0.1)
    assert Threshold(**told.to_json()) == told


def test_held_promise_is_kept_in_new_samples() -> None:
    """In at least 95 % of teachings, the true miss rate at the threshold holds the target."""
    rng = np.random.default_rng(7)
    kept = [
        1 - math.exp(-on_misses(rng.exponential(size=500), np.zeros(1), 0.02).value) <= 0.02
        for _ in range(400)
    ]
    assert np.mean(kept) >= 0.93  # 0.95 less two standard errors of 400 trials
