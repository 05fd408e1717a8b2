"""What codes and range rates leave beside a rough place: the first sign of a reflection.

A robust place of each epoch by its codes alone, receiver clocks as medians, and the velocity that
most of the range rates agree on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.atmosphere import L1_HZ, klobuchar, troposphere
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.satellite import BANDS, SPEED_OF_LIGHT_MPS, SYSTEMS
from positioning.gnss.single.epochs import flight
from positioning.gnss.single.measurements import prepare
from positioning.gnss.single.settings import Settings
from positioning.gnss.single.smooth import held
from positioning.gnss.single.solve import alone
from positioning.jit import compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_TURN = geodesy.EARTH_RATE_RADPS / SPEED_OF_LIGHT_MPS
_ROUNDS = 8
_RATE_MPS = 0.1  # from where on a range rate is doubted
_SEASON = 28.0  # a day of the year: what the troposphere's season does is no sign of a street


class Leftovers(NamedTuple):
    """code_m, rate_mps: (N, BANDS) about the epoch's median, NaN where there is none.
    sine: (N,) of the elevation."""

    code_m: F64
    rate_mps: F64
    sine: F64


def leftovers(
    observations: Observations, orbits: BroadcastOrbits, near_m: F64
) -> tuple[Leftovers, F64] | None:
    """Of all rows, and the last epoch's place (3,); None where not one epoch has a place.

    near_m: (3,) of the epoch before the first, NaN if there is none.
    """
    rows = prepare(observations, orbits, orbits.messages.glonass_channels())
    model = orbits.messages.klobuchar()
    place, _, _ = alone(rows, model, Settings())
    if np.isnan(place[0, 0]):
        place[0] = near_m
    if not np.isfinite(place[:, 0]).any():
        return None
    near = held(place)
    epoch = observations.epoch_of_row
    code = observations.code_m
    some = np.where(np.isfinite(code), code, -np.inf).max(axis=1)
    told = observations.tow_s[epoch] - np.where(some > 0, some, np.nan) / SPEED_OF_LIGHT_MPS
    week = observations.week[epoch]
    clock = orbits.states(observations.satellite, week, told).clock_s
    states = orbits.states(observations.satellite, week, told - clock)
    found = Leftovers(code + SPEED_OF_LIGHT_MPS * states.clock_s[:, None],
                      _rates(observations, states.clock_rate), np.empty(len(code)))  # fmt: skip
    latitude, longitude, height = geodesy.to_geodetic(near)
    axes = geodesy.enu_axes(latitude, longitude)
    los = np.empty((len(code), 3))
    air = np.zeros(8) if model is None else model
    place, velocity = (np.ascontiguousarray(x) for x in (states.position_m, states.velocity_mps))
    _centred(observations.first, place, velocity, near, axes,
             np.column_stack((latitude, longitude, height)), observations.tow_s, air,
             observations.frequency_hz, found, los)  # fmt: skip
    _clocks(observations.first, observations.satellite, found.code_m)
    _moving(observations.first, los, found.rate_mps)
    return found, near[-1]


def _rates(observations: Observations, clock_rate: F64) -> F64:
    wave = SPEED_OF_LIGHT_MPS / observations.frequency_hz
    return -observations.doppler_hz * wave + SPEED_OF_LIGHT_MPS * clock_rate[:, None]


@compiled
def _centred(
    first: I64, satellite_m: F64, velocity_mps: F64, near: F64, axes: F64, place: F64, tow_s: F64,
    air: F64, frequency_hz: F64, left: Leftovers, los: F64,
) -> None:  # fmt: skip
    """Take range, air and the satellites' motion out of codes and rates; fill los and sines."""
    for e in range(len(tow_s)):
        for n in range(first[e], first[e + 1]):
            apart = satellite_m[n] - near[e]
            los[n] = apart / np.sqrt(np.dot(apart, apart))
            local = axes[e] @ los[n]
            left.sine[n] = local[2]
            elevation = np.arcsin(max(local[2], 0.02))
            azimuth = np.arctan2(local[0], local[1])
            away = flight(satellite_m[n], near[e])
            away += troposphere(place[e, 0], place[e, 2], elevation, _SEASON)
            bent = klobuchar(air, place[e, 0], place[e, 1], azimuth, elevation, tow_s[e])
            turned = velocity_mps[n, 0] * near[e, 1] - velocity_mps[n, 1] * near[e, 0]
            coming = np.dot(velocity_mps[n], los[n]) + _TURN * turned
            for b in range(BANDS):
                left.code_m[n, b] -= away + bent * (L1_HZ / frequency_hz[n, b]) ** 2
                left.rate_mps[n, b] -= coming


@compiled
def _clocks(first: I64, satellite: NDArray[np.int16], code: F64) -> None:
    """Take each epoch's median off, by system and band."""
    for e in range(len(first) - 1):
        low, high = first[e], first[e + 1]
        system = satellite[low:high] // 100
        for s in range(len(SYSTEMS)):
            for b in range(BANDS):
                here = np.flatnonzero((system == s) & np.isfinite(code[low:high, b])) + low
                if len(here):
                    middle = np.median(code[here, b])
                    for n in here:
                        code[n, b] -= middle


@compiled
def _moving(first: I64, los: F64, rate: F64) -> None:
    """Take out of each epoch's rates the velocity and drift that most of them agree on."""
    for e in range(len(first) - 1):
        low, high = first[e], first[e + 1]
        values = rate[low:high].copy().ravel()
        use = np.flatnonzero(np.isfinite(values))
        if len(use) < 5:
            rate[low:high] = np.nan
            continue
        design = np.ones((len(use), 4))
        design[:, :3] = -los[low + use // BANDS]
        told = values[use]
        state = np.zeros(4)
        state[3] = np.median(told)
        for _ in range(_ROUNDS):
            weight = 1 / (1 + ((told - design @ state) / _RATE_MPS) ** 2)
            weighted = design.T * weight
            normal = weighted @ design + 1e-6 * np.eye(4)
            state += np.linalg.solve(normal, weighted @ (told - design @ state))
        values[use] = told - design @ state
        rate[low:high] = values.reshape(-1, BANDS)
