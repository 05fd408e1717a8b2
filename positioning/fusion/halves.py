"""One body that two tracks follow, one by radar alone and one by camera alone.

A camera knows a body's bearing well and its distance badly, for as long as a nod or an unusual
height lasts; a track that it made by itself may settle metres off, and a radar's detections then
make another one behind or before it. Whoever is in the same line, turns with it, and is seen by
the one sensor where the other sees nobody, is the same body (track-to-track association:
Bar-Shalom and Li, Multitarget-Multisensor Tracking, 1995, section 8.4).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.birth import of_kind
from positioning.fusion.body import UNKNOWN
from positioning.fusion.scan import Pose
from positioning.fusion.tracks import Tracks

Floats = NDArray[np.float64]
Pairs = list[tuple[int, int]]

ALONE_S = 0.4  # without the other sensor; both look several times in it
GATE = 9.0  # squared, of bearing, its rate and the logarithm of the distance
SHARE = 0.25  # how far off a camera's distance may be for long
WIDE_M, TURN_RADPS = 1.0, 0.03  # a reflection's place on the body; how fast it wanders
LEAST = 0.8  # existence of both


def joined(tracks: Tracks, pose: Pose) -> Tracks:
    """With one track in the place of two halves: placed by the radar, named by the camera."""
    pairs = halves(tracks, pose)
    if not pairs:
        return tracks
    by_radar, by_camera = np.array(pairs).T
    before = tracks.kind
    votes, real = tracks.votes.copy(), tracks.real.copy()
    exists, seen = tracks.existence.copy(), tracks.seen_s.copy()
    votes[by_radar] += votes[by_camera]
    real[by_radar] = np.maximum(real[by_radar], real[by_camera])
    exists[by_radar] = np.maximum(exists[by_radar], exists[by_camera])
    seen[by_radar] = np.maximum(seen[by_radar], seen[by_camera])
    sure = tracks.sure.copy()
    sure[by_radar] |= sure[by_camera]
    one = replace(tracks, votes=votes, real=real, existence=exists, seen_s=seen, sure=sure)
    one = resized(one, before)
    return one.take(~np.isin(np.arange(len(one)), by_camera))


def resized(tracks: Tracks, before: NDArray[np.int64]) -> Tracks:
    """With the usual size where the kind became another than `before` (T,)."""
    kind = tracks.kind
    at = np.flatnonzero(kind != before)
    if not len(at):
        return tracks
    done = of_kind(tracks.mixture.take(at), before[at], kind[at])
    return replace(tracks, mixture=tracks.mixture.put(at, done))


def halves(tracks: Tracks, pose: Pose) -> Pairs:
    """(by radar, by camera) of tracks that are one body, the nearest first, each in one pair."""
    lately = tracks.time_s - tracks.seen_s < ALONE_S
    there = tracks.existence > LEAST
    by_radar = np.flatnonzero(lately[:, 0] & ~lately[:, 1] & there)
    by_camera = np.flatnonzero(lately[:, 1] & ~lately[:, 0] & there)
    if not len(by_radar) or not len(by_camera):
        return []
    value, variance = _seen(tracks, pose)
    off = value[by_radar, None] - value[None, by_camera]
    off[..., 0] = np.angle(np.exp(1j * off[..., 0]))
    apart = (off**2 / (variance[by_radar, None] + variance[None, by_camera])).sum(-1)
    kind = tracks.kind
    same = (kind[by_radar, None] == UNKNOWN) | (kind[by_radar, None] == kind[None, by_camera])
    apart = np.where(same, apart, np.inf)
    pairs: Pairs = []
    while (best := float(apart.min())) < GATE:
        row, column = np.argwhere(apart == best)[0].tolist()
        pairs.append((int(by_radar[row]), int(by_camera[column])))
        apart[row], apart[:, column] = np.inf, np.inf
    return pairs


def _seen(tracks: Tracks, pose: Pose) -> tuple[Floats, Floats]:
    """(T, 3) bearing, its rate and the logarithm of the distance, and their variances."""
    mean, covariance = tracks.mixture.merged()
    to = mean[:, :2] - [pose.x_m, pose.y_m]
    r = np.maximum(np.linalg.norm(to, axis=1), 1.0)
    across = np.stack([-to[:, 1], to[:, 0]], axis=1) / r[:, None]
    drift = ((mean[:, 2:4] - [pose.vx_mps, pose.vy_mps]) * across).sum(1)
    place, speed = (
        np.einsum("ti,tij,tj->t", across, covariance[:, at, at], across)
        for at in (slice(0, 2), slice(2, 4))
    )
    value = np.stack([np.arctan2(to[:, 1], to[:, 0]), drift / r, np.log(r)], axis=1)
    own = np.stack([(place + WIDE_M**2) / r**2, speed / r**2 + TURN_RADPS**2], axis=1)
    return value, np.column_stack([own, np.full(len(r), SHARE**2 / 2)])
