"""GLONASS state vectors carried on by Runge and Kutta's fourth order (GLONASS ICD 5.1, A.3.1.2)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from positioning.gnss.orbits.kepler import since
from positioning.gnss.orbits.states import F64
from positioning.jit import compiled

MU = 3.9860044e14
J2 = 1.0826257e-3
RADIUS_M = 6_378_136.0
RATE = 7.292115e-5
STEP_S = 60.0


@compiled
def evaluate(record: Any, week: int, tow_s: float, out: F64) -> None:
    """Fill out (8,): position, velocity (m, m/s, ECEF), clock (s) and its rate."""
    t = since(week, tow_s, record.toe_week, record.toe_s)
    state = np.empty(6)
    state[:3], state[3:] = record.position_m, record.velocity_mps
    pull = record.acceleration_mps2
    left = t
    while abs(left) > 1e-9:
        step = min(max(left, -STEP_S), STEP_S)
        k1 = _rates(state, pull)
        k2 = _rates(state + k1 * (step / 2), pull)
        k3 = _rates(state + k2 * (step / 2), pull)
        k4 = _rates(state + k3 * step, pull)
        state += (k1 + 2 * k2 + 2 * k3 + k4) * (step / 6)
        left -= step
    out[:6] = state
    out[6] = record.clock_bias_s + record.clock_drift * t
    out[7] = record.clock_drift


@compiled
def _rates(state: F64, pull: F64) -> F64:
    x, y, z = state[0], state[1], state[2]
    r2 = x * x + y * y + z * z
    central = MU / (r2 * math.sqrt(r2))
    oblate = 1.5 * J2 * central * RADIUS_M * RADIUS_M / r2
    flat = 5 * z * z / r2
    across = -central - oblate * (1 - flat)
    rates = np.empty(6)
    rates[:3] = state[3:]
    rates[3] = (across + RATE * RATE) * x + 2 * RATE * state[4] + pull[0]
    rates[4] = (across + RATE * RATE) * y - 2 * RATE * state[3] + pull[1]
    rates[5] = (-central - oblate * (3 - flat)) * z + pull[2]
    return rates
