"""Zero-shot: kinds told apart by what they are said to be, before any was seen.

A kind is described by ranges of attributes that can be measured of a region; a region is of the
kind whose description it contradicts least (direct attribute prediction, Lampert et al. 2009, with
measured attributes in place of learned ones). What a description does not speak of does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError

U8 = NDArray[np.uint8]
ANY = (0.0, np.inf)


@dataclass(frozen=True, slots=True)
class Description:
    """Least and most of each attribute. size_um: diameter of a disc of the same area.
    elongation: longest axis over shortest, of the ellipse with the region's second moments."""

    size_um: tuple[float, float] = ANY
    elongation: tuple[float, float] = ANY

    def contradicted(self, size_um: float, elongation: float) -> float:
        """Octaves that the attributes lie outside their ranges, added up; 0 inside all."""
        return _outside(size_um, self.size_um) + _outside(elongation, self.elongation)


def named(region: U8, um_per_px: float, kinds: Mapping[str, Description]) -> str:
    """The kind of a region (H, W), not 0 within; the first of equals. EdgeError if it is empty."""
    moments = cv2.moments(region, binaryImage=True)
    if moments["m00"] == 0:
        raise EdgeError("the region is empty: there is nothing to name")
    size_um = um_per_px * 2 * np.sqrt(moments["m00"] / np.pi)
    both = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]])
    # a pixel is a square, whose own second moment is 1 / 12
    short, long = np.sqrt(np.linalg.eigvalsh(both / moments["m00"] + np.eye(2) / 12))
    return min(kinds, key=lambda kind: kinds[kind].contradicted(size_um, long / short))


def _outside(value: float, extent: tuple[float, float]) -> float:
    least, most = extent
    if value < least:
        return float(np.log2(least / value))
    return float(np.log2(value / most)) if value > most else 0.0
