"""How far away what stands on flat ground is: where the lower edge of its box meets the ground, and
how large it looks.

An edge that is off by e pixels, or a camera that nods by p radians, puts the distance d by the
ground off by d^2 / h * (e / f + p) at a height h of the camera: good near, useless far away. The
size of a box tells d to a share that stays: that of the body's height, of which the class alone is
known. Both are averaged as logarithms, by their inverse variances.

What meets the ground is a wheel; bumpers reach further. The distance told is to the body's nearest
point, so that the usual overhang of the class is taken off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.video.camera import Camera

Floats = NDArray[np.float64]

EDGE_PX, EDGE_SHARE, NOD_RAD = 2.5, 0.08, 0.003  # the share is of the box's height
MARGIN_PX = 4.0  # a box that touches the picture's edge does not show where it stands or ends
# of vehicles, cyclists (half a wheel), pedestrians
OVERHANG_M = np.array([0.9, 0.35, 0.2])
TALL_M, TALL_SHARE = np.array([1.9, 1.75, 1.72]), np.array([0.35, 0.1, 0.1])
UNSURE = 0.5  # deviation of an overhang, as a share of it: a flank has none


def distance_m(
    camera: Camera, boxes_px: NDArray[np.floating], labels: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Distances (N,) over the ground to the nearest points of bodies in boxes (N, 4), and their
    standard deviations; NaN where the foot lies above the horizon, or may be out of the picture.

    labels (N,): of `positioning.video.detector.NAMES`."""
    high_px = np.maximum(boxes_px[:, 3] - boxes_px[:, 1], 1.0).astype(np.float64)
    edge_px = np.hypot(EDGE_PX, EDGE_SHARE * high_px)
    ground, off = _by_ground(camera, boxes_px, edge_px)
    foot = _foot(boxes_px)
    size = np.hypot(*camera.rays(foot)[:, :2].T) * camera.focal_px * TALL_M[labels] / high_px
    is_whole = boxes_px[:, 1] > MARGIN_PX
    weight = is_whole / (TALL_SHARE[labels] ** 2 + 2 * (edge_px / high_px) ** 2)
    both = off**-2 + weight
    far = np.exp((np.log(ground) * off**-2 + np.log(size) * weight) / both)
    over = np.minimum(OVERHANG_M[labels], far / 2)
    return far - over, np.hypot(far * both**-0.5, UNSURE * over)


def _foot(boxes_px: NDArray[np.floating]) -> Floats:
    """(N, 2) middles of the lower edges."""
    foot: Floats = np.stack([(boxes_px[:, 0] + boxes_px[:, 2]) / 2, boxes_px[:, 3]], axis=1)
    return foot


def _by_ground(
    camera: Camera, boxes_px: NDArray[np.floating], edge_px: Floats
) -> tuple[Floats, Floats]:
    """Distances (N,) to where the feet are, and their deviations as shares."""
    foot = _foot(boxes_px)
    away = camera.ground_m(foot) - np.asarray(camera.mount_m[:2])
    is_shown = foot[:, 1] + edge_px < camera.height_px - MARGIN_PX
    far = np.where(is_shown, np.hypot(*away.T), np.nan)
    slope = (far**2 + camera.mount_m[2] ** 2) / camera.mount_m[2]
    return far, slope * np.hypot(edge_px / camera.focal_px, NOD_RAD) / far
