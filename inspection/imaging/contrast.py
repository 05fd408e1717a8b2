"""Contrast-to-noise of a defect against its host, in one picture or in several at once.

An aperture of the defect's own outline is laid on the picture: its mean less the mean of a ring
around it. The same aperture laid on clean places of the same host, in the same pictures, gives the
noise: the host's texture and the sensor's noise together. The contrast-to-noise ratio (CNR) is how
many deviations the defect's value lies from the clean ones; Rose (1948, JOSA 38:196) puts what can
be told for certain at 5.

Several pictures give a vector, and the distance becomes Mahalanobis' (the Hotelling observer's
signal-to-noise, Barrett and Myers, Foundations of Image Science, 13.2). More pictures also reach a
distance by chance more often, so the distance is stated as the number of deviations that one
picture alone would exceed as rarely: 5 means the same for one picture and for four.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROSE = 5.0
GAP_PX, RING_PX = 2, 3  # the lens blurs the outline over the gap; the ring lies beyond it
FEWEST_CLEAN = 40


@dataclass(frozen=True, slots=True, eq=False)
class Aperture:
    """Where a defect lies (row, column of its outline's middle) and its aperture around there.

    inside, ring: (N, 2) offsets in rows and columns.
    """

    row: int
    column: int
    inside: NDArray[np.intp]
    ring: NDArray[np.intp]

    @classmethod
    def around(cls, mask: Bools) -> Aperture:
        """For the defect that `mask` (H, W) covers. ValueError where nothing is set."""
        rows, columns = np.nonzero(mask)
        if rows.size == 0:
            raise ValueError("a defect covers at least one pixel")
        row, column = int(rows.mean()), int(columns.mean())
        reach = GAP_PX + RING_PX
        top, left = rows.min() - reach, columns.min() - reach
        small = np.zeros((int(np.ptp(rows)) + 2 * reach + 1, int(np.ptp(columns)) + 2 * reach + 1))
        small[rows - top, columns - left] = 1
        inner, outer = (cv2.dilate(small, np.ones((2 * n + 1, 2 * n + 1))) for n in (GAP_PX, reach))
        ring = np.argwhere((outer > 0) & (inner == 0)) + np.array([top - row, left - column])
        inside = np.stack([rows - row, columns - column], axis=1)
        return cls(row, column, inside, ring)

    def values(self, pictures: F32, places: NDArray[Any]) -> F64:
        """(M, C) contrast of the aperture at `places` (M, 2) in pictures (C, H, W)."""
        means = []
        for offsets in (self.inside, self.ring):
            rows = places[:, 0, None] + offsets[:, 0]
            columns = places[:, 1, None] + offsets[:, 1]
            means.append(pictures[:, rows, columns].mean(axis=-1, dtype=np.float64))
        return np.asarray((means[0] - means[1]).T, np.float64)

    def clean(self, allowed: Bools, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """(M, 2) up to `most` places where the whole aperture lies on allowed pixels (H, W)."""
        offsets = np.concatenate([self.inside, self.ring])
        low, high = offsets.min(axis=0), offsets.max(axis=0)
        rows, columns = (int(v) for v in high - low + 1)
        forbidden = np.pad((~allowed).astype(np.uint8), max(rows, columns), constant_values=1)
        box, anchor = np.ones((rows, columns), np.uint8), (int(-low[1]), int(-low[0]))
        near = cv2.dilate(forbidden, box, anchor=anchor)
        places = np.argwhere(near == 0) - max(rows, columns)
        return np.asarray(places[rng.permutation(len(places))[:most]], np.intp)


def cnr(pictures: F32, aperture: Aperture, places: NDArray[Any]) -> float:
    """Contrast-to-noise ratio of the aperture's defect in pictures (C, H, W).

    places: (M, 2) clean places, see `Aperture.clean`. ValueError with fewer than 40.
    """
    if len(places) < FEWEST_CLEAN:
        raise ValueError(f"{len(places)} clean places tell no noise; {FEWEST_CLEAN} do")
    here = aperture.values(pictures, np.array([[aperture.row, aperture.column]]))[0]
    return deviations(here, aperture.values(pictures, places))


def deviations(value: F64, clean: F64) -> float:
    """How many deviations `value` (C,) lies from clean ones (M, C), as of one picture alone."""
    away = value - clean.mean(axis=0)
    scale = clean.std(axis=0) + 1e-30
    spread = np.atleast_2d(np.cov(clean / scale, rowvar=False)) + 1e-9 * np.eye(len(away))
    squared = float((away / scale) @ np.linalg.solve(spread, away / scale))
    return equivalent(squared, len(away))


def equivalent(squared: float, count: int) -> float:
    """The z whose two-sided normal tail is as rare as a chi-squared of `count` above `squared`."""
    from scipy.special import gammaincc, ndtri_exp

    if count == 1:
        return sqrt(squared)
    tail = float(gammaincc(count / 2, squared / 2))
    if tail > 1e-280:
        return float(-ndtri_exp(log(tail) - log(2))) if tail < 1 else 0.0
    return float(-ndtri_exp(_log_far_tail(squared / 2, count / 2) - log(2)))


def _log_far_tail(x: float, a: float) -> float:
    """log of the regularised upper gamma function for x far above a (Abramowitz, Stegun 6.5.32)."""
    from scipy.special import gammaln

    series, term = 1.0, 1.0
    for k in range(1, 6):
        term *= (a - k) / x
        series += term
    return float((a - 1) * log(x) - x + log(series) - gammaln(a))


def noise_parts(repeats: F64) -> tuple[float, float]:
    """Deviation of the host's texture and of repetition, from values (R, M) of M clean places in R
    exposures of one part: a one-way analysis of variance. ValueError with fewer than two of each.
    """
    count, places = repeats.shape
    if count < 2 or places < 2:
        raise ValueError(f"needs two exposures and two places, got {repeats.shape}")
    temporal = float(repeats.var(axis=0, ddof=1).mean())
    texture = float(repeats.mean(axis=0).var(ddof=1)) - temporal / count
    return sqrt(max(texture, 0.0)), sqrt(temporal)
