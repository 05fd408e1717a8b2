"""How well a camera's clock can be known against a radar's at all: the Cramer-Rao bound of a drive.

A radar and a camera see different points of a body. Where that difference is not known, it is the
same as time for whatever moves steadily past a carrier that moves steadily: a metre ahead at ten
metres a second is a tenth of a second, however good the sensors are. So on a straight drive
1 / sigma^2 is at most the sum over bodies of (v_ahead / s_ahead)^2 + (v_left / s_left)^2, of the
velocity relative to the carrier and the spread of the difference (Van Trees, Detection, Estimation
and Modulation Theory I, 2001, section 2.4, with the prior's information).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.alignment import BEARING_RAD, PRIOR
from positioning.fusion.curve import NOISE, Odometry
from positioning.fusion.scan import CameraErrors

Floats = NDArray[np.float64]

OWN = 7  # unknowns of a body: place, velocity, difference ahead and left, logarithm of the height
FOCAL_PX, EYE_M = 1400.0, 1.5
_STEP = 1e-5
_HEIGHT_SPREAD = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Passing:
    """A body on a steady way. place_m, velocity_mps (2,): over the ground, at time 0. height_m.
    radar_s, camera_s: when each sensor saw it."""

    place_m: Floats
    velocity_mps: Floats
    height_m: float
    radar_s: Floats
    camera_s: Floats


def offset_bound_s(
    bodies: Sequence[Passing], odometry: Odometry, spread_m: tuple[float, float], less: float = 1.0
) -> float:
    """Least standard deviation of the clocks' offset, beside its drift, yaw and pitch, which are
    not known either. spread_m: of the point that the camera sees from the one that the radar hears,
    ahead and to the left. less: factor on the deviations of all measurements."""
    matrix = np.diag(PRIOR**-2.0)
    for body in bodies:
        rows = _rows(body, odometry) / less
        full = rows.T @ rows
        ahead, left = spread_m
        own = np.array([0.0, 0.0, 0.0, 0.0, ahead**-2, left**-2, _HEIGHT_SPREAD**-2])
        full += np.diag(np.concatenate([np.zeros(len(PRIOR)), own + 1e-9]))
        common, mine = full[: len(PRIOR)], full[len(PRIOR) :]
        cross = common[:, len(PRIOR) :]
        taken = cross @ np.linalg.solve(mine[:, len(PRIOR) :], cross.T)
        matrix += common[:, : len(PRIOR)] - taken
    return float(np.sqrt(np.linalg.inv(matrix)[0, 0]))


def steady_bound_s(relative_mps: Floats, spread_m: tuple[float, float]) -> float:
    """The bound where the sensors are without error: of velocities (B, 2) relative to a steady
    carrier, ahead and to the left along each body's own way."""
    known = (np.square(relative_mps) / np.square(spread_m)).sum() + PRIOR[0] ** -2.0
    return float(known**-0.5)


def _rows(body: Passing, odometry: Odometry) -> Floats:
    """(M, 4 + 7) derivatives of what is measured, over its deviations."""
    at = np.concatenate([
        np.zeros(len(PRIOR)), body.place_m, body.velocity_mps, [0.0, 0.0, np.log(body.height_m)],
    ])  # fmt: skip
    steps = _STEP * np.eye(len(at))
    columns = [
        (_measured(at + step, body, odometry) - _measured(at - step, body, odometry)) / (2 * _STEP)
        for step in steps
    ]
    return np.stack(columns, axis=1) / _deviations(at, body, odometry)[:, None]


def _measured(unknown: Floats, body: Passing, odometry: Odometry) -> Floats:
    """Range, azimuth and range rate; bearing, depth by the ground and logarithm of the height."""
    offset, drift, yaw, pitch, x, y, vx, vy, ahead, left, tall = unknown
    to, way, own = _towards(body.radar_s, (x, y, vx, vy), odometry)
    r = np.hypot(*to.T)
    rate = ((way - own[:, 3:5]) * to).sum(1) / r
    heard = [r, np.arctan2(to[:, 1], to[:, 0]) - own[:, 2], rate]
    then = body.camera_s - offset - drift * body.camera_s
    to, way, own = _towards(then, (x, y, vx, vy), odometry)
    unit = way / max(float(np.hypot(vx, vy)), 1e-9)
    to = to + ahead * unit + left * np.stack([-unit[:, 1], unit[:, 0]], axis=1)
    depth = to[:, 0] * np.cos(own[:, 2]) + to[:, 1] * np.sin(own[:, 2])
    bearing = np.arctan2(to[:, 1], to[:, 0]) - own[:, 2] - yaw
    ground = depth + depth**2 / EYE_M * pitch
    return np.concatenate([*heard, bearing, ground, tall - np.log(depth)])


def _towards(
    time_s: Floats, way: tuple[float, float, float, float], odometry: Odometry
) -> tuple[Floats, Floats, Floats]:
    own = odometry(time_s)
    x, y, vx, vy = way
    place = np.stack([x + vx * time_s, y + vy * time_s], axis=1)
    return place - own[:, :2], np.tile([vx, vy], (len(time_s), 1)), own


def _deviations(at: Floats, body: Passing, odometry: Odometry) -> Floats:
    """Of each of `_measured`, as the aligner takes them, and of a box's edges."""
    n, m = len(body.radar_s), len(body.camera_s)
    _, _, _, _, x, y, vx, vy, *_ = at
    to, _, _ = _towards(body.camera_s, (x, y, vx, vy), odometry)
    errors, depth = CameraErrors(), np.hypot(*to.T)
    edge = errors.edge_px / FOCAL_PX
    ground = depth**2 / EYE_M * np.hypot(edge, errors.pitch_rad)
    tall = np.sqrt(2) * edge * depth / body.height_m
    heard = np.repeat(NOISE, n)
    return np.concatenate([heard, np.full(m, BEARING_RAD), np.hypot(ground, 0.2), tall])
