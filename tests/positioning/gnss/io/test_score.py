"""Scores: closed forms, properties, and what silence costs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from common.errors import LingnanError
from positioning.gnss.formats.truth import Truth
from positioning.gnss.geodesy import enu_axes, to_ecef, to_geodetic
from positioning.gnss.score import percentile, score
from positioning.gnss.solution import Quality, Solution

pytestmark = pytest.mark.positioning

WEEK = 2300
PLACE = to_ecef(np.deg2rad(23.1), np.deg2rad(113.3), np.float64(20.0))
AXES = enu_axes(*to_geodetic(PLACE)[:2])


def truth(count: int, interval_s: float = 1.0, speed_mps: float = 0.0) -> Truth:
    """A drive to the east."""
    time_s = WEEK * 604_800.0 + interval_s * np.arange(count)
    return Truth(time_s, PLACE + np.outer(speed_mps * interval_s * np.arange(count), AXES[0]))


def solution(
    at: Truth, enu_m: NDArray[np.float64], quality: NDArray[np.int8] | Quality = Quality.FIX
) -> Solution:
    """The truth moved by errors (E, 3)."""
    count = len(at.time_s)
    nothing = np.full(count, np.nan, np.float32)
    return Solution(
        week=np.full(count, WEEK, np.int32),
        tow_s=at.time_s - WEEK * 604_800.0,
        position_m=at.position_m + enu_m @ AXES,
        covariance_m2=np.full((count, 3, 3), np.nan),
        quality=np.broadcast_to(np.asarray(quality, np.int8), count).copy(),
        satellites=np.full(count, 9, np.int16),
        age_s=nothing,
        ratio=nothing,
    )


def part(made: Solution, keep: NDArray[np.generic]) -> Solution:
    """Only some epochs, in the order told."""
    return Solution(
        made.week[keep], made.tow_s[keep], made.position_m[keep], made.covariance_m2[keep],
        made.quality[keep], made.satellites[keep], made.age_s[keep], made.ratio[keep],
    )  # fmt: skip


def test_figures_of_known_errors() -> None:
    """100 epochs, 0.01 m to 1 m to the east, up twice that."""
    at = truth(100)
    size = np.arange(1, 101) / 100
    found = score(solution(at, np.stack([size, 0 * size, -2 * size], axis=1)), at)
    assert (found.expected, found.available, found.fixed) == (100, 100, 100)
    flat = found.horizontal
    assert (flat.p50_m, flat.p68_m, flat.p95_m) == pytest.approx((0.5, 0.68, 0.95), abs=1e-6)
    assert found.vertical.p95_m == pytest.approx(1.9, abs=1e-6)
    assert flat.rms_m == pytest.approx(math.sqrt(np.mean(size**2)), abs=1e-6)
    wrong = int((size * math.sqrt(5) > 0.5).sum())
    assert found.wrong_fixes == wrong and found.wrong_fix_rate == wrong / 100
    within = {"0.1": 0.1, "0.15": 0.15, "0.5": 0.5}
    assert found.within == pytest.approx(within, abs=0.011)  # on the limit itself lies rounding
    assert found.fixed_horizontal_p95_m == pytest.approx(0.95, abs=1e-6)


def test_silence_costs_what_it_should() -> None:
    """Without its worst 40 % a solver gains nothing: the 68th percentile becomes infinite."""
    at = truth(100)
    errors = np.zeros((100, 3))
    errors[60:, 0] = 30.0
    spoken = score(solution(at, errors), at)
    silent = score(part(solution(at, errors), np.arange(60)), at)
    assert silent.expected == spoken.expected == 100
    assert silent.availability == 0.6 and silent.fix_rate == 0.6
    assert silent.horizontal.p50_m == spoken.horizontal.p50_m
    assert silent.horizontal.p68_m == math.inf and spoken.horizontal.p68_m == pytest.approx(30.0)
    assert silent.horizontal.rms_m == pytest.approx(0.0, abs=1e-6)
    told = json.loads(json.dumps(silent.to_json(), allow_nan=False))
    assert told["horizontal"]["p68_m"] is None


def test_an_interval_tells_what_is_expected() -> None:
    at = truth(101, 0.1)
    made = part(solution(at, np.zeros((101, 3))), np.arange(0, 101, 5))
    assert score(made, at).availability == pytest.approx(21 / 101)
    found = score(made, at, 1.0)
    assert (found.expected, found.available, found.unexpected) == (11, 11, 10)


def test_a_place_that_does_not_move_is_judged_over_the_observations_span() -> None:
    at = truth(60)
    made = part(solution(at, np.zeros((60, 3))), np.arange(10, 60))
    still = Truth(np.zeros(0), PLACE[None])
    assert score(made, still).expected == 50
    found = score(made, still, span_s=(at.time_s[0], at.time_s[-1]))
    assert (found.expected, found.available, found.interval_s) == (60, 50, 1.0)


def test_a_moving_truth_is_taken_at_the_solution_s_own_time() -> None:
    """20 m/s and a clock that is 30 ms late: the error is the solver's, not the clock's 0.6 m."""
    at = truth(50, 1.0, 20.0)
    made = solution(at, np.zeros((50, 3)))
    made.tow_s[:] += 0.03
    made.position_m[:] += 0.6 * AXES[0]
    found = score(part(made, np.arange(49)), at)
    assert found.available == 49 and found.horizontal.p95_m < 1e-3


def test_epochs_beyond_the_tolerance_are_not_taken() -> None:
    at = truth(20)
    made = solution(at, np.zeros((20, 3)))
    made.tow_s[:] += 0.2
    assert score(made, at).available == 0
    assert score(made, at, tolerance_s=0.25).available == 19  # the last lies after the truth


def test_duplicates_and_disorder_are_named_and_harmless() -> None:
    at = truth(30)
    made = solution(at, np.full((30, 3), 0.01))
    order = np.concatenate([np.arange(29, -1, -1), [3, 3]])
    messy, tidy = score(part(made, order), at), score(made, at)
    assert (messy.duplicates, messy.unsorted) == (2, 29)
    assert messy.horizontal == tidy.horizontal and messy.available == 30


@given(
    seed=st.integers(0, 1000), kept=st.floats(0, 1), count=st.integers(2, 60),
    sigma=st.floats(0.01, 10),
)  # fmt: skip
def test_what_holds_for_every_score(seed: int, kept: float, count: int, sigma: float) -> None:
    rng = np.random.default_rng(seed)
    at = truth(count, 0.5, 5.0)
    quality = rng.choice(np.array([1, 2, 5], np.int8), count)
    made = solution(at, rng.normal(size=(count, 3)) * sigma, quality)
    left = np.flatnonzero(rng.random(count) < kept)
    found = score(part(made, left), at)
    assert found.expected == count and found.available == len(left)
    assert 0 <= found.wrong_fixes <= found.fixed <= found.available
    for spread in (found.horizontal, found.vertical, found.three_d):
        assert 0 <= spread.p50_m <= spread.p68_m <= spread.p95_m
    assert found.three_d.p50_m >= max(found.horizontal.p50_m, found.vertical.p50_m) - 1e-6
    assert found.within["0.1"] <= found.within["0.15"] <= found.within["0.5"] <= found.availability
    assert score(part(made, rng.permutation(left)), at).horizontal == found.horizontal
    whole = score(made, at)
    assert whole.horizontal.p95_m <= found.horizontal.p95_m + 1e-9
    assert (found.horizontal.p95_m < math.inf) == (len(left) >= math.ceil(0.95 * count))


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(1, 100))
def test_a_percentile_covers_its_share(values: list[float], percent: float) -> None:
    array = np.array(values)
    found = percentile(array, percent)
    assert (array <= found).mean() >= percent / 100 - 1e-9
    assert (array < found).mean() < percent / 100 or found == array.min()


def test_what_cannot_be_judged_is_named() -> None:
    at = truth(5)
    made = solution(at, np.zeros((5, 3)))
    with pytest.raises(LingnanError, match="--interval"):
        score(made, at, 0.0)
    with pytest.raises(LingnanError, match="--interval"):
        score(part(made, np.array([0])), Truth(np.zeros(0), PLACE[None]))
    with pytest.raises(LingnanError, match="no multiple"):
        score(made, Truth(at.time_s[1:3] + 0.1, at.position_m[1:3]), 100.0)
