"""Where names go beside dots, so that they can be read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_SIDES = np.array([(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)])
_GAP = 2.0


def beside(at: F64, radius: F64, size: tuple[float, float]) -> F64:
    """(N, 2) lowest corners of names of `size`, each beside its dot at (N, 2) of `radius` (N,).

    One after the other each takes, of the eight sides of its dot, the first that covers least of
    other dots and of names before it. Lengths are of any one unit, pixels or points.
    """
    extent = np.array(size, np.float64)
    taken = np.concatenate((at - radius[:, None], at + radius[:, None]), axis=1)
    corners = np.zeros((len(at), 2))
    for k in range(len(at)):
        sides = at[k] + _SIDES * (extent / 2 + radius[k] + _GAP) - extent / 2
        others = np.delete(taken, k, axis=0)
        high = np.minimum(sides[:, None] + extent, others[:, 2:])
        shared = high - np.maximum(sides[:, None], others[:, :2])
        covered = np.prod(np.maximum(shared, 0.0), axis=2).sum(axis=1)
        corners[k] = sides[np.argmin(covered)]
        taken = np.concatenate((taken, [[*corners[k], *(corners[k] + extent)]]))
    return corners
