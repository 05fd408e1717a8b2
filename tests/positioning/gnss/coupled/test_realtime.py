"""The coupled estimate in real time, and what RTK hears of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from positioning.gnss.coupled import realtime
from positioning.gnss.integrity.simulated import errors_m
from positioning.gnss.rtk.pipeline import NOWHERE, Files
from positioning.gnss.solution import Quality
from tests.positioning.gnss.coupled.drives import Replayed, drive, parts, rtk

pytestmark = pytest.mark.positioning

EPOCHS = 120


@cache
def whole():
    d, (rover, orbits, vehicle) = drive(), parts()
    return realtime.solve(rover, orbits, vehicle, d.base, d.base_position_m)


def test_it_does_not_look_ahead() -> None:
    d, (rover, orbits, vehicle) = drive(), parts()
    early, _, _ = realtime.solve(
        rover.epochs(0, EPOCHS), orbits, vehicle, d.base, d.base_position_m
    )
    late = whole()[0].solution
    apart = late.position_m[:EPOCHS] - early.solution.position_m
    assert np.linalg.norm(apart, axis=1).max() < 0.05  # frames differ, the estimates hardly


def test_what_comes_after_a_fix_is_near() -> None:
    coupled, relative, about = whole()
    off = errors_m(coupled.solution.position_m, drive())
    fixed = np.cumsum(coupled.solution.quality == Quality.FIX) > 0
    assert fixed.any()
    assert np.percentile(np.hypot(off[fixed, 0], off[fixed, 1]), 95) < 0.5
    assert len(relative) == len(about.numbers) == len(coupled.solution)


def test_rtk_hears_nothing_before_a_fix_and_then_where_it_is() -> None:
    d, (rover, orbits, vehicle) = drive(), parts()
    solution = rtk()[0]
    quality = solution.quality.copy()
    quality[:EPOCHS] = Quality.FLOAT
    engine = Replayed(replace(solution, quality=quality))
    realtime.solve(rover, orbits, vehicle, d.base, d.base_position_m, rtk=engine)
    heard = np.array([place for place, _ in engine.heard])
    told = np.isfinite(heard[:, 0])
    assert not told[:EPOCHS].any() and told[-100:].all()
    off = np.linalg.norm(heard[-100:] - d.truth.position_m[-100:], axis=1)
    assert np.percentile(off, 95) < 0.5


def test_a_drive_that_begins_without_satellites_has_no_place_there() -> None:
    d, (rover, orbits, vehicle) = drive(), parts()
    dark = rover.where(rover.epoch_of_row >= 40)
    coupled, relative, _ = realtime.solve(dark, orbits, vehicle, d.base, d.base_position_m)
    solution = coupled.solution
    assert len(solution) == len(relative) == len(rover)
    assert np.all(solution.quality[:40] == Quality.NONE)
    assert not np.isfinite(solution.position_m[:40]).any()
    assert np.isfinite(solution.position_m[40:]).all()


def test_a_told_place_keeps_rtk_where_most_codes_are_late() -> None:
    """Most codes sixty metres late, phases begun anew: by itself RTK is tens of metres off."""
    d, (rover, orbits, _) = drive(), parts()
    some = rover.epochs(0, 10)
    late = np.where(some.satellite % 3 != 0, 60.0, 0.0) * (some.satellite % 2 + 1)
    lying = replace(some, code_m=some.code_m + late[:, None])
    alone = Files(lying, d.base, orbits, d.base_position_m)
    helped = Files(lying, d.base, orbits, d.base_position_m)
    spread = np.eye(3) * 0.01
    for e in range(10):
        true_m = d.truth.position_m[e]
        by_itself = alone.epoch(e)
        told = helped.epoch(e, (true_m, spread))
    assert np.linalg.norm(by_itself.position_m - true_m) > 5.0
    assert np.linalg.norm(told.position_m - true_m) < 1.0


def test_a_told_place_that_codes_refute_is_not_taken() -> None:
    d, (rover, orbits, _) = drive(), parts()
    alone = Files(rover, d.base, orbits, d.base_position_m)
    misled = Files(rover, d.base, orbits, d.base_position_m)
    for e in range(5):
        wrong = d.truth.position_m[e] + np.array([300.0, -200.0, 100.0])
        by_itself, told = alone.epoch(e, NOWHERE), misled.epoch(e, (wrong, np.eye(3) * 0.01))
    np.testing.assert_array_equal(by_itself.position_m, told.position_m)
