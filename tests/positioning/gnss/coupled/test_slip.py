"""Wheels that slip, over 40 s in which no satellite tells a place: by laws of which the estimate
knows one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from positioning.gnss.coupled.sensors import Wheels
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.solve import Reference, Vehicle, solve
from positioning.gnss.integrity.simulated import errors_m
from positioning.gnss.solution import Quality, Solution
from tests.positioning.gnss.coupled.drives import drive, parts, rtk

pytestmark = pytest.mark.positioning

ENDS = 50  # epochs at either end with a fix
SCALE, STEP_MPS = 1.01, 0.02
MUTE = Settings(code_floor_m=1e4, rate_floor_mps=1e3, phase_floor_m=1e3)
RIGID = MUTE._replace(wheel_slip=1e-6, slip_walk=1e-8)
LAWS = {
    "none": lambda push: 0 * push,
    "in proportion": lambda push: 0.008 * push,
    "by the square": lambda push: 0.0027 * push * np.abs(push),
    "braking alone": lambda push: 0.008 * np.minimum(push, 0),
}


def fixed_at_the_ends() -> Solution:
    d, (told, _) = drive(), rtk()
    here = np.zeros(len(d.rover), bool)
    here[:ENDS] = here[-ENDS:] = True
    return replace(
        told,
        position_m=np.where(here[:, None], d.truth.position_m, np.nan),
        covariance_m2=np.where(here[:, None, None], 1e-4 * np.eye(3), np.nan),
        quality=np.where(here, Quality.FIX, Quality.NONE).astype(np.int8),
    )


def worst_m(law: str, settings: Settings) -> float:
    """Largest horizontal error of the drive with wheels that slip by a law."""
    d, (rover, orbits, vehicle) = drive(), parts()
    time_s = d.wheel.time_s
    ahead = d.motion.attitude(time_s)[:, :, 0]
    speed, push = (np.sum(d.motion.position(time_s, k) * ahead, axis=1) for k in (1, 2))
    turned = np.round(speed * (SCALE + LAWS[law](push)) / STEP_MPS) * STEP_MPS
    car = Vehicle(vehicle.record, Wheels(vehicle.wheels.time_s, turned), vehicle.lever_m)
    reference = Reference(d.base, d.base_position_m, fixed_at_the_ends())
    coupled = solve(rover, orbits, car, reference, settings=settings)
    return float(np.hypot(*errors_m(coupled.solution.position_m, d).T[:2]).max())


@pytest.mark.parametrize("law", ["in proportion", "by the square"])
def test_slip_under_force_is_found_and_taken_off(law):
    free, rigid = worst_m(law, MUTE), worst_m(law, RIGID)
    assert free < 0.15 and rigid > 2 * free


@pytest.mark.parametrize("law", ["none", "braking alone"])
def test_where_there_is_none_or_another_nothing_is_lost(law):
    assert worst_m(law, MUTE) < 1.25 * worst_m(law, RIGID) + 0.01
