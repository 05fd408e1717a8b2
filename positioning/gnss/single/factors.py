"""What ties the states of a drive together: code, Doppler, motion, clocks, as normal equations.

The state of an epoch is position, velocity (east, north, up; m, m/s), receiver clock and its drift
(m, m/s) and the clock of every further system against the first (m).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.jit import compiled

STATE = 8
"""Position, velocity, clock, drift; the further systems' clocks follow."""

JUMP_M2 = 1e12
"""Variance of the clock over a jump that the receiver makes of itself (a millisecond is 3e5 m)."""

F64 = NDArray[np.float64]


class Geometry(NamedTuple):
    """Rows M linear in the state: range_m = -los.p + clock, rate_mps = -los.v + drift.

    first: (E + 1,). time_s: (E,). jump: (E,) the receiver set its clock before this epoch.
    los: (M, 3) towards the satellite, local. slot: (M,) index of the system, 0 the first.
    range_m, rate_mps: (M,). code_sigma_m, rate_sigma_mps: (M,); inf leaves the row out.
    """

    first: NDArray[np.int64]
    time_s: F64
    jump: NDArray[np.bool_]
    los: F64
    slot: NDArray[np.int64]
    range_m: F64
    rate_mps: F64
    code_sigma_m: F64
    rate_sigma_mps: F64


class Process(NamedTuple):
    """Densities as Settings has them, one number each."""

    drive: float
    heave: float
    climb: float
    clock: float
    drift: float
    bias: float
    correlation: float


class Doubts(NamedTuple):
    """Sigmas from where on a row is doubted."""

    late: float
    early: float
    rate: float


@compiled
def weigh(
    geometry: Geometry, state: F64, doubts: Doubts, widened: float, code: F64, rate: F64
) -> None:
    """Fill the robust weights (M,) of ranges and rates, 0 to 1, before their variances.

    Late: Geman and McClure, which lets go of what lies far out; early, and rates: Cauchy, which
    never quite does. widened: of all bounds, to anneal them (graduated non-convexity).
    """
    for e in range(len(geometry.time_s)):
        for n in range(geometry.first[e], geometry.first[e + 1]):
            expected = -np.dot(geometry.los[n], state[e, :3]) + state[e, 6]
            if geometry.slot[n] > 0:
                expected += state[e, STATE - 1 + geometry.slot[n]]
            off = (geometry.range_m[n] - expected) / (geometry.code_sigma_m[n] * widened)
            square = (off / (doubts.late if off > 0 else doubts.early)) ** 2
            code[n] = 1 / (1 + square) ** 2 if off > 0 else 1 / (1 + square)
            moving = -np.dot(geometry.los[n], state[e, 3:6]) + state[e, 7]
            off = (geometry.rate_mps[n] - moving) / (geometry.rate_sigma_mps[n] * widened)
            rate[n] = 1 / (1 + (off / doubts.rate) ** 2)


@compiled
def assemble(
    geometry: Geometry, process: Process, state: F64, code: F64, rate: F64
) -> tuple[F64, F64, F64]:
    """Normal equations (diagonal, upper, right) of the correction to the state (E, n)."""
    epochs, n = state.shape
    diagonal, right = np.zeros((epochs, n, n)), np.zeros((epochs, n))
    upper = np.zeros((epochs - 1, n, n))
    steady = 1 / process.climb**2
    for e in range(epochs):
        for k in range(n):
            diagonal[e, k, k] += 1e-9
        gap = geometry.time_s[e] - geometry.time_s[e - 1] if e > 0 else process.correlation
        share = min(1.0, gap / process.correlation)
        diagonal[e, 5, 5] += steady * share
        right[e, 5] -= steady * share * state[e, 5]
        for row in range(geometry.first[e], geometry.first[e + 1]):
            _row(geometry, row, share, state[e], code[row], rate[row], diagonal[e], right[e])
        if e > 0:
            _step(process, gap, geometry.jump[e], e - 1, state, diagonal, upper, right)
    return diagonal, upper, right


