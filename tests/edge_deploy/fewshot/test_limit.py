"""The prediction limit: its rate under its own law, and that law found again."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.limit import MOST, Spreads

pytestmark = pytest.mark.edge

LAW = Spreads(freedom=8.0, variance=0.1)


def drawn(rng: np.random.Generator, surfaces: int, each: int) -> np.ndarray:
    """Values (surfaces, each) by the law, each surface with a mean of its own."""
    variances = LAW.freedom * LAW.variance / rng.chisquare(LAW.freedom, (surfaces, 1))
    return rng.normal(rng.normal(0, 5, (surfaces, 1)), np.sqrt(variances), (surfaces, each))


@pytest.mark.parametrize("share", [0.2, 0.025])
def test_as_many_further_values_exceed_it_as_are_said(share: float) -> None:
    values = drawn(np.random.default_rng(1), 20_000, 4)
    limits = np.array([LAW.limit(three, share) for three in values[:, :3]])
    chance = np.sqrt(share * (1 - share) / len(values))
    assert (values[:, 3] > limits).mean() == pytest.approx(share, abs=4 * chance)


def test_a_spread_that_is_known_for_certain_gives_the_normal_laws_limit() -> None:
    values = np.array([1.0, 2.0, 4.0])
    known = Spreads(1e9, 0.25).limit(values, 0.025)
    assert known == pytest.approx(values.mean() + 1.959964 * 0.5 * np.sqrt(4 / 3), rel=1e-6)


def test_three_values_move_the_spread_as_far_as_their_number_allows() -> None:
    middle = np.array([-1.0, 0.0, 1.0])
    none, wide = (LAW.limit(middle * spread, 0.025) for spread in (0.0, 1.0))
    held = LAW.freedom * LAW.variance
    assert wide / none == pytest.approx(np.sqrt((held + 2.0) / held))


def test_the_law_of_spreads_is_found_again() -> None:
    values = drawn(np.random.default_rng(2), 4_000, 6)
    found = Spreads.of(values.var(1, ddof=1).tolist(), 5)
    assert found.freedom == pytest.approx(LAW.freedom, rel=0.15)
    assert found.variance == pytest.approx(LAW.variance, rel=0.05)


def test_equal_spreads_are_one_spread_and_one_is_no_law() -> None:
    values = np.random.default_rng(3).normal(0, 0.5, (2_000, 6))
    alike = Spreads.of(values.var(1, ddof=1).tolist(), 5)
    assert alike.freedom > 50 and alike.variance == pytest.approx(0.25, rel=0.05)
    assert Spreads.of([0.1, 0.1], 500).freedom == MOST
    with pytest.raises(EdgeError, match="two surfaces"):
        Spreads.of([0.1], 5)
