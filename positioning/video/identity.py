"""Tracks against true identities: MOTA (Bernardin & Stiefelhagen, 2008) and IDF1 (Ristani et al.,
ECCV workshops 2016), at IoU 0.5 as in MOTChallenge.

Tracks on truths that count neither way are left out beforehand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.video.detector import iou
from positioning.video.precision import AT_IOU, Truth
from positioning.video.tracker import Tracked, matched

Indices = NDArray[np.int64]
KEEP = 10.0  # added to the overlap of a pair that was one in the frame before


@dataclass(frozen=True, slots=True)
class Identities:
    """Counts over a video. wanted: truths that count, over frames; told: boxes that count;
    missed, false, switched: as MOTA has them; same: boxes under the one identity that IDF1 gives
    each truth."""

    wanted: int
    told: int
    missed: int
    false: int
    switched: int
    same: int

    @property
    def mota(self) -> float:
        """1 without any error; below 0 where errors are more than truths. NaN without truths."""
        errors = self.missed + self.false + self.switched
        return 1 - errors / self.wanted if self.wanted else float("nan")

    @property
    def idf1(self) -> float:
        """Share of boxes and truths with the right identity; NaN without either."""
        both = self.wanted + self.told
        return 2 * self.same / both if both else float("nan")

    def __add__(self, other: Identities) -> Identities:
        return Identities(
            self.wanted + other.wanted, self.told + other.told, self.missed + other.missed,
            self.false + other.false, self.switched + other.switched, self.same + other.same,
        )  # fmt: skip


def compare(frames: Sequence[tuple[Tracked, Truth]]) -> Identities:
    """One video, frame by frame in order."""
    last: dict[int, int] = {}
    met: Counter[tuple[int, int]] = Counter()
    wanted = told = paired = switched = 0
    for tracked, truth in frames:
        numbers, overlap = _counted(tracked, truth)
        true = truth.number[truth.counts].tolist()
        wanted, told = wanted + len(true), told + len(numbers)
        met.update((true[t], numbers[k]) for t, k in np.argwhere(overlap >= AT_IOU).tolist())
        for t, k in _pairs(overlap, true, numbers, last):
            paired += 1
            switched += last.get(true[t], numbers[k]) != numbers[k]
            last[true[t]] = numbers[k]
    return Identities(wanted, told, wanted - paired, told - paired, switched, _same(met))


def _counted(tracked: Tracked, truth: Truth) -> tuple[list[int], NDArray[np.float64]]:
    """Numbers (K,) of the tracks that count and their overlap with the truths that do."""
    overlap = iou(truth.boxes_px, tracked.boxes_px)
    row, column = matched(overlap, AT_IOU)
    left = np.ones(len(tracked), np.bool_)
    left[column[~truth.counts[row]]] = False
    return tracked.number[left].tolist(), overlap[truth.counts][:, left]


def _pairs(
    overlap: NDArray[np.float64], true: list[int], numbers: list[int], last: dict[int, int]
) -> list[tuple[int, int]]:
    """Truths and tracks of a frame; pairs of before stay while they overlap enough."""
    kept = np.array([[last.get(one) == other for other in numbers] for one in true], np.bool_)
    total = np.where(overlap >= AT_IOU, overlap + KEEP * kept.reshape(overlap.shape), 0.0)
    row, column = matched(total, AT_IOU)
    return list(zip(row.tolist(), column.tolist(), strict=True))


def _same(met: Counter[tuple[int, int]]) -> int:
    """Frames under the best one-to-one assignment of identities to truths."""
    from scipy.optimize import linear_sum_assignment

    if not met:
        return 0
    rows, columns = (sorted({pair[side] for pair in met}) for side in (0, 1))
    table = np.zeros((len(rows), len(columns)))
    for (one, other), frames in met.items():
        table[rows.index(one), columns.index(other)] = frames
    return int(table[linear_sum_assignment(table, maximize=True)].sum())
