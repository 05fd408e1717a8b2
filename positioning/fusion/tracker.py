"""One scan after the other: predict, associate, update, let tracks be born and die."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from positioning.fusion import existence
from positioning.fusion.associate import Distances, distances, nearest
from positioning.fusion.birth import born
from positioning.fusion.body import UNKNOWN, VEHICLE, overlap
from positioning.fusion.existence import CAMERA, RADAR, Sensing, View
from positioning.fusion.ghosts import images
from positioning.fusion.halves import joined, resized
from positioning.fusion.imm import update
from positioning.fusion.motion import HEIGHT, LENGTH
from positioning.fusion.observe import ANGLES, LASTS, observe, wrap
from positioning.fusion.scan import OUTLINE, Scan
from positioning.fusion.tracks import Tracks

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

OFF_KIND = 6.0  # cost of pairing a detection of one kind with a track of another
RIDES_MPS = 9.0  # nobody on foot, and few on a cycle, are faster
STRAIN_M = 6.0  # farther detections say nothing about a track
TELLS_NO_SIZE = slice(LENGTH, HEIGHT + 1)  # a reflection


@dataclass(frozen=True, slots=True)
class Settings:
    """gate: squared Mahalanobis distance beyond which nothing is paired. confirmed: existence from
    which a track may be told, as long as it stays above `told`, is likelier a body than a ghost by
    `real`, and was seen within coasts_s; dropped: below which it is forgotten. survival_s: time
    constant of existence without news. speed_mps: standard deviation of what is not measured of a
    new track's velocity. Two tracks closer than merge_m or in each other, with velocities within
    merge_mps, are one."""

    gate: float = 16.0
    confirmed: float = 0.97
    told: float = 0.4
    real: float = 0.5
    dropped: float = 0.03
    survival_s: float = 4.0
    speed_mps: float = 7.0
    coasts_s: float = 0.7
    merge_m: float = 1.5
    merge_mps: float = 5.0
    sensors: Mapping[str, Sensing] = field(
        default_factory=lambda: {"radar": RADAR, "camera": CAMERA}
    )


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """After a scan: the tracks, and of each pair the track's number, the detection's index, the
    normalised innovation squared and whether the track was sure. strain: the same of every sure
    track with its detection, or without one the nearest that nobody took, where that is close."""

    tracks: Tracks
    number: Indices
    detection: Indices
    nis: Floats
    sure: NDArray[np.bool_]
    strain: Floats


class Tracker:
    """Pure: `step` makes new tracks of old ones and a scan that is not older."""

    def __init__(self, settings: Settings = Settings()) -> None:
        self.settings = settings

    def step(self, tracks: Tracks, scan: Scan) -> Outcome:
        """`tracks` with what `scan` says; ValueError for a scan before their time."""
        if scan.time_s < tracks.time_s - 1e-9:
            raise ValueError(f"a scan of {scan.time_s} s for tracks of {tracks.time_s} s")
        sensing = self.settings.sensors[scan.sensor]
        tracks = tracks.at(scan.time_s, self.settings.survival_s)
        mean, _ = tracks.mixture.merged()
        solid = tracks.existence * tracks.real > 0.5
        seen = existence.view(mean, solid, scan.pose, sensing, tracks.reach)
        t, n, near, apart = self._pairs(tracks, scan, sensing, seen)
        nis, after = self._absorbed(tracks, scan, (t, n), near.wide[t, n], seen)
        strain = _strain(tracks, near.plain, apart, t, n)
        outcome = tracks.number[t], n, nis, tracks.sure[t], strain
        left = np.setdiff1d(np.arange(len(scan)), n)
        after = self._born(after, scan, left, sensing)
        return Outcome(self._kept(joined(after, scan.pose), scan.pose.yaw_rad), *outcome)

    def told(self, tracks: Tracks) -> Tracks:
        """Those that are reported."""
        body = tracks.real >= self.settings.real
        lately = tracks.time_s - tracks.seen_s.max(axis=1) < self.settings.coasts_s
        there = tracks.sure & (tracks.existence >= self.settings.told)
        return tracks.take(there & body & lately)

    def _pairs(
        self, tracks: Tracks, scan: Scan, sensing: Sensing, seen: View
    ) -> tuple[Indices, Indices, Distances, Floats]:
        """Pairs (track, detection), and distances and metres between all."""
        size = scan.z.shape[1]
        mean, covariance = tracks.mixture.merged()
        expected, jacobian, blur = observe(mean, covariance, scan.pose, size)
        spread = jacobian @ covariance @ jacobian.swapaxes(-1, -2) + blur
        near = distances(scan.z, expected, spread, scan.covariance, ANGLES[size])
        cost = near.cost + size * np.log(2 * np.pi)
        cost = cost + OFF_KIND * _off_kind(tracks.kind, scan.label)
        cost = cost - 2 * np.log(np.maximum(seen.chance, 0.05))[:, None]
        # left alone: the track missed, and the detection clutter or, more likely, somebody new
        alone = 10 * existence.density(sensing, size)
        miss = -2 * np.log(alone) - 2 * np.log1p(-seen.chance)
        t, n = nearest(cost, near.squared < self.settings.gate, miss)
        apart = np.hypot(near.innovation[..., 0], near.innovation[..., 1] * expected[:, :1])
        return t, n, near, apart

    def _absorbed(
        self, tracks: Tracks, scan: Scan, pairs: tuple[Indices, Indices], wide: Floats, seen: View
    ) -> tuple[Floats, Tracks]:
        """Squared innovations of the pairs, and the tracks after detections and misses. wide:
        factors on the covariances of the pairs' detections."""
        t, n = pairs
        sensing = self.settings.sensors[scan.sensor]
        exists = existence.missed(tracks.existence, seen.chance)
        hit = np.zeros(len(tracks), np.bool_)
        hit[t] = True
        after = tracks
        if sensing.optical and scan.trusted:
            there = replace(seen, open=seen.open & tracks.sure)
            reach = existence.learned(tracks.reach, there, hit, tracks.real, sensing)
            after = replace(after, real=existence.body(tracks.real, seen, hit), reach=reach)
        elif not sensing.optical:
            image = images(*tracks.mixture.merged(), tracks.real, scan.pose)
            after = replace(after, real=existence.doubted(tracks.real, image & hit))
        if not len(t):
            return np.zeros(0), replace(after, existence=exists)
        size, some = scan.z.shape[1], tracks.mixture.take(t)
        expected, jacobian, blur = observe(some.mean, some.covariance, scan.pose, size)
        innovation = scan.z[n][:, None] - expected
        innovation[..., ANGLES[size]] = wrap(innovation[..., ANGLES[size]])
        noise = (wide[:, None, None] * scan.covariance[n])[:, None] + LASTS * blur
        done = update(some, innovation, jacobian, noise, TELLS_NO_SIZE if size == 3 else slice(0))
        news = done.log_likelihood - np.log(existence.density(sensing, size))
        exists[t] = existence.found(tracks.existence[t], seen.chance[t], news)
        votes, last = tracks.votes.copy(), tracks.seen_s.copy()
        votes[t, scan.label[n]] += np.where(scan.label[n] == UNKNOWN, 0.0, scan.score[n])
        rides = tracks.sure[t] & (np.linalg.norm(done.mixture.mean[:, 0, 2:4], axis=1) > RIDES_MPS)
        votes[t[rides], VEHICLE] = np.maximum(votes[t[rides], VEHICLE], 1.1)
        last[t, int(sensing.optical)] = scan.time_s
        after = replace(
            after, mixture=tracks.mixture.put(t, done.mixture), existence=exists, votes=votes,
            seen_s=last, sure=tracks.sure | (exists >= self.settings.confirmed),
        )  # fmt: skip
        return done.nis, resized(after, tracks.kind)

    def _born(self, tracks: Tracks, scan: Scan, left: Indices, sensing: Sensing) -> Tracks:
        """A tentative track for every detection that belongs to none."""
        if not len(left):
            return tracks
        label, score, optical = scan.label[left], scan.score[left], scan.z.shape[1] == OUTLINE
        votes = np.zeros((len(left), 4))
        votes[:, UNKNOWN] = 1.0
        votes[np.arange(len(left)), label] += np.where(label == UNKNOWN, 0.0, 0.5 + score)
        number = round(scan.time_s * 1e6) * 1024 + 512 * optical + left % 512
        mixture = born(scan, left, self.settings.speed_mps)
        real = float(existence.BODY[int(optical)])
        return tracks.born(
            mixture, number, sensing.birth * score, real, votes, by_camera=sensing.optical
        )

    def _kept(self, tracks: Tracks, yaw_rad: float) -> Tracks:
        """Without those that faded, and without the weaker of two that became one."""
        tracks = tracks.take(tracks.existence >= self.settings.dropped)
        if len(tracks) < 2:
            return tracks
        mean, _ = tracks.mixture.merged()
        apart = np.linalg.norm(mean[:, None, :2] - mean[None, :, :2], axis=-1)
        drift = np.linalg.norm(mean[:, None, 2:4] - mean[None, :, 2:4], axis=-1)
        rank = tracks.existence + 1e-3 * tracks.sure - 1e-6 * np.arange(len(tracks))
        better = rank[:, None] < rank[None]
        near = (apart < self.settings.merge_m) | overlap(mean, yaw_rad)
        twin = near & (drift < self.settings.merge_mps) & better
        return tracks.take(~(twin & ~_off_kind(tracks.kind, tracks.kind)).any(1))


def _strain(tracks: Tracks, squared: Floats, apart: Floats, t: Indices, n: Indices) -> Floats:
    found = squared[t, n][tracks.sure[t]]
    alone, free = tracks.sure.copy(), np.ones(squared.shape[1], np.bool_)
    alone[t], free[n] = False, False
    near = apart[alone][:, free]
    if not near.size:
        return found
    best = near.argmin(1)
    missed = squared[alone][:, free][np.arange(len(near)), best]
    return np.concatenate([found, missed[near.min(1) < STRAIN_M]])


def _off_kind(a: Indices, b: Indices) -> NDArray[np.bool_]:
    """(A, B) whether two kinds contradict each other."""
    differ: NDArray[np.bool_] = a[:, None] != b[None]
    off: NDArray[np.bool_] = differ & (a[:, None] != UNKNOWN) & (b[None] != UNKNOWN)
    return off
