"""Wide lanes first: the difference of a satellite's ambiguities on two bands has a longer wave.

L1 less L2 is 0.86 m long, E5b less E5a 9.8 m (the extra-wide lane): what leaves single ambiguities
open still fixes these, and the others are then sought given them (cascade resolution: Forssell et
al. 1997, ION GPS; Jung et al. 2000). A search over all ambiguities at once finds the right ones at
least as often if the covariance is right (Teunissen et al. 2002, GPS Solutions 6): a cascade is
for where that search gives up, and its wide lanes alone still tell a place to some decimetres.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.ambiguity.decorrelation import F64
from positioning.gnss.ambiguity.resolve import Resolution, resolve

_LEAST = 4


class Cascade(NamedTuple):
    """combination (m, n) @ ambiguities = integers (m,), for what was believed: wide lanes, and
    after them the rest where these were believed too. narrow is None where wide was not."""

    combination: F64
    integers: F64
    wide: Resolution
    narrow: Resolution | None


def lanes(link: NDArray[np.int64], wavelength_m: F64) -> tuple[F64, NDArray[np.int64]]:
    """(w, n) differences of ambiguities, and which single ones (k,) complete them.

    link: (n,) the same for the ambiguities of one satellite, to one reference, on its bands. Bands
    that follow each other in wavelength_m (n,) are paired, which makes the longest waves.
    """
    rows, single = [], []
    for name in np.unique(link):
        own = np.flatnonzero(link == name)
        own = own[np.argsort(wavelength_m[own], kind="stable")]
        single.append(own[0])
        for short, long in pairwise(own):
            row = np.zeros(len(link))
            row[short], row[long] = 1.0, -1.0
            rows.append(row)
    return np.array(rows).reshape(-1, len(link)), np.array(single, np.int64)


def cascade(
    ambiguities: F64,
    covariance: F64,
    differences: F64,
    single: NDArray[np.int64],
    *,
    most_misfit: float,
    least_ratio: float = 2.0,
) -> Cascade:
    """Resolve float ambiguities (n,) of (n, n) covariance, cycles: `lanes` first, then the singles.

    most_misfit: largest chi-square by degree of freedom of the nearest integers to be believed.
    Raises AmbiguityError as `resolve` does.
    """
    n = len(ambiguities)
    wide = _resolve(differences, ambiguities, covariance, least_ratio)
    if not _believed(wide, most_misfit):
        return Cascade(np.zeros((0, n)), np.zeros(0), wide, None)
    combination, integers = wide.combination @ differences, wide.integers
    given, spread = conditioned(ambiguities, covariance, combination, integers)
    pick = np.eye(n)[single]
    narrow = _resolve(pick, given, spread, least_ratio)
    if _believed(narrow, most_misfit):
        combination = np.vstack((combination, narrow.combination @ pick))
        integers = np.concatenate((integers, narrow.integers))
    return Cascade(combination, integers, wide, narrow)


def conditioned(values: F64, covariance: F64, combination: F64, integers: F64) -> tuple[F64, F64]:
    """Values (n,) and their covariance, given that combination (m, n) @ values = integers (m,)."""
    across = covariance @ combination.T
    gain = np.linalg.solve(combination @ across, across.T).T
    return values - gain @ (combination @ values - integers), covariance - gain @ across.T


def _resolve(rows: F64, values: F64, covariance: F64, least_ratio: float) -> Resolution:
    spread = rows @ covariance @ rows.T
    return resolve(
        rows @ values, (spread + spread.T) / 2, least_ratio=least_ratio, least_count=_LEAST
    )


def _believed(found: Resolution, most_misfit: float) -> bool:
    count = len(found.integers)
    return count >= _LEAST and found.accepted and found.norm <= most_misfit * count
