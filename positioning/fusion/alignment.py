"""The camera's clock and mount against the radar's, from bodies that both have seen.

A sliding window. What the radar saw of each common track is fitted by a smooth curve over the
window; the camera's bearings and ranges are then compared with that curve at their own times. One
robust least-squares problem gives the time offset with its drift, yaw and pitch, with an offset
of every body in its own frame as unknowns of known spread: a radar's reflection does not sit in
the middle of a box. At a steady speed such an offset ahead looks like time, so the clock's
interval shrinks with the number of bodies, not with the number of detections. (Huber 1964; for the
offset as a state to be estimated: Li and Mourikis, Int. J. Robotics Research 33:947, 2014.)
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
    azimuth, range, variance of the range), of a mount without corrections. kind: of KINDS."""

    radar: deque[tuple[float, float, float, float]] = field(default_factory=deque)
    camera: deque[tuple[float, float, float, float]] = field(default_factory=deque)
    kind: int = 0


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
        self, track: int, stamp_s: float, z: Floats, range_variance: float, kind: int
    ) -> None:
        """A camera detection (2,) of a track, as stamped and as the configured mount gives it."""
        row = (stamp_s, float(z[1]), float(z[0]), range_variance)
        seen = self._seen.setdefault(track, _Seen())
        seen.camera.append(row)
        seen.kind = kind

    def solve(self, now_s: float) -> Alignment:
        """The best alignment of the window that ends now; the last one where nothing is common."""
        self._forget(now_s - self._settings.window_s)
        curves = [curve for seen in self._seen.values() if (curve := self._curve(seen))]
        if not curves:
            return self.current
        count = len(PRIOR) + 2 * len(curves)
        guess = np.zeros(count)
        last = self.current
        guess[:4] = last.offset_at(now_s), last.drift, last.yaw_rad, last.pitch_rad
        prior = np.concatenate([PRIOR, *(OFF_M[curve.kind] for curve in curves)])
        for _ in range(ROUNDS):
            parts = [self._rows(curve, guess, at, now_s, count) for at, curve in enumerate(curves)]
            jacobian = np.concatenate([part[0] for part in parts])
            residual = np.concatenate([part[1] for part in parts])
            weight = np.minimum(1, HUBER / np.maximum(np.abs(residual), 1e-9))
            normal = (jacobian * weight[:, None]).T @ jacobian + np.diag(prior**-2.0)
            pull = (jacobian * weight[:, None]).T @ residual - guess / prior**2
            step = np.linalg.solve(normal, pull)
            guess = guess + step
            guess[0] = np.clip(guess[0], -0.5, 0.5)
        inflated = max(1.0, _correlated(parts, weight)) * np.linalg.inv(normal)
        sigma = np.sqrt(np.diag(inflated))[:4]
        pairs = sum(len(curve.stamps) for curve in curves)
        offset, drift, yaw, pitch = map(float, guess[:4])
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
        return fit_curve(radar, self._odometry, camera[inside], seen.kind)

    def _rows(
        self, curve: Curve, guess: Floats, at: int, now_s: float, count: int
    ) -> tuple[Floats, Floats]:
        """Jacobian and residuals, over their standard deviations, of one track's comparisons."""
        offset, drift, yaw, pitch = guess[:4]
        ahead, side = guess[4 + 2 * at : 6 + 2 * at]
        since = curve.stamps - now_s
        time = curve.stamps - offset - drift * since

        def seen(later_s: float = 0.0, more: float = 0.0, left: float = 0.0) -> Floats:
            return np.array(
                curve.seen_from(time + later_s, self._odometry, ahead + more, side + left)
            )

        azimuth, distance = seen()
        per_s = _slope(seen(later_s=0.01), seen(later_s=-0.01), 0.02)
        n, bend = len(time), distance**2 / self._height_m
        rows = np.zeros((2, n, count))
        rows[:, :, 0], rows[:, :, 1] = -per_s, -per_s * since
        rows[0, :, 2], rows[1, :, 3] = -1.0, bend
        rows[:, :, 4 + 2 * at] = _slope(seen(more=0.05), seen(more=-0.05), 0.1)
        rows[:, :, 5 + 2 * at] = _slope(seen(left=0.05), seen(left=-0.05), 0.1)
        error = np.stack(
            [wrap(curve.azimuth - azimuth + yaw), curve.distance - distance - bend * pitch]
        )
        spread = np.stack([np.full(n, 0.005), np.sqrt(curve.variance + 0.1)])
        return (rows / spread[..., None]).reshape(2 * n, count), (error / spread).ravel()


def _slope(after: Floats, before: Floats, over: float) -> Floats:
    """Of (azimuth, distance) rows (2, N) by what lies `over` apart."""
    off = after - before
    return np.stack([wrap(off[0]), off[1]]) / over


def _correlated(parts: list[tuple[Floats, Floats]], weight: Floats) -> float:
    """How many times more the residuals vary than independent ones of unit variance."""
    squares, products = 0.0, 0.0
    for _, residual in parts:
        bounded = np.clip(residual, -3, 3)
        squares += float(bounded @ bounded)
        products += float(bounded[1:] @ bounded[:-1])
    n = sum(len(residual) for _, residual in parts)
    lag = np.clip(products / max(squares, 1e-9), 0, 0.98)
    return float(squares / max(n, 1) * (1 + lag) / (1 - lag))
