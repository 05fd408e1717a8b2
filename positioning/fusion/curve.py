"""The way of one body over a few seconds, from the radar, and how the camera would see it.

A radar sees a side that faces it, a camera the body's outline; both are brought to the middle of
the box, which points along its way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.body import CORNERS
from positioning.fusion.observe import LASTS, wrap

Floats = NDArray[np.float64]
# times (N,) of the radar's clock -> (N, 5) x, y, yaw, vx, vy of the carrier
Odometry = Callable[[Floats], Floats]

HUBER = 1.5
NOISE = (0.3, 0.015, 0.25)  # range m, azimuth rad, range rate m/s, as they last within a second


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """x and y over time as polynomials of as many terms each. way (K,): their coefficients;
    information (K, K): how well the radar knows them. half_m (2,): half the length and width.
    stamps, azimuth, depth, variance (N,): what the camera told."""

    middle_s: float
    half_s: float
    way: Floats
    information: Floats
    kind: int
    half_m: Floats
    stamps: Floats
    azimuth: Floats
    depth: Floats
    variance: Floats

    def powers(self, time_s: Floats) -> Floats:
        """(N, K / 2) of each time."""
        t = (time_s - self.middle_s) / self.half_s
        return np.vander(t, len(self.way) // 2, increasing=True)

    def places(self, way: Floats, time_s: Floats) -> tuple[Floats, Floats]:
        """Positions (N, 2) and unit vectors (N, 2) along a way of such coefficients."""
        powers = self.powers(time_s)
        both = way.reshape(2, -1).T
        place, ahead = powers @ both, _slopes(powers) @ both
        return place, ahead / np.maximum(np.linalg.norm(ahead, axis=1), 1e-9)[:, None]

    def seen(self, way: Floats, off_m: Floats, time_s: Floats, odometry: Odometry) -> Floats:
        """(2, N) azimuth of the middle of the outline and depth of its nearest corner, of a body
        that is moved by `off_m` (2,) ahead and to the left in its own frame."""
        place, ahead = self.places(way, time_s)
        x, y, yaw, *_ = odometry(time_s).T
        left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        to = place + off_m[0] * ahead + off_m[1] * left - np.stack([x, y], axis=1)
        corners = to[:, None] + CORNERS[:, 0, None] * self.half_m[0] * ahead[:, None]
        corners = corners + CORNERS[:, 1, None] * self.half_m[1] * left[:, None]
        bearing = np.arctan2(to[:, 1], to[:, 0])
        side = wrap(np.arctan2(corners[..., 1], corners[..., 0]) - bearing[:, None])
        middle = bearing + (side.max(1) + side.min(1)) / 2
        forward = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
        return np.stack([wrap(middle - yaw), np.einsum("nci,ni->nc", corners, forward).min(1)])


def _slopes(powers: Floats) -> Floats:
    """Derivatives of a Vandermonde matrix by its variable."""
    slopes = np.zeros_like(powers)
    slopes[:, 1:] = powers[:, :-1] * np.arange(1, powers.shape[1])
    return slopes


def fit_curve(
    radar: Floats, odometry: Odometry, camera: Floats, kind: int, half_m: Floats
) -> Curve:
    """Through (time, range, azimuth, range rate) rows (N, 4): once as they are, then twice with
    every reflection moved from the side that it comes from to the middle."""
    time = radar[:, 0]
    middle, half = (time[0] + time[-1]) / 2, max((time[-1] - time[0]) / 2, 0.2)
    terms = 1 + int(np.clip(1 + half / 2, 1, 3))
    own = odometry(time)
    line = radar[:, 2] + own[:, 2]
    seen = own[:, :2] + radar[:, 1:2] * np.stack([np.cos(line), np.sin(line)], axis=1)
    curve, moved = None, seen
    for _ in range(3):
        found = _fit((time - middle) / half, half, terms, moved, radar, own)
        curve = Curve(middle, half, *found, kind, half_m, *camera.T)
        moved = seen + _inwards(*curve.places(curve.way, time), own[:, :2], half_m)
    assert curve is not None
    return curve


def _inwards(place: Floats, ahead: Floats, eye: Floats, half_m: Floats) -> Floats:
    """(N, 2) from the middle of the side that faces the eye to the body's middle."""
    left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    to = eye - place
    along, across = (to * ahead).sum(1), (to * left).sum(1)
    length, width = half_m
    end_on = (np.abs(along) * width > np.abs(across) * length)[:, None]
    end = -np.sign(along)[:, None] * length * ahead
    moved: Floats = np.where(end_on, end, -np.sign(across)[:, None] * width * left)
    return moved


def _fit(
    t: Floats, half: float, terms: int, seen: Floats, radar: Floats, own: Floats
) -> tuple[Floats, Floats]:
    """Coefficients of x and y by least squares with bounded influence (Huber 1964), and their
    information; reflections last, so it is that of fewer looks."""
    powers = np.vander(t, terms, increasing=True)
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
    found, weight = np.zeros(2 * terms), np.ones(len(wanted))
    for _ in range(3):
        scale = np.sqrt(weight) / spread
        found = np.linalg.lstsq(rows * scale[:, None], wanted * scale, rcond=None)[0]
        off = np.abs(rows @ found - wanted) / spread
        weight = np.minimum(1, HUBER / np.maximum(off, 1e-9))
    known = rows * (np.sqrt(weight) / spread)[:, None]
    return found, known.T @ known / LASTS
