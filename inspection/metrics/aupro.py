"""Area under the per-region overlap curve.

Bergmann, Fauser, Sattlegger, Steger 2020, Uninformed Students, CVPR, section 4: each connected
region of the truth counts alike, however large; the false-positive rate is over the pixels outside
defects of all images; the area is taken to a rate of 0.3 and divided by it. PRO is a ROC curve
whose pixels weigh 1 / (regions x size of their region), so the exact area comes from `roc.area`.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.metrics.roc import Floats, area, joined, pairs

FPR_LIMIT = 0.3


def aupro(
    masks: Iterable[NDArray[np.bool_]], maps: Iterable[Floats], limit: float = FPR_LIMIT
) -> float:
    """Exact AUPRO of all images; masks and maps (H, W) each, in pairs, good images among them.

    Regions are 8-connected. Memory: one copy of the maps. ValueError without a region, without a
    pixel outside, or with a NaN.
    """
    good, bad, shares = [], [], []
    n_regions = 0
    for mask, score_map in pairs(masks, maps):
        good.append(score_map[~mask])
        if mask.any():
            count, region = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
            of_pixel = region[mask]
            bad.append(score_map[mask])
            shares.append(1 / np.bincount(of_pixel, minlength=count)[of_pixel])
            n_regions += count - 1
    weights = joined(shares).astype(np.float64) / max(n_regions, 1)
    return area(joined(good), joined(bad), weights, limit)
