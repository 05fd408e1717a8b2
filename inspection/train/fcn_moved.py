"""A crop as another station takes it and as a moved job brings it back to its own grid.

The lens there is softer and its pixels coarser, which a job sees as blur, as noise that neighbours
share, and as what a mild filter against blur leaves of both. Drawn anew for every crop; of any real
station nothing is known here, and the resampling is not `inspection.migrate`'s.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.train.fcn_sensor import exposed, sensed

F32 = NDArray[np.float32]

AT_HOME = 0.5  # share of the crops that the job's own station takes
PITCH = (1.0, 1.6)  # the other camera's pixel in pixels of the job
BLUR = (0.45, 0.95)  # its lens' sigma, in pixels of its own
TURN_DEG = 5.0
SHARPER = 0.12  # of a neighbour that the filter takes away on either side, at most
BORDER = 24  # pixels around, which a turned frame looks at


def moved(radiance: F32, rng: np.random.Generator) -> F32:
    """Electrons/us (S, S) as whole DN / 255, by the job's station or by another."""
    if rng.random() < AT_HOME:
        return sensed(radiance, rng)
    side = radiance.shape[0]
    pitch, turn = rng.uniform(*PITCH), rng.uniform(-TURN_DEG, TURN_DEG)
    blur = pitch * rng.uniform(*BLUR)
    aperture = (pitch * pitch - 1) / 12  # a square's variance, less that of the job's pixel
    soft = cv2.GaussianBlur(
        np.ascontiguousarray(radiance), (0, 0), float(np.hypot(blur, aperture**0.5))
    )
    there = int(np.ceil((side + 2 * BORDER) / pitch))
    middle = (there - 1) / 2 + rng.uniform(-0.5, 0.5, 2)
    at_home = _turned(turn, pitch, middle, (side - 1) / 2)  # of a pixel there
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    taken = exposed(
        cv2.warpAffine(soft, at_home, (there, there), flags=how, borderMode=cv2.BORDER_REFLECT), rng
    )
    share = rng.uniform(0, SHARPER)
    taps = np.array([-share, 1 + 2 * share, -share], np.float32)
    taken = cv2.sepFilter2D(taken, -1, taps, taps)
    back = cv2.warpAffine(taken, at_home, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(np.clip(np.rint(back), 0, 255) / np.float32(255), np.float32)


def _turned(
    turn_deg: float, pitch: float, middle: NDArray[np.float64], home: float
) -> NDArray[np.float64]:
    """(2, 3): where in the crop a pixel there looks."""
    angle = np.deg2rad(turn_deg)
    turn = pitch * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, home - turn @ middle])
