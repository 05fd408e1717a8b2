"""Candidate regions from the network's coarse map, each with its surroundings at full resolution.

Hysteresis (Canny 1986): a region is seeded where the map reaches a high level and grows over all
connected cells at a lower one. Cells one blank cell apart belong together, so that a scratch that
fades for 80 um stays one scratch.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from inspection.models.fcn import STRIDE

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

MARGIN_PX = 24  # of surroundings that a region's own pixels are compared with
_BRIDGE = np.ones((2, 2), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One region of the map. cells: (h, w) bool over its box, True where it has grown; one cell is
    STRIDE pixels. row, column: of the box's first cell. score: its highest logit, which lies at
    cell `peak` (row, column) of the box."""

    row: int
    column: int
    cells: NDArray[np.bool_]
    score: float
    peak: tuple[int, int] = (0, 0)

    def box_px(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 in a frame of (H, W); x1, y1 are exclusive edges."""
        rows, columns = self.cells.shape
        x1, y1 = (self.column + columns) * STRIDE, (self.row + rows) * STRIDE
        return self.column * STRIDE, self.row * STRIDE, min(x1, shape[1]), min(y1, shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A candidate with its surroundings. pixels, inside: (h, w); inside is 1 where the candidate's
    cells lie. x0, y0: of its first pixel in the frame. peak: (x, y) in the patch."""

    pixels: U8
    inside: U8
    x0: int
    y0: int
    peak: tuple[float, float]


def candidates(logits: F32, seed: float, grow: float | None = None) -> tuple[Candidate, ...]:
    """Regions of the map (rows, columns) that reach `seed` somewhere, in reading order.

    grow: level down to which they extend, `seed` where it is None or higher than that.
    """
    low = seed if grow is None else min(grow, seed)
    hit = logits >= np.float32(low)
    if not hit.any():
        return ()
    joined = cv2.dilate(hit.view(np.uint8), _BRIDGE)
    n, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    labels[~hit] = 0
    best = np.full(n, -np.inf, np.float32)
    np.maximum.at(best, labels[hit], logits[hit])
    return tuple(_one(logits, labels, stats[i], i) for i in range(1, n) if best[i] >= seed)


def _one(logits: F32, labels: NDArray[np.int32], stats: NDArray[np.int32], i: int) -> Candidate:
    """The bridge made the box too large: it is drawn anew around the cells."""
    x, y, w, h = (int(v) for v in stats[:4])
    own = labels[y : y + h, x : x + w] == i
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    top, left = int(rows[0]), int(columns[0])
    cells = own[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    here = logits[y + top :, x + left :][: cells.shape[0], : cells.shape[1]]
    at, across = divmod(int(np.where(cells, here, -np.inf).argmax()), cells.shape[1])
    return Candidate(y + top, x + left, cells, float(here[at, across]), (at, across))


def detections(found: tuple[Candidate, ...], shape: tuple[int, int]) -> Detections:
    """The candidates as boxes of the one class "defect" in a frame of (H, W)."""
    if not found:
        return Detections()
    boxes = np.array([one.box_px(shape) for one in found], np.float32)
    scores = np.array([one.score for one in found], np.float32)
    return Detections(boxes, scores, np.zeros(len(found), np.int64))


def patch(frame: U8, candidate: Candidate) -> Patch:
    """The frame (H, W) around a candidate, MARGIN_PX wide where the frame has it."""
    x0, y0, x1, y1 = candidate.box_px((frame.shape[0], frame.shape[1]))
    left, top = max(x0 - MARGIN_PX, 0), max(y0 - MARGIN_PX, 0)
    pixels = frame[top : y1 + MARGIN_PX, left : x1 + MARGIN_PX]
    inside = np.zeros(pixels.shape, np.uint8)
    cells = np.repeat(np.repeat(candidate.cells, STRIDE, 0), STRIDE, 1)[: y1 - y0, : x1 - x0]
    inside[y0 - top : y1 - top, x0 - left : x1 - left] = cells
    row, column = candidate.peak
    peak = (x0 - left + (column + 0.5) * STRIDE, y0 - top + (row + 0.5) * STRIDE)
    return Patch(np.ascontiguousarray(pixels), inside, left, top, peak)
