"""Double differences of the ambiguities, their integers, and the position that these give."""

from __future__ import annotations

import numpy as np

from positioning.gnss.ambiguity.resolve import resolve_kernel
from positioning.gnss.rtk.arrays import CORE, F64, GLONASS, I64, Differences, Flags
from positioning.gnss.rtk.coarse import groups_of
from positioning.gnss.rtk.tuning import Tuning
from positioning.gnss.rtk.updates import WAVE_L1_M
from positioning.jit import compiled, reordered

_OTHER_CYCLES = 0.3  # a resolved ambiguity that changes by more is another integer


@compiled
def pairs_of(differences: Differences, ambiguity: I64, may_fix: Flags) -> tuple[I64, I64]:
    """(n,) states of the ambiguities to fix and of the reference of each: the highest of its group.

    GLONASS is left out: its carriers differ, so that receivers' biases between the channels keep
    its double differences from being integers.
    """
    group, groups = groups_of(differences.group)
    own, reference = np.zeros(len(group), np.int64), np.zeros(len(group), np.int64)
    count = 0
    for g in range(groups):
        members = np.flatnonzero((group == g) & may_fix)
        if len(members) < 2 or differences.satellite[members[0]] // 100 == GLONASS:
            continue
        top = members[np.argmax(differences.elevation_rad[members])]
        for m in members:
            if m != top:
                own[count], reference[count] = ambiguity[m], ambiguity[top]
                count += 1
    return own[:count], reference[:count]


@compiled
def double_differenced(x: F64, p: F64, own: I64, reference: I64) -> tuple[F64, F64, F64]:
    """Ambiguities (n,), their covariance (n, n), and that of all states with them (states, n)."""
    n, states = len(own), len(x)
    across = np.zeros((states, n))
    for i in range(states):
        line = p[i]
        for j in range(n):
            across[i, j] = line[own[j]] - line[reference[j]]
    covariance = np.zeros((n, n))
    for i in range(n):
        first, second = across[own[i]], across[reference[i]]
        for j in range(n):
            covariance[i, j] = first[j] - second[j]
    return x[own] - x[reference], 0.5 * (covariance + covariance.T), across


@reordered
def _solve_factored(upper: F64, variance: F64, right: F64) -> F64:
    """(U diag(d) U')^-1 right (m,)."""
    m = len(variance)
    out = right.copy()
    for i in range(m - 1, -1, -1):
        line, total = upper[i], out[i]
        for j in range(i + 1, m):
            total -= line[j] * out[j]
        out[i] = total
    for i in range(m):
        out[i] /= variance[i]
    for i in range(m):
        line, take = upper[i], out[i]
        for j in range(i + 1, m):
            out[j] -= line[j] * take
    return out


@compiled
def apart_norm(upper: F64, variance: F64, apart: F64) -> float:
    """apart' (U diag(d) U')^-1 apart: chi-square of float ambiguities less their integers."""
    return float(apart @ _solve_factored(upper, variance, apart))


@compiled
def condition(
    x: F64, p: F64, across: F64, found: tuple[F64, F64, F64, F64], ambiguities: F64
) -> tuple[F64, F64]:
    """States (n,) and the position's covariance (3, 3), given the integers that were found."""
    combination, integers, upper, variance = found
    apart = combination @ ambiguities - integers
    pull = combination.T @ _solve_factored(upper, variance, apart)
    coupling = across[:CORE] @ combination.T
    taken = np.zeros((CORE, CORE))
    for axis in range(CORE):
        taken[axis] = coupling @ _solve_factored(upper, variance, coupling[axis])
    return x - across @ pull, p[:CORE, :CORE] - 0.5 * (taken + taken.T)


@compiled
def atmosphere(x: F64, differences: Differences, mapped: F64, places: tuple[I64, I64, int]) -> F64:
    """(M,) m that the estimated zenith and slant delays add to each phase."""
    _, slants, zenith = places
    added = np.zeros(len(mapped))
    for m in range(len(added)):
        if zenith >= 0:
            added[m] += mapped[m] * x[zenith]
        if slants[m] >= 0:
            added[m] -= (differences.wavelength_m[m] / WAVE_L1_M) ** 2 * x[slants[m]]
    return added


