"""What one sensor saw at one time, in one form for radar and camera.

A detection is what a radar tells of a reflection, (range, azimuth, range rate), or what a camera
tells of an outline, (inverse depth of the lower edge, bearing of the left and right edge, log of
the height over the depth), from where the sensor stood and in its axes, with its covariance.
Azimuth is positive to the left. A nod moves a lower edge by an angle, and the angle under the
horizon goes with the inverse of the depth: in it the error is the same at every distance, and a
body too far to be placed is still known not to be near (Civera, Davison and Montiel, IEEE Trans.
Robotics 24:932, 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from positioning.fusion.body import COVARIANCE, MEDIAN, UNKNOWN
from positioning.video.camera import Camera

Floats = NDArray[np.float64]

KINDS = ("vehicle", "cyclist", "pedestrian")
REFLECTION, OUTLINE = 3, 4  # sizes of what a radar and a camera measure
NOTHING = 1e4  # variance of what an edge of the picture cuts off
BORDER_PX = 4.0
FOOT_M = 0.22  # of a body's nearest corner against where its lower edge seems to stand
FARTHEST_M = 120.0  # no body is placed beyond it


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a sensor stands in the tracking frame and how it moves there; from odometry."""

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0
    vx_mps: float = 0.0
    vy_mps: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """sensor: its name. time_s: when it measured, in the tracker's clock. z: (N, 3 or 4).
    covariance: (N, d, d). label: (N,) index into KINDS or UNKNOWN. score: (N,) 0..1.
    trusted: whether what it misses says anything.
    """

    sensor: str
    time_s: float
    pose: Pose
    z: Floats
    covariance: Floats
    label: NDArray[np.int64]
    score: Floats
    trusted: bool = True

    def __post_init__(self) -> None:
        n, d = self.z.shape
        if d not in (REFLECTION, OUTLINE) or self.covariance.shape != (n, d, d):
            raise ValueError(f"z {self.z.shape} and covariance {self.covariance.shape} disagree")
        if self.label.shape != (n,) or self.score.shape != (n,):
            raise ValueError(
                f"{n} detections, {self.label.shape} labels, {self.score.shape} scores"
            )
        if not (np.isfinite(self.z).all() and np.isfinite(self.covariance).all()):
            raise ValueError(f"a scan of {self.sensor} is not finite")

    def __len__(self) -> int:
        return len(self.z)


@dataclass(frozen=True, slots=True)
class RadarErrors:
    """Standard deviations that the tracker assumes of a radar."""

    range_m: float = 0.25
    azimuth_rad: float = 0.018
    range_rate_mps: float = 0.2


def radar_scan(
    time_s: float,
    pose: Pose,
    polar: Floats,
    errors: RadarErrors = RadarErrors(),
    sensor: str = "radar",
) -> Scan:
    """From (N, 3) range, azimuth and range rate, relative to the sensor as it moves."""
    n = len(polar)
    variance = np.array([errors.range_m, errors.azimuth_rad, errors.range_rate_mps]) ** 2
    return Scan(
        sensor, time_s, pose, np.asarray(polar, np.float64).reshape(n, 3),
        np.tile(np.diag(variance), (n, 1, 1)), np.full(n, UNKNOWN, np.int64), np.ones(n),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CameraErrors:
    """What the tracker assumes of boxes: edge_px at 1080 lines, pitch_rad of a vehicle that nods.

    A nod lasts for ten pictures or so; pitch_rad is larger by as much.
    """

    edge_px: float = 2.5
    pitch_rad: float = 0.005


def camera_scan(
    time_s: float,
    pose: Pose,
    found: Detections,
    camera: Camera,
    errors: CameraErrors = CameraErrors(),
    sensor: str = "camera",
) -> Scan:
    """Outlines of boxes: the lower edge meets the ground, the upper is as much higher as the body.

    What the border of the picture cuts off is given without weight.
    """
    boxes = found.boxes_px.astype(np.float64)
    left, top, right, bottom = boxes.T
    across, down = (left + right) / 2, (top + bottom) / 2
    sides = [camera.rays(np.stack([u, down], axis=1)) for u in (left, right)]
    ends = [camera.rays(np.stack([across, v], axis=1)) for v in (top, bottom)]
    bearing = [np.arctan2(ray[:, 1], ray[:, 0]) for ray in sides]
    tall = np.maximum(np.subtract(*(ray[:, 2] / ray[:, 0] for ray in ends)), 1e-3)
    inverse = -ends[1][:, 2] / ends[1][:, 0] / camera.mount_m[2]
    nod = ((errors.edge_px / camera.focal_px) ** 2 + errors.pitch_rad**2) / camera.mount_m[2] ** 2
    edge = (errors.edge_px / camera.focal_px) ** 2
    cut = _cut(boxes, camera)
    covariance = np.zeros((len(boxes), OUTLINE, OUTLINE))
    covariance[:, 0, 0] = np.where(cut[:, 3], NOTHING, nod + (FOOT_M * inverse**2) ** 2)
    covariance[:, 1, 1] = np.where(cut[:, 0], NOTHING, edge + 0.001**2)
    covariance[:, 2, 2] = np.where(cut[:, 2], NOTHING, edge + 0.001**2)
    end = np.where(cut[:, 1] | cut[:, 3], NOTHING, 2 * edge / tall**2 + 0.02**2)
    covariance[:, 3, 3] = end
    z = np.stack([inverse, *bearing, np.log(tall)], axis=1)
    scores = found.scores.astype(np.float64)
    return Scan(sensor, time_s, pose, z, covariance, found.labels, scores)


def _cut(boxes: Floats, camera: Camera) -> NDArray[np.bool_]:
    """(N, 4) whether left, top, right and bottom lie on the border of the picture."""
    size = np.array([camera.width_px, camera.height_px])
    low, high = boxes[:, :2] < BORDER_PX, boxes[:, 2:] > size - BORDER_PX
    cut: NDArray[np.bool_] = np.hstack([low, high])
    return cut


def depths(scan: Scan) -> tuple[Floats, Floats]:
    """(N,) metres to the lower edges of a camera's detections, at most FARTHEST_M, and their
    variances to first order; NOTHING where the picture cuts the edge off."""
    inverse, variance = scan.z[:, 0], scan.covariance[:, 0, 0]
    depth = 1 / np.maximum(inverse, 1 / FARTHEST_M)
    return depth, np.where(variance >= NOTHING, NOTHING, depth**4 * variance)


def near_side(scan: Scan) -> tuple[Floats, Floats, Floats, Floats]:
    """Distance, azimuth and their variances of the near side of every detection by itself; a
    camera's by the ground, and by the usual height of its kind where the ground is not seen."""
    if scan.z.shape[1] == REFLECTION:
        return scan.z[:, 0], scan.z[:, 1], scan.covariance[:, 0, 0], scan.covariance[:, 1, 1]
    _, left, right, tall = scan.z.T
    depth, depth2 = depths(scan)
    variance = np.stack([scan.covariance[:, i, i] for i in range(OUTLINE)])
    usual = np.exp(MEDIAN[scan.label, 2] - tall)
    unsure = usual**2 * (COVARIANCE[scan.label, 2, 2] + variance[3])
    blind = depth2 >= NOTHING
    azimuth = (left + right) / 2
    cosine = np.cos(azimuth)
    near = np.where(blind, usual, depth) / cosine
    spread = np.where(blind, np.minimum(unsure, 20.0**2), depth2) / cosine**2
    return near, azimuth, spread, np.minimum((variance[1] + variance[2]) / 4, 0.1**2)
