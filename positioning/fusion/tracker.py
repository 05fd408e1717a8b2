"""One scan after the other: predict, associate, update, let tracks be born and die.

Existence as in integrated probabilistic data association (Musicki, Evans and Stankovic, IEEE
Trans. Automatic Control 39:1237, 1994), on the pairs of a global nearest neighbour assignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.associate import distances, nearest
from positioning.fusion.imm import Mixture, update
from positioning.fusion.motion import MODELS, SIZE
from positioning.fusion.observe import observe, place, wrap
from positioning.fusion.scan import UNKNOWN, Scan
from positioning.fusion.tracks import Tracks

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

OFF_KIND = 6.0  # cost of pairing a detection of one kind with a track of another
STRAIN_M = 6.0  # farther detections say nothing about a track
NEWS = 2.3  # one detection says at most this much (log ratio): clutter is less even than assumed
RUNS = 0.12  # misses come in runs: one more says less than if it were independent


@dataclass(frozen=True, slots=True)
class Sensing:
    """What the tracker assumes of a sensor. detection: probability within its field.
    clutter: false detections a scan. birth: probability that a detection that belongs to no track
    is somebody new. half_field_rad, reach_m: the field. hides: whether one body hides another."""

    detection: float = 0.8
    clutter: float = 1.5
    birth: float = 0.15
    half_field_rad: float = np.pi / 3
    reach_m: float = 80.0
    hides: bool = False


RADAR = Sensing(0.75, 2.5, 0.12)
CAMERA = Sensing(0.8, 0.4, 0.2, half_field_rad=0.6, reach_m=70.0, hides=True)


@dataclass(frozen=True, slots=True)
class Settings:
    """gate: squared Mahalanobis distance beyond which nothing is paired. confirmed: existence from
    which a track is told; dropped: below which it is forgotten. survival_s: time constant of
    existence without news. speed_mps: standard deviation of what is not measured of a new
    track's velocity. merge_m: two tracks closer than this with like velocities are one."""

    gate: float = 16.0
    confirmed: float = 0.97
    told: float = 0.4
    dropped: float = 0.03
    survival_s: float = 4.0
    speed_mps: float = 7.0
    merge_m: float = 1.5
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
        t, n, squared, apart, (nis, after) = self._paired(tracks, scan, sensing)
        outcome = tracks.number[t], n, nis, tracks.sure[t], _strain(tracks, squared, apart, t, n)
        left = np.setdiff1d(np.arange(len(scan)), n)
        after = self._born(after, scan, left, sensing)
        return Outcome(self._kept(after), *outcome)

    def told(self, tracks: Tracks) -> Tracks:
        """Those that are reported."""
        return tracks.take(tracks.sure & (tracks.existence >= self.settings.told))

    def _paired(
        self, tracks: Tracks, scan: Scan, sensing: Sensing
    ) -> tuple[Indices, Indices, Floats, Floats, tuple[Floats, Tracks]]:
        size = scan.z.shape[1]
        mean, covariance = tracks.mixture.merged()
        expected, jacobian, unsure = observe(mean, scan.pose, tracks.kind, size)
        spread = jacobian @ covariance @ jacobian.swapaxes(-1, -2)
        spread[:, 0, 0] += unsure
        all_spread = spread[:, None] + scan.covariance[None]
        innovation, squared = distances(scan.z, expected, all_spread)
        size_cost = np.linalg.slogdet(all_spread)[1]
        off = _off_kind(tracks.kind, scan.label)
        chance = _chance(mean, expected, sensing)
        density = _density(sensing, size)
        cost = squared + size_cost + OFF_KIND * off - 2 * np.log(np.maximum(chance, 0.05))[:, None]
        cost = cost + size * np.log(2 * np.pi)
        # left alone: the track missed, and the detection clutter or, more likely, somebody new
        miss = -2 * np.log(10 * density) - 2 * np.log1p(-chance)
        t, n = nearest(cost, squared < self.settings.gate, miss)
        apart = np.hypot(innovation[..., 0], innovation[..., 1] * expected[:, :1])
        return t, n, squared, apart, self._absorbed(tracks, scan, t, n, chance, density, unsure)

    def _absorbed(
        self,
        tracks: Tracks,
        scan: Scan,
        t: Indices,
        n: Indices,
        chance: Floats,
        density: float,
        unsure: Floats,
    ) -> tuple[Floats, Tracks]:
        """Squared innovations of the pairs, and the tracks after detections and misses."""
        missed = RUNS * chance
        existence = tracks.existence * (1 - missed) / (1 - tracks.existence * missed)
        if not len(t):
            return np.zeros(0), replace(tracks, existence=existence)
        size, some = scan.z.shape[1], tracks.mixture.take(t)
        expected, jacobian, _ = observe(some.mean, scan.pose, tracks.kind[t][:, None], size)
        innovation = scan.z[n][:, None] - expected
        innovation[..., 1] = wrap(innovation[..., 1])
        noise = scan.covariance[n].copy()
        noise[:, 0, 0] += unsure[t]
        done = update(some, innovation, jacobian, noise)
        ratio = np.exp(np.clip(done.log_likelihood - np.log(density), -12, NEWS)) * chance[t]
        prior = tracks.existence[t]
        existence[t] = prior * ratio / np.maximum(1 - prior + prior * ratio, 1e-12)
        existence = np.clip(existence, 0, 0.999)
        mean, covariance, weight = (
            array.copy()
            for array in (tracks.mixture.mean, tracks.mixture.covariance, tracks.mixture.weight)
        )
        mean[t], covariance[t] = done.mixture.mean, done.mixture.covariance
        weight[t] = done.mixture.weight
        votes, seen = tracks.votes.copy(), tracks.seen_s.copy()
        votes[t, scan.label[n]] += np.where(scan.label[n] == UNKNOWN, 0.0, scan.score[n])
        seen[t] = scan.time_s
        after = replace(
            tracks, mixture=Mixture(mean, covariance, weight), existence=existence, votes=votes,
            seen_s=seen, sure=tracks.sure | (existence >= self.settings.confirmed),
        )  # fmt: skip
        return done.nis, after

    def _born(self, tracks: Tracks, scan: Scan, left: Indices, sensing: Sensing) -> Tracks:
        """A tentative track for every detection that belongs to none."""
        if not len(left):
            return tracks
        z, label, pose = scan.z[left], scan.label[left], scan.pose
        middle, unit = place(z, pose, label)
        mean, spread = np.zeros((len(left), SIZE)), np.zeros((len(left), SIZE, SIZE))
        mean[:, :2] = middle
        across = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
        noise = scan.covariance[left]
        along2 = unit[:, :, None] * unit[:, None, :]
        across2 = across[:, :, None] * across[:, None, :]
        side = z[:, 0] ** 2 * noise[:, 1, 1]
        spread[:, :2, :2] = (noise[:, 0, 0] + 0.7)[:, None, None] * along2
        spread[:, :2, :2] += (side + 0.1)[:, None, None] * across2
        speed2 = np.full(len(left), self.settings.speed_mps**2)
        radial2 = speed2.copy()
        if z.shape[1] == 3:
            own = unit @ np.array([pose.vx_mps, pose.vy_mps])
            mean[:, 2:4] = (z[:, 2] + own)[:, None] * unit
            radial2 = noise[:, 2, 2]
        spread[:, 2:4, 2:4] = radial2[:, None, None] * along2 + speed2[:, None, None] * across2
        spread[:, 4, 4] = 0.3**2
        mixture = Mixture(
            np.repeat(mean[:, None], MODELS, 1),
            np.repeat(spread[:, None], MODELS, 1),
            np.tile([0.8, 0.2], (len(left), 1)),
        )
        votes = np.zeros((len(left), 4))
        votes[:, UNKNOWN] = 0.5
        votes[np.arange(len(left)), label] += np.where(label == UNKNOWN, 0.0, scan.score[left])
        number = round(scan.time_s * 1e6) * 1024 + 512 * (z.shape[1] == 2) + left % 512
        return tracks.born(mixture, number, sensing.birth * scan.score[left], votes)

    def _kept(self, tracks: Tracks) -> Tracks:
        """Without those that faded, and without the weaker of two that became one."""
        tracks = tracks.take(tracks.existence >= self.settings.dropped)
        if len(tracks) < 2:
            return tracks
        mean, _ = tracks.mixture.merged()
        apart = np.linalg.norm(mean[:, None, :2] - mean[None, :, :2], axis=-1)
        drift = np.linalg.norm(mean[:, None, 2:4] - mean[None, :, 2:4], axis=-1)
        rank = tracks.existence + 1e-3 * tracks.sure - 1e-6 * np.arange(len(tracks))
        better = rank[:, None] < rank[None]
        twin = (apart < self.settings.merge_m) & (drift < 3.0) & better
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


def _chance(mean: Floats, expected: Floats, sensing: Sensing) -> Floats:
    """(T,) probability that each track is detected, near nothing outside the field."""
    inside = (np.abs(expected[:, 1]) < sensing.half_field_rad) & (expected[:, 0] < sensing.reach_m)
    chance = np.where(inside, sensing.detection, 0.02)
    if sensing.hides and len(mean) > 1:
        r, bearing = expected[:, 0], expected[:, 1]
        width = 0.8 / np.maximum(r, 1.0)
        before = r[None] < r[:, None] - 2.0
        covered = np.abs(wrap(bearing[:, None] - bearing[None])) < width[None]
        chance = np.where((before & covered).any(1), 0.15, chance)
    return chance


def _density(sensing: Sensing, size: int) -> float:
    """False detections a unit of measurement space: m rad, or m rad m/s over 40 m/s."""
    volume = sensing.reach_m * 2 * sensing.half_field_rad * (40.0 if size == 3 else 1.0)
    return sensing.clutter / volume
