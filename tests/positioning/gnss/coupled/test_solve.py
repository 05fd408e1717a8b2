"""A short simulated drive: what coupling must do whatever the numbers are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from positioning.gnss.coupled.errors import CoupledError
from positioning.gnss.coupled.inertial import Inertial
from positioning.gnss.coupled.sensors import Wheels, from_odometry
from positioning.gnss.coupled.solve import Reference, Vehicle, solve
from positioning.gnss.integrity.simulated import errors_m
from positioning.gnss.solution import Quality
from tests.positioning.gnss.coupled.drives import drive, parts, rtk

pytestmark = pytest.mark.positioning


def reference(solution=None):
    d = drive()
    return Reference(d.base, d.base_position_m, solution or rtk()[0])


def horizontal(coupled):
    off = errors_m(coupled.solution.position_m, drive())
    return np.hypot(off[:, 0], off[:, 1])


def test_every_epoch_has_a_place_within_half_a_metre():
    off = horizontal(solve(*parts(), reference()))
    assert len(off) == len(drive().rover)
    assert np.percentile(off, 95) < 0.5


def test_fixes_that_lie_are_not_believed():
    honest = rtk()[0]
    lying = honest.position_m.copy()
    lying[150:190] += np.array([2.0, -1.5, 1.0])
    quality = honest.quality.copy()
    quality[150:190] = Quality.FIX
    spread = honest.covariance_m2.copy()
    spread[150:190] = np.eye(3) * 1e-4
    told = replace(honest, position_m=lying, quality=quality, covariance_m2=spread)
    coupled = solve(*parts(), reference(told))
    assert coupled.believed[150:190].max() < 0.5
    assert horizontal(coupled)[150:190].max() < 0.5


def test_wheels_and_inertia_bridge_ten_seconds_without_satellites():
    rover, orbits, vehicle = parts()
    gap = (rover.epoch_of_row >= 150) & (rover.epoch_of_row < 200)
    honest = rtk()[0]
    quality = honest.quality.copy()
    quality[150:200] = Quality.NONE
    coupled = solve(rover.where(~gap), orbits, vehicle, reference(replace(honest, quality=quality)))
    assert np.all(coupled.solution.quality[150:200] == Quality.DEAD_RECKONING)
    assert horizontal(coupled)[150:200].max() < 1.0


def test_without_a_base_it_is_better_than_ten_metres():
    coupled = solve(*parts())
    assert set(coupled.solution.quality) <= {Quality.SINGLE, Quality.DEAD_RECKONING}
    assert np.percentile(horizontal(coupled), 95) < 10.0


def test_records_of_another_time_are_refused():
    rover, orbits, vehicle = parts()
    late = vehicle.record._replace(time_s=vehicle.record.time_s + 1e6)
    with pytest.raises(CoupledError, match="share no time"):
        solve(rover, orbits, Vehicle(late, vehicle.wheels, vehicle.lever_m))


def test_numbers_that_are_none_are_refused():
    rover, orbits, vehicle = parts()
    rate = vehicle.record.rate_radps.copy()
    rate[5] = np.nan
    record = Inertial(vehicle.record.time_s, rate, vehicle.record.force_mps2)
    with pytest.raises(CoupledError, match="rate_radps"):
        solve(rover, orbits, Vehicle(record, vehicle.wheels, vehicle.lever_m))


def test_rtk_of_another_rover_is_refused():
    rover, orbits, vehicle = parts()
    with pytest.raises(CoupledError, match="not of the rover"):
        solve(rover.epochs(0, 50), orbits, vehicle, reference())


def test_wheels_tell_speed_and_its_change():
    time = np.arange(0, 10, 0.02)
    speed, push = Wheels(time, 1.5 * time).at(np.array([2.0, 5.0, 30.0]))
    assert np.allclose(speed[:2], [3.0, 7.5], atol=1e-6) and np.isnan(speed[2])
    assert np.allclose(push[:2], 1.5, atol=1e-6)


def test_odometry_in_a_circle_pulls_to_the_middle():
    time = np.arange(0, 5, 0.2)
    record, wheels = from_odometry(time, np.full(25, 8.0), np.full(25, 0.25))
    assert np.allclose(record.force_mps2[1:, 1], 2.0)
    assert np.allclose(wheels.speed_mps, 8.0)
    with pytest.raises(CoupledError, match="rising"):
        from_odometry(time[::-1], time, time)
