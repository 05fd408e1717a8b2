"""Objects in the polar image of a spinning radar, whose power is told in decibels, without Doppler.

Order-statistic CFAR needs ranks alone, so it works on decibels as on power: a cell exceeds where it
lies more than a factor, here a sum, over the rank. The factor is that for one look of noise at the
false-alarm rate asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from positioning.radar import cfar
from positioning.radar.cluster import dbscan

Floats = NDArray[np.float64]
NOISE_SPREAD_DB = 5.21  # from the median to the 90th percentile of one look: ln 10 / ln 2
FALSE_ALARM_RATE = 1e-4
TRAIN_BINS, GUARD_BINS = 48, 18  # along range, to each side; the guard is half a long bus
NEAREST_M = 3.0  # the carrier itself
NEIGHBOUR_M = 1.2
CORE_POINTS = 6
SMALLEST_M, LONGEST_M, WIDEST_M = 0.8, 14.0, 4.5  # of what may be a vehicle


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """A cluster: its middle (2,), x ahead and y to the left, the sides of its smallest upright
    box along its main axes, and its cells' positions (N, 2)."""

    xy_m: Floats
    length_m: float
    width_m: float
    cells_m: Floats

    @property
    def may_be_vehicle(self) -> bool:
        """By its size alone."""
        return SMALLEST_M <= self.length_m <= LONGEST_M and self.width_m <= WIDEST_M


def db_per_count(image: NDArray[np.uint8]) -> float:
    """The scale of an image whose maker does not tell it: most cells hold noise, and the upper
    half of their spread is that of one look. Echoes widen it, which errs on the safe side."""
    middle, high = np.percentile(image, [50, 90])
    return NOISE_SPREAD_DB / max(float(high - middle), 1.0)


def exceeding(image: NDArray[np.uint8], bin_m: float) -> NDArray[np.bool_]:
    """(ranges, azimuths), True where OS-CFAR along range finds something."""
    offsets = np.arange(GUARD_BINS + 1, GUARD_BINS + TRAIN_BINS, 2)
    both = np.concatenate([-offsets[::-1], offsets])
    footprint = np.zeros((2 * int(both[-1]) + 1, 1), bool)
    footprint[both + both[-1], 0] = True
    rank = cfar.os_rank(len(both))
    level = ndimage.rank_filter(image, rank - 1, footprint=footprint, mode="reflect")
    factor_db = 10 * np.log10(cfar.os_factor(1, len(both), rank, FALSE_ALARM_RATE))
    over: NDArray[np.bool_] = image.astype(np.float64) > level + factor_db / db_per_count(image)
    over[: int(np.ceil(NEAREST_M / bin_m))] = False
    return over


def objects(image: NDArray[np.uint8], range_m: float) -> tuple[Object, ...]:
    """What stands out of a polar image (ranges, azimuths clockwise from ahead)."""
    bins, azimuths = image.shape
    row, column = np.nonzero(exceeding(image, range_m / bins))
    distance, turn = (row + 0.5) * range_m / bins, (column + 0.5) * 2 * np.pi / azimuths
    place = np.stack([distance * np.cos(turn), -distance * np.sin(turn)], axis=1)
    label = dbscan(place / NEIGHBOUR_M, CORE_POINTS)
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(label.max(initial=-1) + 2))
    groups = [place[order[a:b]] for a, b in pairwise(starts)]
    return tuple(_object(cells) for cells in groups)


def _object(cells: Floats) -> Object:
    middle = cells.mean(axis=0)
    axes = np.linalg.svd(cells - middle, full_matrices=False)[2]
    sides = np.ptp((cells - middle) @ axes.T, axis=0)
    return Object(middle, float(sides.max()), float(sides.min()), cells)
