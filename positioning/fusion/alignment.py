"""The camera's clock and mount against the radar's, from bodies that both have seen.

A sliding window. What the radar saw of each common body is a smooth way with its uncertainty; the
camera's bearings and depths are compared with that way at their own times. One robust least-squares
problem gives the time offset with its drift, yaw and pitch, and beside them the way of every body
and an offset in its own frame: a radar's reflection does not sit in the middle of a box. On a
straight drive past bodies of steady speed such an offset ahead looks like time, so the clock is
known by the number of bodies; a carrier that turns swings all bearings at once, and the clock is
known by the number of looks. (Huber 1964; for the offset as a state to be estimated: Li and
Mourikis, Int. J. Robotics Research 33:947, 2014.)
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.curve import HUBER, Curve, Odometry, fit_curve
from positioning.fusion.observe import wrap

Floats = NDArray[np.float64]

# offset s, drift, yaw rad, pitch rad: spreads before anything was seen
PRIOR = np.array([0.15, 1e-4, 0.05, 0.02])
# (ahead, left) spread of a track's own offset, of KINDS
OFF_M = np.array([[0.6, 0.3], [0.25, 0.15], [0.12, 0.12]])
ROUNDS = 6
BEARING_RAD = 0.0015
COMMON = len(PRIOR)


@dataclass(frozen=True, slots=True)
class Settings:
    """window_s: how far back. least: camera bearings of a track that make it count."""

    window_s: float = 30.0
    least: int = 12


@dataclass(frozen=True, slots=True)
class Alignment:
    """At time_s: the camera's stamps minus the radar's clock, its drift, yaw (positive left) and
    pitch (positive down) of the camera against what was configured; standard deviations of each.
    """

    time_s: float = 0.0
    offset_s: float = 0.0
    drift: float = 0.0
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    sigma: tuple[float, float, float, float] = (0.15, 1e-4, 0.05, 0.02)
    pairs: int = 0

    def offset_at(self, time_s: float) -> float:
        """Offset of a stamp near `time_s`, drift included."""
        return self.offset_s + self.drift * (time_s - self.time_s)


@dataclass(slots=True)
class _Seen:
    """What one track was seen as. radar: (time, range, azimuth, range rate); camera: (stamp,
    azimuth, depth, variance of the depth), of a mount without corrections. kind: of KINDS;
    half_m: half its length and width as far as it is known."""

    radar: deque[tuple[float, float, float, float]] = field(default_factory=deque)
    camera: deque[tuple[float, float, float, float]] = field(default_factory=deque)
    kind: int = 0
    half_m: Floats = field(default_factory=lambda: np.ones(2))


@dataclass(frozen=True, slots=True, eq=False)
class _Normal:
    """What one body says: normal equations of the common unknowns, after its own were eliminated;
    and how its own follow from a step of the common ones."""

    matrix: Floats
    pull: Floats
    own_step: Floats
    follows: Floats
    residual: Floats


class Aligner:
    """Collects what both sensors said of each track; `solve` gives the alignment.

    odometry: pose of the carrier. height_m: of the camera over the ground.
    """

    def __init__(
        self,
        odometry: Odometry,
        height_m: float,
        settings: Settings = Settings(),
    ) -> None:
        self._odometry, self._height_m, self._settings = odometry, height_m, settings
        self._seen: dict[int, _Seen] = {}
        self.current = Alignment()

    def radar(self, track: int, time_s: float, z: Floats) -> None:
        """A radar detection (3,) of a track."""
        row = (time_s, float(z[0]), float(z[1]), float(z[2]))
        self._seen.setdefault(track, _Seen()).radar.append(row)

    def camera(
        self,
        track: int,
        stamp_s: float,
        seen: tuple[float, float, float],
        kind: int,
        half_m: Floats,
    ) -> None:
        """Azimuth, depth and its variance of a track, as stamped and as the configured mount gives
        them; half_m (2,): half the length and width of the body."""
        common = self._seen.setdefault(track, _Seen())
        common.camera.append((stamp_s, *seen))
        common.kind, common.half_m = kind, half_m

    def solve(self, now_s: float) -> Alignment:
        """The best alignment of the window that ends now; the last one where nothing is common."""
        self._forget(now_s - self._settings.window_s)
        curves = [curve for seen in self._seen.values() if (curve := self._curve(seen))]
        if not curves:
            return self.current
        last = self.current
        guess = np.array([last.offset_at(now_s), last.drift, last.yaw_rad, last.pitch_rad])
        own = [np.concatenate([curve.way, np.zeros(2)]) for curve in curves]
        for _ in range(ROUNDS):
            parts = [
                self._normal(curve, guess, mine, now_s)
                for curve, mine in zip(curves, own, strict=True)
            ]
            matrix = np.diag(PRIOR**-2.0) + sum(part.matrix for part in parts)
            step = np.linalg.solve(matrix, sum(part.pull for part in parts) - guess / PRIOR**2)
            guess = guess + step
            guess[0] = np.clip(guess[0], -0.5, 0.5)
            own = [
                mine + part.own_step - part.follows @ step
                for mine, part in zip(own, parts, strict=True)
            ]
        excess = max(1.0, _correlated([part.residual for part in parts]))
        sigma = np.sqrt(np.diag(np.linalg.inv(matrix)) * excess)
        pairs = sum(len(curve.stamps) for curve in curves)
        offset, drift, yaw, pitch = map(float, guess)
        spread = (float(sigma[0]), float(sigma[1]), float(sigma[2]), float(sigma[3]))
        self.current = Alignment(now_s, offset, drift, yaw, pitch, spread, pairs)
        return self.current

    def _forget(self, before_s: float) -> None:
        for number in list(self._seen):
            seen = self._seen[number]
            for rows in (seen.radar, seen.camera):
                while rows and rows[0][0] < before_s:
                    rows.popleft()
            if not seen.radar and not seen.camera:
                del self._seen[number]

    def _curve(self, seen: _Seen) -> Curve | None:
        least = self._settings.least
        if len(seen.radar) < least or len(seen.camera) < least:
            return None
        radar, camera = np.array(seen.radar), np.array(seen.camera)
        start, end = radar[:, 0].min(), radar[:, 0].max()
        inside = (camera[:, 0] > start - 0.1) & (camera[:, 0] < end + 0.1)
        if inside.sum() < least or end - start < 0.4:
            return None
        return fit_curve(radar, self._odometry, camera[inside], seen.kind, seen.half_m)

    def _normal(self, curve: Curve, guess: Floats, own: Floats, now_s: float) -> _Normal:
        """The body's own unknowns (K + 2,): its way, and the camera's offset ahead and left."""
        common, mine, error = self._rows(curve, guess, own, now_s)
        weight = np.minimum(1, HUBER / np.maximum(np.abs(error), 1e-9))[:, None]
        cross, down = (common * weight).T @ mine, (common * weight).T @ error
        known = np.zeros((len(own), len(own)))
        known[:-2, :-2] = curve.information
        known[-2:, -2:] = np.diag(OFF_M[curve.kind] ** -2.0)
        off = own - np.concatenate([curve.way, np.zeros(2)])
        block = (mine * weight).T @ mine + known + 1e-9 * np.eye(len(own))
        pull = (mine * weight).T @ error - known @ off
        own_step = np.asarray(np.linalg.solve(block, pull), np.float64)
        follows = np.asarray(np.linalg.solve(block, cross.T), np.float64)
        matrix = (common * weight).T @ common - cross @ follows
        return _Normal(matrix, down - cross @ own_step, own_step, follows, error)

    def _rows(
        self, curve: Curve, guess: Floats, own: Floats, now_s: float
    ) -> tuple[Floats, Floats, Floats]:
        """Jacobians by the common and the own unknowns and residuals of one body's comparisons,
        over their standard deviations."""
        offset, drift, yaw, pitch = guess
        since = curve.stamps - now_s
        time = curve.stamps - offset - drift * since

        def seen(later_s: float = 0.0, ahead: float = 0.0, left: float = 0.0) -> Floats:
            moved = own[-2:] + np.array([ahead, left])
            return curve.seen(own[:-2], moved, time + later_s, self._odometry)

        azimuth, depth = seen()
        per_s = _slope(seen(later_s=0.01), seen(later_s=-0.01), 0.02)
        n, bend = len(time), depth**2 / self._height_m
        common, mine = np.zeros((2, n, COMMON)), np.zeros((2, n, len(own)))
        common[:, :, 0], common[:, :, 1] = -per_s, -per_s * since
        common[0, :, 2], common[1, :, 3] = -1.0, bend
        mine[:, :, :-2] = self._by_way(curve, own[:-2], time)
        mine[:, :, -2] = _slope(seen(ahead=0.05), seen(ahead=-0.05), 0.1)
        mine[:, :, -1] = _slope(seen(left=0.05), seen(left=-0.05), 0.1)
        error = np.stack([wrap(curve.azimuth - azimuth + yaw), curve.depth - depth - bend * pitch])
        spread = np.stack([np.full(n, BEARING_RAD), np.sqrt(curve.variance + 0.1)])[..., None]
        return (
            (common / spread).reshape(2 * n, -1),
            (mine / spread).reshape(2 * n, -1),
            (error / spread[..., 0]).ravel(),
        )

    def _by_way(self, curve: Curve, way: Floats, time_s: Floats) -> Floats:
        """(2, N, K) derivatives of azimuth and depth by the coefficients, as of the middle."""
        place, _ = curve.places(way, time_s)
        x, y, yaw, *_ = self._odometry(time_s).T
        to = place - np.stack([x, y], axis=1)
        square = np.maximum((to**2).sum(1), 1.0)
        powers = curve.powers(time_s)
        turn = np.hstack(
            [powers * (-to[:, 1] / square)[:, None], powers * (to[:, 0] / square)[:, None]]
        )
        depth = np.hstack([powers * np.cos(yaw)[:, None], powers * np.sin(yaw)[:, None]])
        return np.stack([turn, depth])


def _slope(after: Floats, before: Floats, over: float) -> Floats:
    """Of (azimuth, depth) rows (2, N) by what lies `over` apart."""
    off = after - before
    return np.stack([wrap(off[0]), off[1]]) / over


def _correlated(residuals: list[Floats]) -> float:
    """How many times more the residuals vary than independent ones of unit variance."""
    squares, products = 0.0, 0.0
    for residual in residuals:
        bounded = np.clip(residual, -3, 3)
        squares += float(bounded @ bounded)
        products += float(bounded[1:] @ bounded[:-1])
    n = sum(len(residual) for residual in residuals)
    lag = np.clip(products / max(squares, 1e-9), 0, 0.98)
    return float(squares / max(n, 1) * (1 + lag) / (1 - lag))
