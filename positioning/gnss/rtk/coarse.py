"""A position from differenced codes alone: where the filter linearises, and how good codes are.

Gauss-Newton with Cauchy weights; each group's receiver clock is taken out as its weighted mean.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.rtk.arrays import F64, I64, Differences
from positioning.gnss.rtk.geometry import line_of_sight, mapping, up_and_height, zenith_delay
from positioning.jit import compiled

_ROUNDS = 12
_STILL_M = 0.05
_AGREES = 3.0  # errors
CAUCHY = 2.385
"""Scale of Cauchy weights, 95 % efficient on Gaussian noise."""

_SCALES = (1.0, 20.0)  # how much worse than the model the codes may be found


@compiled
def places(differences: Differences, position: F64) -> tuple[F64, F64, F64]:
    """(M,) range plus troposphere, m; (M, 3) unit vectors; (M,) mapping of the troposphere."""
    count = len(differences.key)
    ranges, directions, mapped = np.zeros(count), np.zeros((count, 3)), np.zeros(count)
    up, height = up_and_height(position)
    zenith = zenith_delay(height)
    for m in range(count):
        if m > 0 and differences.satellite[m] == differences.satellite[m - 1]:
            ranges[m], mapped[m], directions[m] = ranges[m - 1], mapped[m - 1], directions[m - 1]
            continue
        ranges[m] = line_of_sight(differences.satellite_m[m], position, directions[m])
        d = directions[m]
        mapped[m] = mapping(d[0] * up[0] + d[1] * up[1] + d[2] * up[2])
        ranges[m] += zenith * mapped[m]
    return ranges, directions, mapped


@compiled
def groups_of(group: I64) -> tuple[I64, int]:
    """(M,) index of each difference's group, counted as they come, and how many there are."""
    names = np.zeros(len(group), np.int64)
    index = np.zeros(len(group), np.int64)
    count = 0
    for m in range(len(group)):
        at = 0
        while at < count and names[at] != group[m]:
            at += 1
        if at == count:
            names[count] = group[m]
            count += 1
        index[m] = at
    return index, count


@compiled
def _normal_equations(
    residual: F64, directions: F64, weight: F64, index: I64, groups: int
) -> tuple[F64, F64]:
    """(3, 3) and (3,) of the position, each group's clock eliminated."""
    total, mean, slope = np.zeros(groups), np.zeros(groups), np.zeros((groups, 3))
    for m in range(len(residual)):
        g, w = index[m], weight[m]
        total[g] += w
        mean[g] += w * residual[m]
        slope[g] -= w * directions[m]
    matrix, right = np.zeros((3, 3)), np.zeros(3)
    for g in range(groups):
        if total[g] > 0.0:
            mean[g] /= total[g]
            slope[g] /= total[g]
    for m in range(len(residual)):
        g, w = index[m], weight[m]
        if w > 0.0:
            for i in range(3):
                one = w * (-directions[m, i] - slope[g, i])
                right[i] += one * (residual[m] - mean[g])
                for j in range(3):
                    matrix[i, j] += one * (-directions[m, j] - slope[g, j])
    return matrix, right


@compiled
def _centre(residual: F64, weight: F64, index: I64, groups: int) -> None:
    """Take each group's weighted mean off."""
    total, mean = np.zeros(groups), np.zeros(groups)
    for m in range(len(residual)):
        total[index[m]] += weight[m]
        mean[index[m]] += weight[m] * residual[m]
    for m in range(len(residual)):
        if total[index[m]] > 0.0:
            residual[m] -= mean[index[m]] / total[index[m]]


@compiled
def coarse_position(differences: Differences, start: F64) -> tuple[bool, F64, float, F64]:
    """Whether codes give a position, the position (3,), their error over the model's, and doubts.

    doubt: (M,) residual of each code over its error, NaN where there is none.
    """
    doubt = np.full(len(differences.key), np.nan)
    code = np.flatnonzero(np.isfinite(differences.code_m))
    index, groups = groups_of(differences.group[code])
    position, scale = start.copy(), 1.0
    satellites = np.unique(differences.satellite[code])
    if len(satellites) < len(np.unique(satellites // 100)) + 3:
        return False, position, scale, doubt
    sigma = np.sqrt(differences.code_m2[code])
    scaled = np.zeros(len(code))
    weight = 1.0 / sigma**2
    base_weight = weight.copy()
    for turn in range(_ROUNDS):
        ranges, directions, _ = places(differences, position)
        residual = differences.code_m[code] - ranges[code]
        matrix, right = _normal_equations(residual, directions[code], weight, index, groups)
        for axis in range(3):
            matrix[axis, axis] += 1e-9  # of a position known to 30 km: no geometry gives no jump
        step = np.linalg.solve(matrix, right)
        position += step
        residual += directions[code] @ step
        _centre(residual, weight, index, groups)
        scaled = np.abs(residual) / sigma
        scale = min(max(1.4826 * np.median(scaled), _SCALES[0]), _SCALES[1])
        weight = base_weight / (1.0 + (scaled / (CAUCHY * scale)) ** 2)
        if turn > 2 and np.sqrt(np.sum(step**2)) < _STILL_M:
            break
    doubt[code] = scaled / scale
    return True, position, scale, doubt


@compiled
def doubts_at(differences: Differences, position: F64) -> tuple[float, F64]:
    """The codes' error over the model's, and each code's doubt (M,), at a position (3,)."""
    doubt = np.full(len(differences.key), np.nan)
    code = np.flatnonzero(np.isfinite(differences.code_m))
    index, groups = groups_of(differences.group[code])
    ranges, _, _ = places(differences, position)
    residual = differences.code_m[code] - ranges[code]
    sigma = np.sqrt(differences.code_m2[code])
    weight = 1.0 / sigma**2
    scaled = np.zeros(len(code))
    for _ in range(_ROUNDS):
        _centre(residual, weight, index, groups)
        scaled = np.abs(residual) / sigma
        weight = 1.0 / sigma**2 / (1.0 + (scaled / CAUCHY) ** 2) ** 2
    scale = 1.0
    if len(code) > 0:
        scale = min(max(1.4826 * np.median(scaled), _SCALES[0]), _SCALES[1])
    doubt[code] = scaled / scale
    return scale, doubt


@compiled
def agreeing(scaled: F64) -> int:
    """How many codes are off by less than _AGREES of their errors."""
    count = 0
    for m in range(len(scaled)):
        count += scaled[m] < _AGREES
    return count
