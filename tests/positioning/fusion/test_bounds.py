"""The Cramer-Rao bound of the clocks' offset: closed forms, and the drives that it is told for."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.fusion.alignment import PRIOR
from positioning.fusion.bounds import Passing, offset_bound_s, steady_bound_s

pytestmark = pytest.mark.positioning

TIMES = np.arange(0.0, 10.0, 0.05)
SPREAD = (0.6, 0.3)


def _body(x: float, y: float, vx: float, vy: float) -> Passing:
    return Passing(np.array([x, y]), np.array([vx, vy]), 1.5, TIMES, TIMES + 0.01)


BODIES = (_body(230.0, 1.75, -10.0, 0.0), _body(110.0, -1.75, 8.0, 0.0), _body(130.0, 5.0, 0, -1.3))


def _straight(times_s: np.ndarray) -> np.ndarray:
    return np.stack([10 * times_s, 0 * times_s, 0 * times_s, 10 + 0 * times_s, 0 * times_s], axis=1)


def _swinging(times_s: np.ndarray) -> np.ndarray:
    """Half a metre to each side, every three seconds."""
    turn = 2 * np.pi / 3
    y, vy = 0.5 * np.sin(turn * times_s), 0.5 * turn * np.cos(turn * times_s)
    return np.stack([10 * times_s, y, np.arctan2(vy, 10.0), 10 + 0 * times_s, vy], axis=1)


def test_sensors_without_error_do_not_tell_a_difference_ahead_from_time() -> None:
    """Two on the road are known by their own way alone; who walks across it by its left as well."""
    relative = np.array([[20.0, 0.0], [-2.0, 0.0], [1.3, -10.0]])
    bound = offset_bound_s(BODIES, _straight, SPREAD, less=1e-3)
    assert bound == pytest.approx(steady_bound_s(relative, SPREAD), rel=0.02)


def test_one_body_at_a_steady_speed_is_its_difference_over_its_speed() -> None:
    bound = steady_bound_s(np.array([[20.0, 0.0]]), SPREAD)
    alone = 0.6 / 20
    assert bound == pytest.approx((alone**-2 + PRIOR[0] ** -2) ** -0.5)


def test_better_sensors_and_more_bodies_never_know_less() -> None:
    whole = offset_bound_s(BODIES, _straight, SPREAD)
    assert whole >= offset_bound_s(BODIES, _straight, SPREAD, less=0.1)
    assert offset_bound_s(BODIES[:1], _straight, SPREAD) >= whole
    assert whole >= offset_bound_s(BODIES, _straight, (0.1, 0.1))
    assert offset_bound_s((), _straight, SPREAD) == pytest.approx(PRIOR[0])


def test_a_carrier_that_swings_is_not_bound_so() -> None:
    straight = offset_bound_s(BODIES, _straight, SPREAD, less=0.1)
    assert offset_bound_s(BODIES, _swinging, SPREAD, less=0.1) < straight / 20


def test_straight_streets_cannot_tell_two_milliseconds() -> None:
    """Of a drive of the simulator; of the same that steers they can."""
    from positioning.acceptance.sync import _steered, bounds_ms
    from positioning.sim.road import scenario

    world = scenario.street(31, vehicles=8, seconds=10.3)
    wide, _, narrow = bounds_ms(world)
    assert wide > 10.0 and 1.0 < narrow < 4.0
    assert bounds_ms(_steered(world))[0] < 1.0
