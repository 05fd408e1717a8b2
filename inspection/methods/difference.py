"""Where a two-level part differs from its golden image: regions of missing or of extra phase."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

SOFT_PX = 1.5  # blur under which a jagged edge is no difference but a small hole is one
SOFT_LEVEL = 0.45  # of a blurred step of 1
_SQUARE3, _SQUARE7 = np.ones((3, 3), np.uint8), np.ones((7, 7), np.uint8)
BORDER_PX = 20  # nearer to the image's border than this, what lies beyond may be made up
FEATURES = (
    "log_core_px",
    "log_area_px",
    "soft",
    "thickness_px",
    "log_width_px",
    "log_length_px",
    "log_noise",
    "log_border_px",
    "extra",
)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region. extra: dark phase that the golden image lacks; else dark phase that is missing.

    box_px: x0 y0 x1 y1, exclusive edges. mask: True on the region, of the box's size.
    features: (D,) as FEATURES names them.
    """

    extra: bool
    box_px: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    features: F32


def regions(part: U8, golden: U8) -> list[Region]:
    """All regions, at high recall: what is noise is left to a verifier.

    part, golden: (H, W) uint8, 1 on the dark phase, 0 on the bright one, aligned.
    """
    soft = cv2.GaussianBlur(part.astype(np.float32) - golden, (0, 0), SOFT_PX)
    extra = _one_sided(part & (1 - golden), soft, True)
    return [*extra, *_one_sided(golden & (1 - part), -soft, False)]


def _one_sided(plain: U8, soft: F32, extra: bool) -> list[Region]:
    """Regions of a plain difference: a core that no jagged edge makes, grown by a pixel.

    soft: (H, W), the blurred difference, positive where `plain` is meant.
    """
    opened = cv2.morphologyEx(plain, cv2.MORPH_OPEN, _SQUARE3)
    core = opened | ((soft > SOFT_LEVEL) & (plain > 0)).astype(np.uint8)
    grown = cv2.dilate(core, _SQUARE3) & plain
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(grown, _SQUARE7))
    found = []
    for i in range(1, count):
        x, y, width, height = (int(v) for v in stats[i, :4])
        window = np.s_[y : y + height, x : x + width]
        mask = (labels[window] == i) & (grown[window] > 0)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        tight = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        left, top = x + int(columns[0]), y + int(rows[0])
        box = (left, top, left + int(np.ptp(columns)) + 1, top + int(np.ptp(rows)) + 1)
        shape = _shape(mask, plain[window], opened[window], soft[window])
        border = _border(box, plain.shape)
        features = np.array([*shape, np.log1p(min(border, BORDER_PX)), float(extra)], np.float32)
        found.append(Region(extra, box, mask[tight], features))
    return found


def _shape(mask: NDArray[np.bool_], plain: U8, opened: U8, soft: F32) -> list[float]:
    """The features that the region itself gives, in the order of FEATURES."""
    inside = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    sides = int(mask.any(0).sum()), int(mask.any(1).sum())
    noise = float(plain.sum() - (plain * mask).sum()) / mask.size  # how far off the edges are here
    return [
        float(np.log1p((opened * mask).sum())),
        float(np.log(mask.sum())),
        float(soft[mask].max()),
        float(inside.max()),
        float(np.log(min(sides))),
        float(np.log(max(sides))),
        float(np.log(noise + 0.01)),
    ]


def _border(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> int:
    x0, y0, x1, y1 = box
    return max(0, min(x0, y0, shape[1] - x1, shape[0] - y1))
