"""Mirror ghosts of a radar: a body and its image in a wall beside the road.

The image has the body's place and velocity reflected in the wall's plane, so the wall is where the
two meet halfway. Along a road walls run along the road: the image stands abreast of its body, and
keeps so (Kopp et al. 2021, "Fast rule-based clutter detection in automotive radar data").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.scan import Pose

Floats = NDArray[np.float64]

LEAST_M = 5.0  # no wall stands nearer to a body than half of it
ABREAST_M, LIKE_MPS = 3.0, 2.0
LATERAL_M = 30.0
DOUBT = 0.85  # factor on the odds of being a body for every scan that an image stays abreast
MOVES_MPS = 1.5


def images(mean: Floats, real: Floats, pose: Pose) -> NDArray[np.bool_]:
    """(T,) which of the states (T, 8) may be the image of another that is a body no less surely."""
    ahead = np.array([np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)])
    to = mean[:, :2] - [pose.x_m, pose.y_m]
    along, across = to @ ahead, to @ [-ahead[1], ahead[0]]
    rate, slide = mean[:, 2:4] @ ahead, mean[:, 2:4] @ [-ahead[1], ahead[0]]
    apart = np.abs(across[:, None] - across)
    same = np.abs(along[:, None] - along) < ABREAST_M
    same &= np.abs(rate[:, None] - rate) < LIKE_MPS
    same &= np.abs(slide[:, None] + slide) < 2 * LIKE_MPS
    same &= (apart > LEAST_M) & (apart < LATERAL_M)
    outside = np.abs(across)[:, None] > np.abs(across) + 1.0
    moves = (np.linalg.norm(mean[:, 2:4], axis=1) > MOVES_MPS)[:, None]
    image: NDArray[np.bool_] = (same & outside & moves & (real[:, None] <= real + 0.05)).any(1)
    return image
