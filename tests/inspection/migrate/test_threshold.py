"""The threshold's rule on scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from inspection.migrate import threshold
from inspection.migrate.errors import MigrationError, TooFewPartsError

pytestmark = pytest.mark.inspection

GOOD = np.array([-4.0, -5.0, -4.5, -3.8, -4.2, -4.9, -4.1, -4.4, -3.9, -4.6])


FULL = GOOD + 99  # good parts that leave no room
KEEP = threshold.Fall(np.inf, 0.0, 0.0, "probes")  # what loses nothing


@settings(max_examples=60, deadline=None)
@given(st.floats(-3, 5), st.floats(-10, 10), st.floats(0.1, 3), st.integers(0, 10**6))
def test_it_never_rises(before: float, gain: float, spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    there = before + spread * rng.standard_normal(10)
    here = there.mean() + gain + spread * rng.standard_normal(10)
    for fall in (
        threshold.by_probes(before, there, here),
        threshold.by_known(before, there, here, 0, 10, GOOD - 9),
    ):
        try:
            rule = threshold.moved(before, fall, GOOD, GOOD - 9)
        except MigrationError:
            continue
        assert rule.value <= before
        assert rule.value <= before - rule.loss or fall.of != "probes"


def test_the_bound_of_probes_is_welchs() -> None:
    rng = np.random.default_rng(5)
    there, here = 10 + rng.standard_normal(10), 8 + 2 * rng.standard_normal(12)
    fall = threshold.by_probes(5.0, there, here)
    interval = ttest_ind(there, here, equal_var=False).confidence_interval(0.90)
    assert fall.loss_high == pytest.approx(interval.high)
    assert fall.value == pytest.approx(5.0 - interval.high)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(-20, 30), min_size=1, max_size=48),
    st.floats(-15, 15),
    st.floats(-5, 20),
    st.integers(0, 10**6),
)
def test_no_more_known_defects_are_missed_than_at_home(
    there: list[float], gain: float, before: float, seed: int
) -> None:
    at_home = np.array(there)
    rng = np.random.default_rng(seed)
    here = at_home + gain + 3 * rng.standard_normal(len(at_home))
    missed = int((at_home < before).sum())
    fall = threshold.by_known(before, at_home, here, missed, len(there), FULL)
    assert fall.value <= before
    assert (here < fall.value).sum() <= missed
    # and it is the highest that keeps so many, where anything had to be given up
    if fall.value < before and missed < len(here):
        assert (here < np.nextafter(fall.value, np.inf)).sum() > missed


def test_room_above_the_threshold_is_used_up_first() -> None:
    there = np.linspace(20, 30, 48)
    assert threshold.by_known(5.0, there, there - 14, 0, 48, FULL).value == 5.0
    assert threshold.by_known(5.0, there, there - 17, 0, 333, FULL).value == pytest.approx(3.0)
    # of a thousand, three may be missed: the fourth weakest counts
    told = threshold.by_known(5.0, there, there - 17, 0, 1_000, FULL).value
    assert told == pytest.approx(np.sort(there)[3] - 17)


def test_half_of_the_room_that_good_parts_leave_is_taken() -> None:
    there = np.linspace(20, 30, 48)
    limit = threshold.tolerance_limit(GOOD)
    fall = threshold.by_known(5.0, there, there - 14, 0, 48, GOOD)  # the weakest scores 6 here
    assert fall.value == pytest.approx((6 + limit) / 2) and limit < fall.value < 5.0
    far = threshold.by_known(5.0, there, there, 0, 48, GOOD)  # 20: half way lies over 5
    assert far.value == 5.0


def test_probes_at_the_threshold_cost_what_they_lose() -> None:
    """Of 200 moves with noise in the probes, nearly all keep every defect that was found."""
    rng = np.random.default_rng(6)
    kept = 0
    for _ in range(200):
        defects = 5 + rng.gamma(3, 2, 1000)
        loss = rng.uniform(0, 8)
        there, here = 5 + rng.standard_normal(10), 5 - loss + rng.standard_normal(10)
        rule = threshold.moved(5.0, threshold.by_probes(5.0, there, here), GOOD, GOOD - 9)
        kept += bool((defects - loss >= rule.value).all())
    assert kept >= 185  # 95 % promised, less three deviations


def test_good_parts_that_do_not_fit_refuse_the_move() -> None:
    with pytest.raises(MigrationError, match="would be rejected"):
        threshold.moved(5.0, KEEP, GOOD, GOOD + 9.2)
    with pytest.raises(TooFewPartsError, match="score higher here"):
        threshold.moved(5.0, KEEP, GOOD, GOOD * 4 + 18)


def test_a_refusal_says_whether_parts_or_defects_are_shown_otherwise() -> None:
    with pytest.raises(MigrationError, match=r"10 at its own threshold 5: .* lamps"):
        threshold.moved(5.0, KEEP, GOOD, GOOD + 12)
    there = np.linspace(9, 10, 10)
    weak = r"threshold 5 rejects 0, but {} lose 14 .* sharper lens"
    with pytest.raises(MigrationError, match=weak.format("probes") + r".*\(--defects\)"):
        threshold.moved(5.0, threshold.by_probes(5.0, there, there - 14), GOOD, GOOD)
    with pytest.raises(MigrationError, match=weak.format("10 known defects")) as refused:
        threshold.moved(5.0, threshold.by_known(5.0, there, there - 14, 0, 10, GOOD), GOOD, GOOD)
    assert "--defects" not in str(refused.value)
    # good parts as at home, and defects too: nothing to refuse
    assert threshold.moved(5.0, KEEP, GOOD, GOOD).value == 5.0


def test_more_of_the_same_parts_can_settle_what_few_cannot() -> None:
    few = (GOOD + 4.0) * 1.6 + 1.5
    with pytest.raises(TooFewPartsError):
        threshold.moved(3.3, KEEP, GOOD - 1, few)
    assert threshold.moved(3.3, KEEP, GOOD - 1, np.tile(few, 3)).value == 3.3


def test_higher_scores_far_under_the_threshold_pass() -> None:
    rule = threshold.moved(5.0, KEEP, GOOD, GOOD + 1.5)
    assert rule.p_higher < 0.01 and rule.limit < rule.value


def test_the_tolerance_limit_covers_what_it_says() -> None:
    rng = np.random.default_rng(7)
    limits = [threshold.tolerance_limit(rng.standard_normal(10)) for _ in range(400)]
    assert 0.92 <= float(np.mean(np.array(limits) >= 2.326)) <= 0.98
