"""Where an epoch that was not fixed is by its wide lanes: some decimetres, and no fix.

Under reflections that agree with each other wide lanes are fixed as wrongly as anything else, and
few epochs that LAMBDA leaves open have as many of them: RTK asks for them only where told to.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.ambiguity.wide_lane import cascade, conditioned, lanes
from positioning.gnss.rtk.arrays import CORE, F64, Differences, State
from positioning.gnss.rtk.fixing import double_differenced, pairs_of
from positioning.gnss.rtk.states import positions_of

_MOST_MISFIT = 1.5


def wide_place(state: State, differences: Differences) -> tuple[F64, F64] | None:
    """(3,) ECEF and its covariance (3, 3), given the wide lanes' integers; None without them.

    state: after the epoch whose differences these are, its ambiguities float.
    """
    at = positions_of(state.key, differences.key)
    used = (at >= 0) & ~differences.half
    used[used] = (state.seen_s[at[used]] == state.time_s) & np.isfinite(state.x[at[used]])
    own, reference = pairs_of(differences, at, used)
    if not len(own):
        return None
    row = np.zeros(len(state.key), np.int64)
    row[at[used]] = np.flatnonzero(used)
    names = differences.satellite[row]
    link = names[own] * 1000 + names[reference]
    paired, single = lanes(link, differences.wavelength_m[row[own]])
    if not len(paired):
        return None
    ambiguities, covariance, across = double_differenced(state.x, state.p, own, reference)
    found = cascade(ambiguities, covariance, paired, single, most_misfit=_MOST_MISFIT)
    if not len(found.integers):
        return None
    values = np.concatenate((state.position_m, ambiguities))
    spread = np.block([[state.p[:CORE, :CORE], across[:CORE]], [across[:CORE].T, covariance]])
    combination = np.hstack((np.zeros((len(found.integers), CORE)), found.combination))
    place, around = conditioned(values, spread, combination, found.integers)
    return place[:CORE], around[:CORE, :CORE]
