"""Orbits from SP3: Lagrange's polynomial in the frame that does not turn between the nodes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.sp3 import PreciseEphemeris
from positioning.gnss.geodesy import EARTH_RATE_RADPS
from positioning.gnss.orbits.states import F64, I64, SatelliteStates
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.jit import compiled

NODES = 10
_VARIANCE_M2 = 0.01
_C2 = SPEED_OF_LIGHT_MPS**2


class PreciseOrbits:
    """SP3 positions by a polynomial through ten nodes, clocks linear between two.

    Before the first and after the last node, and where a node is missing, there is no state. The
    clock has the relativistic term -2 r.v / c^2 added, which SP3 leaves out.
    """

    def __init__(self, ephemeris: PreciseEphemeris) -> None:
        self.ephemeris = ephemeris
        weeks = ephemeris.week - ephemeris.week[0]
        self._time_s = np.ascontiguousarray(weeks * 604_800.0 + ephemeris.tow_s)
        self._position_m = np.ascontiguousarray(ephemeris.position_m)
        if np.any(np.diff(self._time_s) <= 0):
            raise ValueError("the epochs of a precise ephemeris must rise")

    def states(
        self, satellite: NDArray[np.int16], week: NDArray[np.int32], tow_s: F64
    ) -> SatelliteStates:
        """States of satellites (N,) at GPS times of transmission (N,)."""
        index = np.searchsorted(self.ephemeris.satellite, satellite)
        index[index == len(self.ephemeris.satellite)] = 0
        index = np.where(self.ephemeris.satellite[index] == satellite, index, -1)
        time_s = (week - self.ephemeris.week[0]) * 604_800.0 + tow_s
        out = np.full((len(satellite), 8), np.nan)
        _interpolate(self._time_s, self._position_m, self.ephemeris.clock_s, index, time_s, out)
        healthy = np.isfinite(out).all(axis=1)
        variance = np.where(healthy, _VARIANCE_M2, np.nan)
        return SatelliteStates(out[:, :3], out[:, 3:6], out[:, 6], out[:, 7], variance, healthy)


@compiled
def _interpolate(
    nodes_s: F64, position_m: F64, clock_s: F64, index: I64, time_s: F64, out: F64
) -> None:
    count = min(NODES, len(nodes_s))
    weight, slope = np.empty(count), np.empty(count)
    for n in range(len(index)):
        t = time_s[n]
        if index[n] < 0 or not (nodes_s[0] <= t <= nodes_s[-1]):
            continue
        right = min(max(np.searchsorted(nodes_s, t), 1), len(nodes_s) - 1)
        begin = min(max(right - count // 2, 0), len(nodes_s) - count)
        _basis(nodes_s[begin : begin + count], t, weight, slope)
        out[n, :6] = 0.0
        for k in range(count):
            angle = EARTH_RATE_RADPS * (nodes_s[begin + k] - t)
            s, c = math.sin(angle), math.cos(angle)
            x, y, z = position_m[begin + k, index[n]]
            _add(out[n], x * c - y * s, y * c + x * s, z, weight[k], slope[k])
        out[n, 3] += EARTH_RATE_RADPS * out[n, 1]
        out[n, 4] -= EARTH_RATE_RADPS * out[n, 0]
        before, after = clock_s[right - 1, index[n]], clock_s[right, index[n]]
        rate = (after - before) / (nodes_s[right] - nodes_s[right - 1])
        moving = out[n, 0] * out[n, 3] + out[n, 1] * out[n, 4] + out[n, 2] * out[n, 5]
        out[n, 6] = before + rate * (t - nodes_s[right - 1]) - 2 * moving / _C2
        out[n, 7] = rate


@compiled
def _add(out: F64, x: float, y: float, z: float, weight: float, slope: float) -> None:
    out[0] += weight * x
    out[1] += weight * y
    out[2] += weight * z
    out[3] += slope * x
    out[4] += slope * y
    out[5] += slope * z


@compiled
def _basis(nodes_s: F64, t: float, weight: F64, slope: F64) -> None:
    """Lagrange's basis at t and its derivative."""
    for k in range(len(nodes_s)):
        value, rate = 1.0, 0.0
        for j in range(len(nodes_s)):
            if j != k:
                span = nodes_s[k] - nodes_s[j]
                rate = rate * (t - nodes_s[j]) / span + value / span
                value *= (t - nodes_s[j]) / span
        weight[k], slope[k] = value, rate
