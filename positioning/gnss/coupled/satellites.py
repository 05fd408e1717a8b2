"""What satellites say about an antenna's place and motion, receiver clocks eliminated.

Each epoch's rows become 3 x 3 normal equations of the antenna's place (codes), velocity (Doppler)
and displacement since the epoch before (phases). Robust weights narrow round by round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.rows import Rows
from positioning.jit import compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_CLOCK_ROUNDS = 3


@compiled
def _centre(
    values: F64, sigma: F64, weight: F64, group: I64, low: int, high: int, clock: F64
) -> None:
    """Fill clock (G,) with each group's weighted mean of values low:high; NaN without any."""
    total = np.zeros(len(clock))
    clock[:] = 0.0
    for n in range(low, high):
        w = weight[n] / sigma[n] ** 2
        total[group[n]] += w
        clock[group[n]] += w * values[n]
    clock /= total


@compiled
def _medians(values: F64, sigma: F64, group: I64, low: int, high: int, clock: F64) -> None:
    clock[:] = np.nan
    for g in range(len(clock)):
        some = np.empty(high - low)
        count = 0
        for n in range(low, high):
            if group[n] == g and np.isfinite(sigma[n]):
                some[count] = values[n]
                count += 1
        if count > 0:
            clock[g] = np.median(some[:count])


@compiled
def doubt(
    values: F64, sigma: F64, group: I64, low: int, high: int, groups: int, late: float,
    early: float, widened: float, weight: F64,
) -> None:  # fmt: skip
    """Fill the robust weights, 0 to 1, of residuals low:high about their groups' clocks.

    Late (positive): Geman and McClure, which lets go of what lies far out; early: Cauchy, which
    never quite does.
    """
    clock = np.empty(groups)
    _medians(values, sigma, group, low, high, clock)
    for turn in range(_CLOCK_ROUNDS):
        if turn > 0:
            _centre(values, sigma, weight, group, low, high, clock)
        for n in range(low, high):
            off = (values[n] - clock[group[n]]) / (sigma[n] * widened)
            if off > 0:
                weight[n] = 1 / (1 + (off / late) ** 2) ** 2
            else:
                weight[n] = 1 / (1 + (off / early) ** 2)
            if not np.isfinite(sigma[n]):
                weight[n] = 0.0


@compiled
def normal(
    los: F64, values: F64, sigma: F64, weight: F64, group: I64, low: int, high: int, groups: int,
    share: float, block: F64, right: F64,
) -> None:  # fmt: skip
    """Add the normal equations of values = -los.x + clock of the group, the clocks eliminated.

    block: (3, 3), right: (3,).
    """
    total, mean_value = np.zeros(groups), np.zeros(groups)
    mean_los = np.zeros((groups, 3))
    for n in range(low, high):
        w = weight[n] / sigma[n] ** 2
        total[group[n]] += w
        mean_value[group[n]] += w * values[n]
        for a in range(3):
            mean_los[group[n], a] += w * los[n, a]
    for g in range(groups):
        if total[g] > 0:
            mean_value[g] /= total[g]
            mean_los[g] /= total[g]
    for n in range(low, high):
        w = share * weight[n] / sigma[n] ** 2
        if w == 0.0:
            continue
        g = group[n]
        off = values[n] - mean_value[g]
        for a in range(3):
            da = los[n, a] - mean_los[g, a]
            right[a] -= w * da * off
            for b in range(3):
                block[a, b] += w * da * (los[n, b] - mean_los[g, b])


@compiled
def residuals(
    rows: Rows, antenna: F64, speed: F64, los: F64, code: F64, rate: F64, phase: F64,
    phase_sigma: F64,
) -> None:  # fmt: skip
    """Fill what rows leave at antenna places and velocities (E, 3), and the lines of sight.

    phase: the change since the epoch before; its sigma is inf where there is none.
    """
    for e in range(len(rows.time_s)):
        for n in range(rows.first[e], rows.first[e + 1]):
            apart = rows.satellite_m[n] - antenna[e]
            away = np.sqrt(apart[0] ** 2 + apart[1] ** 2 + apart[2] ** 2)
            los[n] = apart / away
            code[n] = rows.code_m[n] - away
            rate[n] = rows.rate_mps[n] + np.dot(los[n], speed[e])
            prior = rows.before[n]
            phase_sigma[n], phase[n] = np.inf, 0.0
            if prior >= 0:
                back = rows.satellite_m[prior] - antenna[e - 1]
                was = np.sqrt(back[0] ** 2 + back[1] ** 2 + back[2] ** 2)
                phase[n] = rows.phase_m[n] - away - (rows.phase_m[prior] - was)
                phase_sigma[n] = np.sqrt(rows.phase_sigma[n] ** 2 + rows.phase_sigma[prior] ** 2)
