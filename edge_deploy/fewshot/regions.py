"""A marked region of a surface in twelve bytes: how large, long, full, bright and rough.

For regions of any size, where a patch of fixed size would show a part of one and a speck of the
next. The head takes these bytes as it takes a network's features.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

FEATURES = 12
_NEAR_PX, _FAR_PX = 3, 15  # the ground around a region is looked at between these


def describe(image: U8, mask: NDArray[np.bool_]) -> U8:
    """(12,) bytes of the largest connected region of `mask`, both (H, W).

    Logarithms of area, length, width, least half width and elongation; share of its hull that it
    fills; contrast with the ground around; spread within, around, and within over around; shares
    of the picture's width and height that it reaches over.
    EdgeError where the mask is empty.
    """
    region = _largest(mask)
    shape, light = _shape(region), _light(image.astype(np.float64), region)
    _, _, wide, high = cv2.boundingRect(region)
    reach = (wide / region.shape[1], high / region.shape[0])
    return np.asarray(np.concatenate([shape, light, reach]) * 255, np.uint8)


def _largest(mask: NDArray[np.bool_]) -> U8:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        raise EdgeError("the mask is empty: there is no region to describe")
    return np.asarray(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax(), np.uint8)


def _shape(region: U8) -> F64:
    moments = cv2.moments(region)
    both = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]])
    short, long = np.sqrt(np.maximum(np.linalg.eigvalsh(both / moments["m00"]), 0.1))
    half_width = float(cv2.distanceTransform(np.pad(region, 1), cv2.DIST_L2, 5).max())
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)
    hull = cv2.contourArea(cv2.convexHull(outline)) + len(outline) / 2 + 1
    area = moments["m00"]
    return np.array(
        [
            _share(np.log2(area), 2, 16),
            _share(np.log2(long), 0, 7),
            _share(np.log2(short), 0, 7),
            _share(np.log2(half_width), 0, 6),
            _share(np.log2(long / short), 0, 4),
            _share(area / hull, 0.2, 1),
        ]
    )


def _light(image: F64, region: U8) -> F64:
    far, near = (cv2.dilate(region, np.ones((px, px), np.uint8)) for px in (_FAR_PX, _NEAR_PX))
    ground = image[(far > 0) & (near == 0)]
    within, around = image[region > 0], ground if ground.size else image.ravel()
    spreads = float(within.std()), float(around.std())
    return np.array(
        [
            _share(within.mean() - around.mean(), -60, 60),
            _share(np.log2(spreads[0] + 1), 0, 6),
            _share(np.log2(spreads[1] + 1), 0, 6),
            _share(spreads[0] / (spreads[1] + 1), 0, 4),
        ]
    )


def _share(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))
