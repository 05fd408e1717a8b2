"""Miss and false rates with their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from inspection.metrics.rates import Rate, rates

pytestmark = pytest.mark.inspection


def test_rates_count_each_side_of_the_truth() -> None:
    truth = [True] * 4 + [False] * 6
    rejected = [True, True, True, False] + [True, True] + [False] * 4
    found = rates(truth, rejected)
    assert found.miss is not None and found.false is not None
    assert (found.miss.events, found.miss.n, found.miss.value) == (1, 4, 0.25)
    assert (found.false.events, found.false.n) == (2, 6)


def test_no_miss_in_a_thousand_bounds_the_rate_at_three_in_a_thousand() -> None:
    rate = Rate.of(0, 1000)
    assert rate.low == 0
    assert rate.high == pytest.approx(1 - 0.05 ** (1 / 1000), rel=1e-9)


def test_the_bounds_are_where_the_count_becomes_a_five_per_cent_surprise() -> None:
    rate = Rate.of(7, 200)
    assert binom.cdf(7, 200, rate.high) == pytest.approx(0.05, abs=1e-9)
    assert binom.sf(6, 200, rate.low) == pytest.approx(0.05, abs=1e-9)


def test_without_parts_of_a_sort_there_is_no_rate_of_it() -> None:
    assert rates([True], [True]).false is None
    assert rates([False], [True]).miss is None
    with pytest.raises(ValueError, match="trials"):
        Rate.of(0, 0)
    with pytest.raises(ValueError, match="must both"):
        rates(np.ones(2), np.ones(3))
