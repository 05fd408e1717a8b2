"""How far away what stands on flat ground is: where the lower edge of its box meets the ground.

An edge that is off by e pixels, or a camera that nods by p radians, puts the distance d off by
d^2 / h * (e / f + p) at a height h of the camera: good near, useless far away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.video.camera import Camera

Floats = NDArray[np.float64]

EDGE_PX, EDGE_SHARE, NOD_RAD = 2.5, 0.08, 0.003  # the share is of the box's height
MARGIN_PX = 4.0  # a box that touches the picture's lower edge does not show where it stands


def distance_m(camera: Camera, boxes_px: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Distances (N,) over the ground and their standard deviations; NaN where the foot of the
    box (N, 4) lies above the horizon or out of the picture."""
    foot = np.stack([(boxes_px[:, 0] + boxes_px[:, 2]) / 2, boxes_px[:, 3]], axis=1)
    away = camera.ground_m(foot) - np.asarray(camera.mount_m[:2])
    far = np.where(foot[:, 1] < camera.height_px - MARGIN_PX, np.hypot(*away.T), np.nan)
    edge_px = np.hypot(EDGE_PX, EDGE_SHARE * (boxes_px[:, 3] - boxes_px[:, 1]))
    slope = (far**2 + camera.mount_m[2] ** 2) / camera.mount_m[2]
    spread: Floats = slope * np.hypot(edge_px / camera.focal_px, NOD_RAD)
    return far, spread