@compiled
def _row(
    geometry: Geometry,
    row: int,
    share: float,
    state: F64,
    code: float,
    rate: float,
    block: F64,
    right: F64,
) -> None:
    los, slot = geometry.los[row], geometry.slot[row]
    extra = STATE - 1 + slot
    weight = share * code / geometry.code_sigma_m[row] ** 2
    if weight > 0:
        off = geometry.range_m[row] + np.dot(los, state[:3]) - state[6]
        off -= state[extra] if slot > 0 else 0.0
        _enter(los, 0, 6, weight, off, block, right)
        if slot > 0:
            for k in range(3):
                block[k, extra] -= weight * los[k]
                block[extra, k] -= weight * los[k]
            block[6, extra] += weight
            block[extra, 6] += weight
            block[extra, extra] += weight
            right[extra] += weight * off
    weight = share * rate / geometry.rate_sigma_mps[row] ** 2
    if weight > 0:
        off = geometry.rate_mps[row] + np.dot(los, state[3:6]) - state[7]
        _enter(los, 3, 7, weight, off, block, right)


@compiled
def _enter(
    los: F64, at: int, clock: int, weight: float, off: float, block: F64, right: F64
) -> None:
    """Add weight h h' and weight h off, with h = -los at `at` and 1 at `clock`."""
    for a in range(3):
        for b in range(3):
            block[at + a, at + b] += weight * los[a] * los[b]
        block[at + a, clock] -= weight * los[a]
        block[clock, at + a] -= weight * los[a]
        right[at + a] -= weight * los[a] * off
    block[clock, clock] += weight
    right[clock] += weight * off


@compiled
def _step(
    process: Process,
    gap: float,
    jump: bool,
    e: int,
    state: F64,
    diagonal: F64,
    upper: F64,
    right: F64,
) -> None:
    """From epoch e to the next: nearly constant velocity, nearly constant drift, steady biases."""
    for axis in range(3):
        density = process.heave if axis == 2 else process.drive
        _integrate(axis, 3 + axis, gap, 0.0, density, e, state, diagonal, upper, right)
    phase = process.clock * gap + (JUMP_M2 if jump else 0.0)
    _integrate(6, 7, gap, phase, process.drift, e, state, diagonal, upper, right)
    weight = 1 / (process.bias * gap)
    for k in range(STATE, state.shape[1]):
        off = state[e + 1, k] - state[e, k]
        diagonal[e, k, k] += weight
        diagonal[e + 1, k, k] += weight
        upper[e, k, k] -= weight
        right[e, k] += weight * off
        right[e + 1, k] -= weight * off


@compiled
def _integrate(
    a: int,
    b: int,
    gap: float,
    phase: float,
    density: float,
    e: int,
    state: F64,
    diagonal: F64,
    upper: F64,
    right: F64,
) -> None:
    """State a integrates b; b walks at random with a density, a besides by a variance `phase`."""
    q11, q12, q22 = phase + density * gap**3 / 3, density * gap**2 / 2, density * gap
    scale = 1 / (q11 * q22 - q12 * q12)
    i11, i12, i22 = q22 * scale, -q12 * scale, q11 * scale
    off_a = state[e + 1, a] - state[e, a] - gap * state[e, b]
    off_b = state[e + 1, b] - state[e, b]
    pull_a, pull_b = i11 * off_a + i12 * off_b, i12 * off_a + i22 * off_b
    right[e, a] += pull_a
    right[e, b] += gap * pull_a + pull_b
    right[e + 1, a] -= pull_a
    right[e + 1, b] -= pull_b
    mixed = i11 * gap + i12
    diagonal[e, a, a] += i11
    diagonal[e, a, b] += mixed
    diagonal[e, b, a] += mixed
    diagonal[e, b, b] += mixed * gap + i12 * gap + i22
    diagonal[e + 1, a, a] += i11
    diagonal[e + 1, a, b] += i12
    diagonal[e + 1, b, a] += i12
    diagonal[e + 1, b, b] += i22
    upper[e, a, a] -= i11
    upper[e, a, b] -= i12
    upper[e, b, a] -= mixed
    upper[e, b, b] -= i12 * gap + i22
