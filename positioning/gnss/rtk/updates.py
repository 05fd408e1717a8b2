"""The measurement update: single differences one at a time, a receiver clock to each group.

Double differencing is elimination of the receiver clock. Here the clock is a state that lives as
long as its group's update and begins, without any prior, from the group's median signal. That is
the double difference exactly, with diagonal noise, no choice of reference satellite, and an
innovation of its own for every signal.

Ambiguities are single-differenced integers beside a datum: the first of a group is set to the
nearest integer and held, which its clock absorbs (an S-basis: Teunissen 1985; Odijk et al. 2016,
Radio Science 51). When the datum's satellite sets, the others keep the datum among themselves, so
a change of reference never happens.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.rtk.arrays import F64, I64, Differences, Flags
from positioning.gnss.rtk.coarse import CAUCHY, groups_of
from positioning.gnss.rtk.states import IONOSPHERE, ZENITH, positions_of
from positioning.gnss.satellite import FREQUENCIES_HZ, SPEED_OF_LIGHT_MPS
from positioning.jit import compiled, reordered

WAVE_L1_M = SPEED_OF_LIGHT_MPS / FREQUENCIES_HZ["G1"]
"""The slant delays are told at L1."""

_TERMS = 7  # position 3, zenith, slant, ambiguity, clock


@compiled
def layout(key: I64, differences: Differences) -> tuple[I64, I64, int]:
    """(M,) states of each difference's ambiguity and slant delay, and the zenith's; or -1."""
    ambiguity = positions_of(key, differences.key)
    slant = positions_of(key, IONOSPHERE + differences.satellite)
    zenith = positions_of(key, np.array([np.int64(ZENITH)]))
    return ambiguity, slant, zenith[0]


@compiled
def row(
    index: I64, value: F64, direction: F64, mapped: float, states: tuple[int, int], slant: float
) -> int:
    """Fill a sparse row of the design with position and atmosphere; how many entries it has.

    states: of the zenith and the slant delay, -1 for none. slant: factor of the slant delay.
    """
    for axis in range(3):
        index[axis], value[axis] = axis, -direction[axis]
    count = 3
    if states[0] >= 0:
        index[count], value[count] = states[0], mapped
        count += 1
    if states[1] >= 0:
        index[count], value[count] = states[1], slant
        count += 1
    return count


@compiled
def predict(x: F64, index: I64, value: F64, count: int) -> float:
    """h x."""
    total = 0.0
    for c in range(count):
        total += value[c] * x[index[c]]
    return total


@reordered
def spread(p: F64, index: I64, value: F64, count: int) -> tuple[F64, float]:
    """P h' (n,) and h P h'."""
    gain = np.zeros(len(p))
    for c in range(count):
        take, times = p[index[c]], value[c]
        for i in range(len(gain)):
            gain[i] += times * take[i]
    total = 0.0
    for c in range(count):
        total += value[c] * gain[index[c]]
    return gain, total


@reordered
def absorb(
    x: F64, p: F64, entries: tuple[I64, F64, int], innovation: float, variance: float, gate: float
) -> bool:
    """Update by one scalar; False, and nothing done, where it lies outside the gate (sigmas)."""
    index, value, count = entries
    gain, own = spread(p, index, value, count)
    total = own + variance
    if innovation * innovation > gate * gate * total:
        return False
    step = innovation / total
    for i in range(len(gain)):
        if gain[i] == 0.0:
            continue
        x[i] += gain[i] * step
        into, share = p[i], gain[i] / total
        for j in range(len(gain)):
            into[j] -= share * gain[j]
    return True


@compiled
def define(
    x: F64,
    p: F64,
    at: int,
    entries: tuple[I64, F64, int],
    observed: tuple[float, float],
    unit: float,
) -> None:
    """Begin state `at`, of which nothing was known, by left = h x + unit * state + noise.

    observed: left, and the variance of its noise.
    """
    index, value, count = entries
    left, variance = observed
    p[at, :] = 0.0
    p[:, at] = 0.0
    gain, own = spread(p, index, value, count)
    x[at] = (left - predict(x, index, value, count)) / unit
    for i in range(len(gain)):
        p[at, i] = p[i, at] = -gain[i] / unit
    p[at, at] = (own + variance) / unit**2


@compiled
def median_of(values: F64) -> int:
    """Which of the values is the (lower) median."""
    return int(np.argsort(values)[(len(values) - 1) // 2])


@compiled
def code_update(
    x: F64,
    p: F64,
    differences: Differences,
    model: tuple[F64, F64, F64],
    places: tuple[I64, I64, int],
    quality: tuple[float, F64],
    gate: float,
) -> int:
    """Absorb the codes; how many.

    model: range, direction, mapping of `coarse.places`; quality: of `coarse.coarse_position`, the
    codes' error over the model's, and their doubts. While the position is not known, an
    innovation cannot tell which code lies: doubts, of all codes together, say it beforehand.
    """
    scale, doubt = quality
    ranges, directions, mapped = model
    _, slants, zenith = places
    clock, used = len(x) - 1, 0
    index, value = np.zeros(_TERMS, np.int64), np.zeros(_TERMS)
    group, groups = groups_of(differences.group)
    left = differences.code_m - ranges
    for g in range(groups):
        members = np.flatnonzero((group == g) & np.isfinite(left) & (doubt < gate))
        if len(members) < 2:
            continue
        first = members[median_of(left[members] + directions[members] @ x[:3].copy())]
        for turn in range(-1, len(members)):
            m = first if turn < 0 else members[turn]
            if turn >= 0 and m == first:
                continue
            slant = (differences.wavelength_m[m] / WAVE_L1_M) ** 2
            count = row(index, value, directions[m], mapped[m], (zenith, slants[m]), slant)
            variance = differences.code_m2[m] * scale**2 * (1.0 + (doubt[m] / CAUCHY) ** 2)
            if turn < 0:
                define(x, p, clock, (index, value, count), (left[m], variance), 1.0)
                used += 1
                continue
            index[count], value[count] = clock, 1.0
            innovation = left[m] - predict(x, index, value, count + 1)
            used += absorb(x, p, (index, value, count + 1), innovation, variance, gate)
    p[clock, :] = 0.0
    p[:, clock] = 0.0
    return used


@compiled
def phase_update(
    x: F64,
    p: F64,
    differences: Differences,
    model: tuple[F64, F64, F64],
    places: tuple[I64, I64, int],
    gate: float,
) -> tuple[Flags, Flags]:
    """Absorb the phases; which were used (M,), and which were refused (M,)."""
    ranges, directions, mapped = model
    ambiguity, slants, zenith = places
    count_all, clock = len(ranges), len(x) - 1
    used, refused = np.zeros(count_all, np.bool_), np.zeros(count_all, np.bool_)
    index, value = np.zeros(_TERMS, np.int64), np.zeros(_TERMS)
    group, groups = groups_of(differences.group)
    left = differences.phase_m - ranges
    for g in range(groups):
        members = np.flatnonzero((group == g) & np.isfinite(left))
        if len(members) == 0:
            continue
        live = members[np.isfinite(x[ambiguity[members]])]
        if len(live) == 0:
            datum = members[np.argmin(differences.phase_m2[members])]
            apart = differences.phase_m[datum] - differences.code_m[datum]
            if not np.isfinite(apart):
                apart = left[datum]
            x[ambiguity[datum]] = np.rint(apart / differences.wavelength_m[datum])
            live = np.array([datum])
        whole = x[ambiguity[live]] * differences.wavelength_m[live]
        first = live[median_of(left[live] - whole + directions[live] @ x[:3].copy())]
        for turn in range(-1, 2 * len(members)):  # first, then what is live, then what begins
            m = first if turn < 0 else members[turn % len(members)]
            begins = not np.isfinite(x[ambiguity[m]])
            if turn >= 0 and (used[m] or refused[m] or begins != (turn >= len(members))):
                continue
            slant = -((differences.wavelength_m[m] / WAVE_L1_M) ** 2)
            count = row(index, value, directions[m], mapped[m], (zenith, slants[m]), slant)
            at, wave, variance = ambiguity[m], differences.wavelength_m[m], differences.phase_m2[m]
            if begins:
                index[count], value[count] = clock, 1.0
                define(x, p, at, (index, value, count + 1), (left[m], variance), wave)
                used[m] = True
                continue
            index[count], value[count] = at, wave
            if turn < 0:
                define(x, p, clock, (index, value, count + 1), (left[m], variance), 1.0)
                used[m] = True
                continue
            index[count + 1], value[count + 1] = clock, 1.0
            innovation = left[m] - predict(x, index, value, count + 2)
            used[m] = absorb(x, p, (index, value, count + 2), innovation, variance, gate)
            refused[m] = not used[m]
    p[clock, :] = 0.0
    p[:, clock] = 0.0
    return used, refused
