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


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-3, 5), st.floats(0, 20), st.floats(-10, 10), st.floats(0.1, 3), st.integers(0, 10**6)
)
def test_it_never_rises(before: float, above: float, gain: float, spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    there = before + above + spread * rng.standard_normal(10)
    here = there.mean() + gain + spread * rng.standard_normal(10)
    try:
        rule = threshold.moved(before, before + above, GOOD, GOOD - 9, there, here)
    except MigrationError:
        return
    assert rule.value <= before
    assert rule.value <= before + above - rule.loss


def test_the_bound_is_welchs() -> None:
    rng = np.random.default_rng(5)
    there, here = 10 + rng.standard_normal(10), 8 + 2 * rng.standard_normal(12)
    rule = threshold.moved(5.0, 5.0, GOOD, GOOD, there, here)
    interval = ttest_ind(there, here, equal_var=False).confidence_interval(0.90)
    assert rule.loss_high == pytest.approx(interval.high)
    assert rule.value == pytest.approx(5.0 - interval.high)


def test_room_above_the_threshold_is_used_up_first() -> None:
    there = np.full(10, 20.0) + GOOD / 10
    rule = threshold.moved(5.0, 20.0, GOOD, GOOD, there, there - 6)
    assert rule.value == 5.0 and rule.loss == pytest.approx(6.0)
    nearer = threshold.moved(5.0, 9.0, GOOD, GOOD, there, there - 6)
    assert nearer.value == pytest.approx(9.0 - nearer.loss_high)


def test_defects_that_lose_what_probes_lose_are_still_found() -> None:
    """Of 200 moves with noise in the probes, nearly all keep every defect that was found."""
    rng = np.random.default_rng(6)
    kept = 0
    for _ in range(200):
        defects = 9 + rng.gamma(3, 2, 1000)
        loss = rng.uniform(0, 8)
        there, here = 9 + rng.standard_normal(10), 9 - loss + rng.standard_normal(10)
        rule = threshold.moved(5.0, float(defects.min()), GOOD, GOOD - 9, there, here)
        kept += bool((defects - loss >= rule.value).all())
    assert kept >= 185  # 95 % promised, less three deviations


def test_good_parts_that_do_not_fit_refuse_the_move() -> None:
    same = np.linspace(9, 10, 10)
    with pytest.raises(MigrationError, match="would be rejected"):
        threshold.moved(5.0, 5.0, GOOD, GOOD + 9.2, same, same)
    with pytest.raises(TooFewPartsError, match="score higher here"):
        threshold.moved(5.0, 9.0, GOOD, GOOD * 4 + 18, same, same)


def test_a_refusal_says_whether_parts_or_defects_are_shown_otherwise() -> None:
    there = np.linspace(9, 10, 10)
    with pytest.raises(MigrationError, match=r"10 at its own threshold 5: .* lamps"):
        threshold.moved(5.0, 9.0, GOOD, GOOD + 12, there, there)
    with pytest.raises(MigrationError, match=r"threshold 5 rejects 0, .* lose 14 .* sharper lens"):
        threshold.moved(5.0, 9.0, GOOD, GOOD, there, there - 14)
    # good parts as at home, and defects too: nothing to refuse
    assert threshold.moved(5.0, 9.0, GOOD, GOOD, there, there).value == 5.0


def test_more_of_the_same_parts_can_settle_what_few_cannot() -> None:
    same, few = np.full(10, 9.0), (GOOD + 4.0) * 1.6 + 1.5
    with pytest.raises(TooFewPartsError):
        threshold.moved(3.3, 9.0, GOOD - 1, few, same, same)
    assert threshold.moved(3.3, 9.0, GOOD - 1, np.tile(few, 3), same, same).value == 3.3


def test_higher_scores_far_under_the_threshold_pass() -> None:
    same = np.full(10, 9.0)
    rule = threshold.moved(5.0, 9.0, GOOD, GOOD + 1.5, same, same)
    assert rule.p_higher < 0.01 and rule.limit < rule.value


def test_the_tolerance_limit_covers_what_it_says() -> None:
    rng = np.random.default_rng(7)
    limits = [threshold.tolerance_limit(rng.standard_normal(10)) for _ in range(400)]
    assert 0.92 <= float(np.mean(np.array(limits) >= 2.326)) <= 0.98
