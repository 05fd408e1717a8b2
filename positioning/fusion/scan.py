"""What one sensor saw at one time, in one form for radar and camera.

A detection is (range, azimuth) or (range, azimuth, range rate) from where the sensor stood, with
its covariance. Range is that of the near side of the body, azimuth is positive to the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from positioning.video.camera import Camera

Floats = NDArray[np.float64]

KINDS = ("vehicle", "cyclist", "pedestrian")
UNKNOWN = 3
HEIGHT_M = np.array([1.75, 1.72, 1.70])  # of KINDS; lorries are twice as high
HEIGHT_SPREAD = np.array([0.9, 0.05, 0.07])  # standard deviation over the height


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
    """sensor: its name. time_s: when it measured, in the tracker's clock. z: (N, 2 or 3).
    covariance: (N, d, d). label: (N,) index into KINDS or UNKNOWN. score: (N,) 0..1.
    """

    sensor: str
    time_s: float
    pose: Pose
    z: Floats
    covariance: Floats
    label: NDArray[np.int64]
    score: Floats

    def __post_init__(self) -> None:
        n, d = self.z.shape
        if d not in (2, 3) or self.covariance.shape != (n, d, d):
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
    """What the tracker assumes of boxes: edge_px at 1080 lines, pitch_rad of a nodding vehicle."""

    edge_px: float = 2.5
    pitch_rad: float = 0.003


def camera_scan(
    time_s: float,
    pose: Pose,
    found: Detections,
    camera: Camera,
    errors: CameraErrors = CameraErrors(),
    sensor: str = "camera",
) -> Scan:
    """Bearing and range of boxes: the lower edge meets the ground, and bodies have usual heights.

    Boxes that touch the lower edge of the picture or end above the horizon have their range from
    the height alone.
    """
    boxes = found.boxes_px.astype(np.float64)
    middle = (boxes[:, 0] + boxes[:, 2]) / 2
    foot = np.stack([middle, boxes[:, 3]], axis=1)
    ray = camera.rays(foot)
    azimuth = np.arctan2(ray[:, 1], ray[:, 0])
    ground, ground_var = _from_ground(camera, foot, errors)
    tall, tall_var = _from_height(camera, boxes, found.labels, errors)
    weight = np.stack([1 / ground_var, 1 / tall_var])
    variance = 1 / weight.sum(0)
    distance = (weight * np.stack([ground, tall])).sum(0) * variance
    covariance = np.zeros((len(boxes), 2, 2))
    covariance[:, 0, 0] = variance
    covariance[:, 1, 1] = (errors.edge_px / camera.focal_px) ** 2 + 0.004**2
    z = np.stack([distance, azimuth], axis=1)
    return Scan(sensor, time_s, pose, z, covariance, found.labels, found.scores.astype(np.float64))


def _from_ground(camera: Camera, foot: Floats, errors: CameraErrors) -> tuple[Floats, Floats]:
    met = camera.ground_m(foot) - np.asarray(camera.mount_m[:2])
    distance = np.hypot(met[:, 0], met[:, 1])
    slope = distance**2 / camera.mount_m[2]
    variance = slope**2 * ((errors.edge_px / camera.focal_px) ** 2 + errors.pitch_rad**2) + 0.05
    useless = np.isnan(distance) | (foot[:, 1] > camera.height_px - 4) | (distance > 120)
    return np.where(useless, 50.0, distance), np.where(useless, 1e6, variance)


def _from_height(
    camera: Camera, boxes: Floats, labels: NDArray[np.int64], errors: CameraErrors
) -> tuple[Floats, Floats]:
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 2.0)
    distance = camera.focal_px * HEIGHT_M[labels] / height
    relative = HEIGHT_SPREAD[labels] ** 2 + 2 * (errors.edge_px / height) ** 2
    cut = (boxes[:, 1] < 4) | (boxes[:, 3] > camera.height_px - 4)
    return distance, np.where(cut, 1e4, 1.0) * relative * distance**2 + 0.05
