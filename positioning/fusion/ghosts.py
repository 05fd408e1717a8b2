"""Mirror ghosts of a radar: a body and its image in a wall beside the road.

The image has the body's place and velocity reflected in the wall's plane, so the wall is where the
two meet halfway, and the image is the farther out. Along a road walls run along the road: the image
stands abreast of its body, and keeps so (Kopp et al. 2021, "Fast rule-based clutter detection in
automotive radar data"). How far away the wall is does not matter. A radar learns at once how fast
an image comes nearer and only by and by how fast it goes across the line of sight, so velocities
are compared as far as they are known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.scan import Pose

Floats = NDArray[np.float64]

LEAST_M = 5.0  # no wall stands nearer to a body than half of it
ABREAST_M = 3.0
LIKE_MPS = 1.0  # by which a wall that is not quite even or parallel changes a velocity
GATE = 9.2  # squared, of two velocities: 99 % of images are within it
DOUBT = 0.85  # factor on the odds of being a body for every scan that an image stays abreast
MOVES_MPS = 1.5
_MIRROR = np.array([1.0, -1.0])  # of velocities along and across the road


def images(mean: Floats, covariance: Floats, real: Floats, pose: Pose) -> NDArray[np.bool_]:
    """(T,) which of the states (T, 8) with covariance (T, 8, 8) may be the image of another that
    is a body no less surely."""
    cos, sin = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    road = np.array([[cos, sin], [-sin, cos]])
    along, across = road @ (mean[:, :2] - [pose.x_m, pose.y_m]).T
    speed = mean[:, 2:4] @ road.T
    spread = road @ covariance[:, 2:4, 2:4] @ road.T
    off = speed[:, None] - _MIRROR * speed
    both = spread[:, None] + spread * np.outer(_MIRROR, _MIRROR) + LIKE_MPS**2 * np.eye(2)
    unlike = (off[..., None, :] @ np.linalg.inv(both) @ off[..., None])[..., 0, 0]
    same = (np.abs(along[:, None] - along) < ABREAST_M) & (unlike < GATE)
    same &= np.abs(across[:, None] - across) > LEAST_M
    outside = np.abs(across)[:, None] > np.abs(across) + 1.0
    moves = (np.linalg.norm(speed, axis=1) > MOVES_MPS)[:, None]
    image: NDArray[np.bool_] = (same & outside & moves & (real[:, None] <= real + 0.05)).any(1)
    return image
