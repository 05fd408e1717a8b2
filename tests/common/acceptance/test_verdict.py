"""Verdicts, and what an indicator and a measurement refuse to be."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.acceptance.figures import Picture, Series
from common.acceptance.indicator import Comparator
from common.acceptance.measurement import (
    LEAST_DRAWN,
    Measurement,
    exact,
    not_measured,
    rate,
    resampled,
)
from common.acceptance.statistics import n_for_zero_failures
from common.acceptance.verdict import judge

from .rows import DATA, indicator

pytestmark = pytest.mark.common
finite = st.floats(-1e6, 1e6)


def test_verdict_turns_at_the_n_that_the_bound_needs() -> None:
    needed = n_for_zero_failures(0.003)
    assert judge(indicator(), rate(0, needed, DATA)) == "met"
    assert judge(indicator(), rate(0, needed - 1, DATA)) == "on track"
    assert judge(indicator(), rate(1, 300, DATA)) == "not met"
    assert judge(indicator(), rate(1, 334, DATA)) == "on track"
    assert judge(indicator(), not_measured("no hospital")) == "not measured"


@given(finite, finite, finite, st.sampled_from(["<=", "<", ">=", ">", "=="]), finite)
def test_met_means_that_every_value_within_the_bounds_holds(
    a: float, b: float, c: float, comparator: Comparator, target: float
) -> None:
    low, value, high = sorted((a, b, c))
    told = indicator(comparator=comparator, target=target)
    verdict = judge(told, Measurement(value, low, high, 5, DATA))
    inside = [low, value, high, (low + high) / 2]
    assert (verdict == "met") == all(told.holds(x) for x in inside)
    assert (verdict == "not met") == (not told.holds(value))


@given(finite, finite, finite)
def test_larger_is_better_mirrors_smaller_is_better(a: float, b: float, target: float) -> None:
    assume(a <= b)
    under = judge(indicator(target=target), Measurement(a, a, b, 1, DATA))
    mirrored = indicator(comparator=">=", target=-target)
    assert judge(mirrored, Measurement(-a, -b, -a, 1, DATA)) == under


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"id": "a b"}, "letters, digits"),
        ({"id": "../x"}, "letters, digits"),
        ({"comparator": "=<"}, "comparator"),
        ({"evidence": "guess"}, "evidence"),
        ({"target": math.nan}, "finite"),
        ({"method": ""}, "must not be empty"),
    ],
)
def test_an_indicator_that_makes_no_sense_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        indicator(**changed)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((None, None, None, 0, ""), "needs its reason"),
        ((0.5, None, 1.0, 3, DATA), "needs its bounds"),
        ((0.5, 0.6, 1.0, 3, DATA), "outside its bounds"),
        ((0.5, 0.5, math.inf, 3, DATA), "not finite"),
        ((0.5, 0.5, 0.5, 0, DATA), "n >= 1"),
        ((0.5, 0.5, 0.5, 1, "abc"), "64 hexadecimal"),
    ],
)
def test_a_measurement_that_says_nothing_is_refused(given: tuple[Any, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Measurement(*given)


def test_figures_are_checked_when_made() -> None:
    with pytest.raises(ValueError, match="neither PNG nor JPEG"):
        Picture(b"<svg/>", "x")
    with pytest.raises(ValueError, match="differ in length"):
        Series("s", [1, 2], [1])
    with pytest.raises(ValueError, match="not finite"):
        Series("s", [1], [math.nan])
    with pytest.raises(ValueError, match="together"):
        Series("s", [1], [1], low=[0])
    assert exact(3, 1, DATA).high == 3.0


def test_few_units_have_no_bounds_and_are_on_track_at_most() -> None:
    few = resampled(0.0, (0.0, 0.0), LEAST_DRAWN - 1, DATA)
    assert (few.low, few.high) == (None, None) and "too few" in few.note
    assert judge(indicator(), few) == "on track"
    assert judge(indicator(), resampled(1.0, (1.0, 1.0), 2, DATA)) == "not met"
    enough = resampled(0.0, (0.0, 0.0), LEAST_DRAWN, DATA)
    assert judge(indicator(), enough) == "met"
    with pytest.raises(ValueError, match="needs its bounds"):
        Measurement(0.0, None, 1.0, 9, DATA)
