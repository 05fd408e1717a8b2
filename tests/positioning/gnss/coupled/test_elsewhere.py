"""An estimate in real time that began far off: when it moves, and what it then still knows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from positioning.gnss.coupled import realtime
from positioning.gnss.coupled.graph import STATE, Outside, Prior, State
from positioning.gnss.coupled.lag import elsewhere, loosened, part
from positioning.gnss.coupled.rows import frame_about, relative
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import Problem, steps_of
from positioning.gnss.coupled.start import begin, world
from positioning.gnss.integrity.simulated import errors_m
from positioning.gnss.solution import Quality
from tests.positioning.gnss.coupled.drives import Replayed, drive, parts, rtk

pytestmark = pytest.mark.positioning

LOW, HIGH = 150, 200
FAR_M = np.array([40.0, -45.0, 10.0])


@cache
def window():
    """Ten seconds at the true places, without any fix."""
    d, (rover, orbits, vehicle) = drive(), parts()
    frame = frame_about(d.truth.position_m)
    rows = relative(rover, d.base, orbits, d.base_position_m, d.truth.position_m, frame, Settings())
    local, speed = frame.local(d.truth.position_m), d.truth.velocity_mps @ frame.axes.T
    epochs = len(rover)
    none = Outside(np.full((epochs, 3), np.nan), np.zeros((epochs, 3, 3)), np.ones(epochs))
    wheel, push = vehicle.wheels.at(rows.time_s)
    around = world(frame, vehicle.lever_m)
    whole = Problem(rows, vehicle.record, wheel, push, none, around)
    state = begin(local, speed, vehicle.lever_m)
    some = State(*(field[LOW:HIGH] for field in state))
    cut = part(whole, LOW, HIGH)
    return cut, some, local[LOW:HIGH], steps_of(cut, some, Settings())


def test_it_moves_to_where_the_codes_agree() -> None:
    problem, state, near, steps = window()
    off = state._replace(place=state.place + FAR_M)
    shift = elsewhere(problem, off, near, steps, Settings())
    assert shift is not None
    np.testing.assert_allclose(shift, -FAR_M, atol=0.3)


def test_it_stays_whatever_single_places_say_that_codes_do_not() -> None:
    problem, state, near, steps = window()
    assert elsewhere(problem, state, near, steps, Settings()) is None
    assert elsewhere(problem, state, near + FAR_M, steps, Settings()) is None


def test_fixes_alone_may_say_it() -> None:
    problem, state, near, steps = window()
    place, count = near.copy(), HIGH - LOW
    told = Outside(place, np.tile(np.eye(3) * 2500.0, (count, 1, 1)), np.ones(count))
    off = state._replace(place=state.place + FAR_M)
    shift = elsewhere(problem._replace(outside=told), off, near + FAR_M, steps, Settings())
    assert shift is not None
    np.testing.assert_allclose(shift, -FAR_M, atol=0.3)


def test_a_moved_prior_keeps_all_but_the_place() -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(STATE, STATE))
    information = root @ root.T + np.eye(STATE)
    state = begin(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(3))
    right = rng.normal(size=STATE)
    made = loosened(Prior(state, information, right), FAR_M)
    old, new = np.linalg.inv(information), np.linalg.inv(made.information)
    grown = np.zeros((STATE, STATE))
    grown[:3, :3] = 25.0 * np.eye(3)
    np.testing.assert_allclose(new, old + grown, atol=1e-6)
    np.testing.assert_allclose(new @ made.right, old @ right, atol=1e-6)
    np.testing.assert_allclose(made.state.place[0], FAR_M)


def test_a_start_under_reflections_is_left_behind() -> None:
    """RTK sixty metres off while it begins, and on every code of that time with it: half a minute
    later nothing is left of it."""
    d, (rover, orbits, vehicle) = drive(), parts()
    solution, until = rtk()[0], 60
    place, quality = solution.position_m.copy(), solution.quality.copy()
    place[:until] += d.place.axes.T @ FAR_M
    quality[: until + 40] = Quality.FLOAT
    told = replace(solution, position_m=place, quality=quality)
    late = np.zeros(len(rover.satellite))
    begin_rows = int(rover.first[until])
    rng = np.random.default_rng(3)
    per_satellite = rng.uniform(0, 80, 800)
    late[:begin_rows] = per_satellite[rover.satellite[:begin_rows]]
    lying = replace(rover, code_m=rover.code_m + late[:, None])
    coupled, _, _ = realtime.solve(
        lying, orbits, vehicle, d.base, d.base_position_m, rtk=Replayed(told)
    )
    off = errors_m(coupled.solution.position_m, d)
    assert np.hypot(off[-100:, 0], off[-100:, 1]).max() < 0.5
