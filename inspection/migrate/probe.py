"""Probes: dark points of known size and contrast, put into good frames as a station would see them.

They tell what the way from light to score does to a defect, without a defect: the same points in
good parts here and there, each blurred as its own station blurs. The target tells how much that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ncx2

from inspection.methods.base import Method
from inspection.migrate.survey import Survey

Frame = NDArray[np.uint8]
F64 = NDArray[np.float64]

SIDE = 7  # probes a side of the job's field
SIZE_UM = 30.0  # the smallest point that a job promises to find
CONTRASTS = (0.1, 0.14, 0.18, 0.22, 0.27, 0.33, 0.4, 0.5, 0.62, 0.78)
NEAR_PX = 8  # a score this far beside a probe is the probe's


def places(shape_px: tuple[int, int]) -> F64:
    """(SIDE^2, 2) x and y in pixels of the job's grid."""
    y, x = ((np.arange(SIDE) + 0.5) / SIDE * n for n in shape_px)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Probes at the same places of the target's plane on every frame of a station.

    at_px: (N, 2) where they lie on the job's grid. patches: where in a frame of the station, and
    how much of the light's loss each pixel there has, 0 to 1.
    """

    at_px: F64
    black_dn: float
    patches: tuple[tuple[tuple[slice, slice], F64], ...]

    def planted(self, frame: Frame, contrast: float) -> Frame:
        """The frame (H, W) with points that take `contrast` of the light above black."""
        out = frame.copy()
        for where, share in self.patches:
            above = frame[where] - self.black_dn
            dimmed = self.black_dn + above * (1 - contrast * share)
            out[where] = np.clip(np.rint(dimmed), 0, 255)
        return out


def probes(station: Survey, home: Survey) -> Probes:
    """The probes of a job that is at home on one station as they look on another, or at home.

    A point is a disk of SIZE_UM. The station's blur is a Gaussian, so that the disk's image is the
    distribution function of a non-central chi-square with two degrees.
    """
    at_px = places(home.geometry.shape_px)
    at_um = home.geometry.to_um(at_px)
    sigma, radius = station.photometry.blur_um, SIZE_UM / 2
    reach = int(np.ceil((radius + 4 * sigma) / station.geometry.um_per_px)) + 1
    height, width = station.geometry.shape_px
    patches = []
    for place, (x, y) in zip(at_um, station.geometry.to_px(at_um).round().astype(int), strict=True):
        rows, columns = np.arange(y - reach, y + reach + 1), np.arange(x - reach, x + reach + 1)
        if min(rows[0], columns[0]) < 0 or rows[-1] >= height or columns[-1] >= width:
            continue  # on a station that sees too little there is no adapter either
        at = np.stack(np.meshgrid(columns, rows), axis=-1).astype(np.float64)
        distance2 = ((station.geometry.to_um(at) - place) ** 2).sum(axis=-1)
        share = ncx2.cdf((radius / sigma) ** 2, 2, distance2 / sigma**2)
        where = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        patches.append((where, np.asarray(share, np.float64)))
    return Probes(at_px, station.photometry.black_dn, tuple(patches))


def scores(
    method: Method,
    good: Sequence[Frame],
    points: Probes,
    contrast: float,
    adapt: Callable[[Frame], Frame] = lambda frame: frame,
    reference: Frame | None = None,
) -> F64:
    """(parts,) mean score over each part's probes."""
    around = (np.rint(points.at_px).astype(int) - NEAR_PX).clip(0)
    width, means = 2 * NEAR_PX + 1, []
    for frame in good:
        finding = method.inspect(adapt(points.planted(frame, contrast)), reference)
        if finding.score_map is None:
            means.append(finding.score)
            continue
        found = [float(finding.score_map[y : y + width, x : x + width].max()) for x, y in around]
        means.append(float(np.mean(found)))
    return np.array(means)
