"""The way of one body over a few seconds, from the radar, and how the camera would see it.

A radar sees the middle of the side that faces it, a camera the body's outline; both are brought
to the middle of a box of the usual size that points along its way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.observe import HALF_M, wrap

Floats = NDArray[np.float64]
# times (N,) of the radar's clock -> (N, 5) x, y, yaw, vx, vy of the carrier
Odometry = Callable[[Floats], Floats]

HUBER = 1.5
NOISE = (0.3, 0.015, 0.25)  # range m, azimuth rad, range rate m/s, as they last within a second
CORNERS = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """x and y over time as polynomials, with the camera's bearings and ranges of the body."""

    middle_s: float
    half_s: float
    x: Floats
    y: Floats
    kind: int
    stamps: Floats
    azimuth: Floats
    distance: Floats
    variance: Floats

    def way(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Positions (N, 2) and unit vectors (N, 2) along the way."""
        t = (time_s - self.middle_s) / self.half_s
        powers = np.vander(t, len(self.x), increasing=True)
        slopes = _slopes(powers)
        place = np.stack([powers @ self.x, powers @ self.y], axis=1)
        ahead = np.stack([slopes @ self.x, slopes @ self.y], axis=1)
        return place, ahead / np.maximum(np.linalg.norm(ahead, axis=1), 1e-9)[:, None]

    def seen_from(
        self, time_s: Floats, odometry: Odometry, ahead_m: float = 0.0, left_m: float = 0.0
    ) -> tuple[Floats, Floats]:
        """Azimuth of the middle of the outline, and distance of its nearest corner's level, of a
        body that is moved in its own frame."""
        place, ahead = self.way(time_s)
        x, y, yaw, *_ = odometry(time_s).T
        half = HALF_M[self.kind]
        left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        to = place + ahead_m * ahead + left_m * left - np.stack([x, y], axis=1)
        corners = to[:, None] + CORNERS[:, 0, None] * half[0] * ahead[:, None]
        corners = corners + CORNERS[:, 1, None] * half[1] * left[:, None]
        bearing = np.arctan2(to[:, 1], to[:, 0])
        off = wrap(np.arctan2(corners[..., 1], corners[..., 0]) - bearing[:, None])
        middle = bearing + (off.max(1) + off.min(1)) / 2
        line = to / np.linalg.norm(to, axis=1)[:, None]
        return wrap(middle - yaw), np.einsum("nci,ni->nc", corners, line).min(1)


def _slopes(powers: Floats) -> Floats:
    """Derivatives of a Vandermonde matrix by its variable."""
    slopes = np.zeros_like(powers)
    slopes[:, 1:] = powers[:, :-1] * np.arange(1, powers.shape[1])
    return slopes


def fit_curve(radar: Floats, odometry: Odometry, camera: Floats, kind: int) -> Curve:
    """Through (time, range, azimuth, range rate) rows (N, 4): once as they are, then twice with
    every reflection moved from the side that it comes from to the middle."""
    time = radar[:, 0]
    middle, half = (time[0] + time[-1]) / 2, max((time[-1] - time[0]) / 2, 0.2)
    degree = int(np.clip(1 + half, 1, 4))
    own = odometry(time)
    line = radar[:, 2] + own[:, 2]
    seen = own[:, :2] + radar[:, 1:2] * np.stack([np.cos(line), np.sin(line)], axis=1)
    curve, moved = None, seen
    for _ in range(3):
        found = _fit((time - middle) / half, half, degree, moved, radar, own)
        curve = Curve(middle, half, *found, kind, *camera.T)
        moved = seen + _inwards(*curve.way(time), own[:, :2], kind)
    assert curve is not None
    return curve


def _inwards(place: Floats, ahead: Floats, eye: Floats, kind: int) -> Floats:
    """(N, 2) from the middle of the side that faces the eye to the body's middle."""
    left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    to = eye - place
    along, across = (to * ahead).sum(1), (to * left).sum(1)
    length, width = HALF_M[kind]
    end_on = (np.abs(along) * width > np.abs(across) * length)[:, None]
    end = -np.sign(along)[:, None] * length * ahead
    moved: Floats = np.where(end_on, end, -np.sign(across)[:, None] * width * left)
    return moved


def _fit(
    t: Floats, half: float, degree: int, seen: Floats, radar: Floats, own: Floats
) -> tuple[Floats, Floats]:
    """Coefficients of x and y by least squares with bounded influence (Huber 1964)."""
    powers = np.vander(t, degree + 1, increasing=True)
    slopes = _slopes(powers) / half
    to = seen - own[:, :2]
    r = np.maximum(np.linalg.norm(to, axis=1), 1.0)
    ux, uy = (to / r[:, None]).T
    line = radar[:, 2] + own[:, 2]  # the range rate is that of the reflection itself
    wx, wy = np.cos(line), np.sin(line)
    blocks = (
        (powers, ux, uy, ux * seen[:, 0] + uy * seen[:, 1], np.full(len(r), NOISE[0])),
        (powers, -uy, ux, ux * seen[:, 1] - uy * seen[:, 0], NOISE[1] * r + 0.1),
        (slopes, wx, wy, radar[:, 3] + wx * own[:, 3] + wy * own[:, 4], np.full(len(r), NOISE[2])),
    )
    rows = np.concatenate([np.hstack([b * c[:, None], b * d[:, None]]) for b, c, d, _, _ in blocks])
    wanted = np.concatenate([block[3] for block in blocks])
    spread = np.concatenate([block[4] for block in blocks])
    found, weight = np.zeros(2 * degree + 2), np.ones(len(wanted))
    for _ in range(3):
        scale = np.sqrt(weight) / spread
        found = np.linalg.lstsq(rows * scale[:, None], wanted * scale, rcond=None)[0]
        off = np.abs(rows @ found - wanted) / spread
        weight = np.minimum(1, HUBER / np.maximum(off, 1e-9))
    return found[: degree + 1], found[degree + 1 :]