@compiled
def contradicts(
    fixed: F64, differences: Differences, ambiguity: I64, before: F64, may: Flags
) -> tuple[int, int]:
    """Double-differenced ambiguities that are other than at the last fix, and how many compare.

    before: (states,) single-differenced ambiguities of the last fix, NaN where there is none.
    """
    own, reference = pairs_of(differences, ambiguity, may)
    other, compared = 0, 0
    for j in range(len(own)):
        change = fixed[own[j]] - fixed[reference[j]] - (before[own[j]] - before[reference[j]])
        if np.isfinite(change):
            compared += 1
            other += abs(change) > _OTHER_CYCLES
    return other, compared


@compiled
def misfit(
    x: F64, differences: Differences, ranges: F64, directions: F64, ambiguity: I64, used: Flags
) -> tuple[float, float, F64]:
    """Phases under states x: RMS, m; chi-square per degree of freedom; normalised residuals (M,).

    ranges: with the atmosphere. Receiver clocks are taken out as each group's weighted mean.
    """
    group, groups = groups_of(differences.group)
    total, mean, members = np.zeros(groups), np.zeros(groups), np.zeros(groups)
    left, scaled = np.zeros(len(group)), np.zeros(len(group))
    for m in range(len(group)):
        if not used[m]:
            continue
        d = directions[m]
        moved = d[0] * x[0] + d[1] * x[1] + d[2] * x[2]
        whole = differences.wavelength_m[m] * x[ambiguity[m]]
        left[m] = differences.phase_m[m] - ranges[m] + moved - whole
        weight = 1.0 / differences.phase_m2[m]
        total[group[m]] += weight
        mean[group[m]] += weight * left[m]
        members[group[m]] += 1.0
    squares, chi2, count = 0.0, 0.0, 0.0
    for m in range(len(group)):
        if used[m] and members[group[m]] > 1.0:
            left[m] -= mean[group[m]] / total[group[m]]
            scaled[m] = left[m] / np.sqrt(differences.phase_m2[m])
            squares += left[m] ** 2
            chi2 += scaled[m] ** 2
            count += 1.0
    freedom = count - np.sum(members > 1.0) - 3.0
    if freedom < 1.0:
        return np.sqrt(squares / max(count, 1.0)), 0.0, scaled
    return np.sqrt(squares / count), chi2 / freedom, scaled


@compiled
def fix(
    x: F64,
    p: F64,
    differences: Differences,
    model: tuple[F64, F64, F64],
    places: tuple[I64, I64, int],
    used: Flags,
    tuning: Tuning,
) -> tuple[bool, F64, F64, F64]:
    """Whether the fix is to be believed, states, position covariance, and numbers about it.

    numbers (7,): ratio, success rate, combinations fixed, ambiguities there were, RMS of phases
    in m, their chi-square per degree of freedom, and that of the ambiguities under their integers.
    """  # fmt: skip
    ranges, directions, mapped = model
    ambiguity = places[0]
    numbers = np.zeros(7)
    may = used & ~differences.half & (differences.elevation_rad >= tuning.fixing_mask_rad)
    covariance = p[:CORE, :CORE].copy()
    own, reference = pairs_of(differences, ambiguity, may)
    numbers[3] = len(own)
    if len(own) < tuning.least_fixed:
        return False, x, covariance, numbers
    ambiguities, dd_covariance, across = double_differenced(x, p, own, reference)
    found = resolve_kernel(
        ambiguities, dd_covariance, tuning.least_success, tuning.least_ratio, tuning.least_fixed
    )
    numbers[0], numbers[1], numbers[2] = found[4], found[7], len(found[1])
    numbers[6] = found[6] / max(len(found[1]), 1)
    if len(found[1]) == 0:
        return False, x, covariance, numbers
    fixed, fixed_covariance = condition(x, p, across, found[:4], ambiguities)
    through = ranges + atmosphere(fixed, differences, mapped, places)
    numbers[4], numbers[5], _ = misfit(fixed, differences, through, directions, ambiguity, may)
    if numbers[5] > tuning.most_misfit:
        return False, x, covariance, numbers
    return True, fixed, fixed_covariance, numbers
