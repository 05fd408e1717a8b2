"""Integers that were resolved before stay what they were until a slip: no search need find them.

Where an epoch alone cannot tell its integers, as behind the next tree, those of the last fix give
its position, if the phases and codes since then do not speak against them.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.ambiguity.decorrelation import factor, workspace
from positioning.gnss.rtk.arrays import CORE, F64, I64, Differences, Flags
from positioning.gnss.rtk.fixing import (
    apart_norm,
    atmosphere,
    condition,
    double_differenced,
    misfit,
    pairs_of,
)
from positioning.gnss.rtk.tuning import Tuning
from positioning.jit import compiled

_WHOLE_CYCLES = 0.1  # a combination of a partial fix leaves single ambiguities between integers


@compiled
def known_pairs(
    differences: Differences, ambiguity: I64, before: F64, may: Flags
) -> tuple[I64, I64, F64]:
    """(n,) states of the pairs that the last fix resolved, their references, their integers.

    before: (states,) single-differenced ambiguities of the last fix, NaN where there is none.
    """
    known = may.copy()
    for m in range(len(may)):
        known[m] = may[m] and np.isfinite(before[ambiguity[m]])
    own, reference = pairs_of(differences, ambiguity, known)
    integers, count = np.zeros(len(own)), 0
    for j in range(len(own)):
        value = before[own[j]] - before[reference[j]]
        if abs(value - np.rint(value)) < _WHOLE_CYCLES:
            own[count], reference[count], integers[count] = own[j], reference[j], np.rint(value)
            count += 1
    return own[:count], reference[:count], integers[:count]


@compiled
def hold(
    x: F64,
    p: F64,
    differences: Differences,
    model: tuple[F64, F64, F64],
    places: tuple[I64, I64, int],
    before: F64,
    used: Flags,
    tuning: Tuning,
) -> tuple[bool, F64, F64, F64]:
    """As fixing.fix, with the integers of the last fix; the ratio and the success rate are none."""
    ranges, directions, mapped = model
    numbers = np.zeros(7)
    may = used & ~differences.half & (differences.elevation_rad >= tuning.fixing_mask_rad)
    own, reference, integers = known_pairs(differences, places[0], before, may)
    covariance = p[:CORE, :CORE].copy()
    numbers[2] = numbers[3] = len(own)
    if len(own) < tuning.least_held:
        return False, x, covariance, numbers
    ambiguities, dd_covariance, across = double_differenced(x, p, own, reference)
    upper, variance, same = workspace(len(own))
    if not factor(dd_covariance, upper, variance):
        return False, x, covariance, numbers
    numbers[6] = apart_norm(upper, variance, ambiguities - integers) / len(own)
    if numbers[6] > tuning.most_apart:
        return False, x, covariance, numbers
    found = (same, integers, upper, variance)
    fixed, fixed_covariance = condition(x, p, across, found, ambiguities)
    through = ranges + atmosphere(fixed, differences, mapped, places)
    numbers[4], numbers[5], _ = misfit(fixed, differences, through, directions, places[0], may)
    return numbers[5] <= tuning.most_misfit, fixed, fixed_covariance, numbers
