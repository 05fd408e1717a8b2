"""What kind of defect a difference on a conductor pattern is, from what it touches.

A region of extra or missing copper is walked around in the golden image. What it touches of its own
phase, in how many places, is what it does to the circuit:

    touches   extra copper       missing copper
    nothing   spurious copper    pin-hole          an island
    one       spur               mouse-bite        a bite into an edge
    two       short              open              a bridge between two, or a cut through one

For missing copper "its own phase" is the bright ground, so one rule serves both columns.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.methods.difference import Region

KINDS = ("open", "short", "mousebite", "spur", "copper", "pin-hole")  # DeepPCB's order
_TABLE = {
    (True, 0): "copper",
    (True, 1): "spur",
    (True, 2): "short",
    (False, 0): "pin-hole",
    (False, 1): "mousebite",
    (False, 2): "open",
}
RING_PX = 3  # looks past edges that are a pixel off, and no further
CONTACT_PX = 10  # area of the ring; less is a jagged edge
_RING = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RING_PX + 1, 2 * RING_PX + 1))
_REACH = RING_PX + 1


def kind(extra: bool, contacts: int) -> str:
    """One of KINDS, from what `contacts` counted."""
    return _TABLE[extra, min(contacts, 2)]


def contacts(region: Region, part: NDArray[np.uint8], golden: NDArray[np.uint8]) -> int:
    """How many pieces of the region's own phase lie around it, in part and golden alike.

    part, golden: (H, W) uint8, 1 on copper, aligned.
    """
    height, width = part.shape
    x0, y0, x1, y1 = region.box_px
    left, top = max(0, x0 - _REACH), max(0, y0 - _REACH)
    window = np.s_[top : min(height, y1 + _REACH), left : min(width, x1 + _REACH)]
    own = part[window] & golden[window]
    if not region.extra:
        own = (1 - part[window]) & (1 - golden[window])
    body = np.zeros(own.shape, np.uint8)
    body[y0 - top : y1 - top, x0 - left : x1 - left] = region.mask
    ring = cv2.dilate(body, _RING) & (1 - body) & own
    _, _, stats, _ = cv2.connectedComponentsWithStats(ring)
    return int((stats[1:, cv2.CC_STAT_AREA] >= CONTACT_PX).sum())
