"""What the chain finds in a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.radar import CAPACITY, RadarPoints

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RadarDetections:
    """N detections at the middle of a frame, in the radar's frame (x forward, y left, z up).

    range_m, radial_velocity_mps (range rate), azimuth_rad, elevation_rad, snr_db: (N,) float64;
    snr_db is that in the detection map, per virtual element, after both FFTs.
    covariance: (N, 3, 3), of range, radial velocity and azimuth, of noise alone.
    ground_mps: (N,), range rate over the ground; NaN where the own motion is not known.
    is_static: (N,), False where ground_mps is unknown. cluster: (N,) int64, -1 for none.
    ego_mps: (2,), the radar's own velocity that was used, or None.
    disturbed: share of samples in which another radar was heard.
    """

    range_m: Floats
    radial_velocity_mps: Floats
    azimuth_rad: Floats
    elevation_rad: Floats
    snr_db: Floats
    covariance: Floats
    ground_mps: Floats
    is_static: NDArray[np.bool_]
    cluster: NDArray[np.int64]
    ego_mps: Floats | None
    disturbed: float

    def __len__(self) -> int:
        return len(self.range_m)

    @property
    def xy_m(self) -> Floats:
        """(N, 2) positions over the ground."""
        level = self.range_m * np.cos(self.elevation_rad)
        return np.stack([level * np.cos(self.azimuth_rad), level * np.sin(self.azimuth_rad)], 1)

    @property
    def xy_covariance_m2(self) -> Floats:
        """(N, 2, 2) of `xy_m`, to first order."""
        cos, sin = np.cos(self.azimuth_rad), np.sin(self.azimuth_rad)
        across = self.range_m[:, None] * np.stack([-sin, cos], axis=1)
        jacobian = np.stack([np.stack([cos, sin], axis=1), across], axis=2)
        polar = self.covariance[:, [0, 2]][:, :, [0, 2]]
        covariance: Floats = jacobian @ polar @ jacobian.transpose(0, 2, 1)
        return covariance

    def points(self) -> RadarPoints:
        """What a radar's driver hands over: the strongest, as far as a frame holds them."""
        strongest = np.sort(np.argsort(-self.snr_db, kind="stable")[:CAPACITY])
        columns = (
            self.range_m,
            self.azimuth_rad,
            self.elevation_rad,
            self.radial_velocity_mps,
            self.snr_db,
        )
        return RadarPoints.of(np.stack(columns, axis=1)[strongest])


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """C clusters: xy_m (C, 2), mean by power; extent_m (C, 2, 2), scatter about it; ground_mps
    (C,), median; snr_db (C,), highest; members (C,) int64."""

    xy_m: Floats
    extent_m2: Floats
    ground_mps: Floats
    snr_db: Floats
    members: NDArray[np.int64]


def clusters(found: RadarDetections) -> Clusters:
    """The clusters of a frame, in the order of their numbers."""
    count = int(found.cluster.max(initial=-1)) + 1
    groups = [np.flatnonzero(found.cluster == number) for number in range(count)]
    weight = 10 ** (found.snr_db / 10)
    means = [np.average(found.xy_m[g], axis=0, weights=weight[g]) for g in groups]
    away = [found.xy_m[g] - mean for g, mean in zip(groups, means, strict=True)]
    return Clusters(
        np.array(means).reshape(-1, 2),
        np.array([a.T @ a / len(a) for a in away]).reshape(-1, 2, 2),
        np.array([np.median(found.ground_mps[g]) for g in groups]),
        np.array([found.snr_db[g].max() for g in groups]),
        np.array([len(g) for g in groups], np.int64),
    )
