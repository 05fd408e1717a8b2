"""Radar and camera, each when it comes, to tracks: align, replay in order, watch the sensors.

Times are those of the sensors' own clocks; the tracker runs in the radar's. Nothing here reads a
clock or does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from positioning.fusion.agreement import Agreement
from positioning.fusion.alignment import Aligner, Alignment
from positioning.fusion.body import size_m
from positioning.fusion.curve import Odometry
from positioning.fusion.health import Verdict, Watch
from positioning.fusion.motion import SIZE
from positioning.fusion.replay import Replay
from positioning.fusion.scan import (
    NOTHING,
    CameraErrors,
    Pose,
    RadarErrors,
    Scan,
    camera_scan,
    depths,
    radar_scan,
)
from positioning.fusion.tracker import Outcome, Settings, Tracker
from positioning.fusion.tracks import Tracks
from positioning.video.camera import Camera

Floats = NDArray[np.float64]

SOLVE_EVERY_S = 0.5
SETTLED_S = 0.02  # with clocks farther apart moving bodies do not agree
STRANGE_MPS, STRANGE_RADPS = 10.0, 0.25  # how fast ranges and bearings change on a road


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """period_s of each sensor; lag_s: how late a scan may come. aligns: whether the camera's clock
    and mount are estimated; without it they are taken as configured."""

    tracker: Settings = field(default_factory=Settings)
    radar: RadarErrors = field(default_factory=RadarErrors)
    camera: CameraErrors = field(default_factory=CameraErrors)
    radar_period_s: float = 0.05
    camera_period_s: float = 1 / 30
    lag_s: float = 0.6
    aligns: bool = True


class Fusion:
    """camera: its configured mount. odometry: pose of the carrier."""

    def __init__(
        self,
        camera: Camera,
        odometry: Odometry,
        settings: FusionSettings = FusionSettings(),
    ) -> None:
        self._camera, self._odometry, self._settings = camera, odometry, settings
        self._replay = Replay(Tracker(settings.tracker), settings.lag_s)
        self._aligner = Aligner(odometry, camera.mount_m[2])
        self._agreement = Agreement()
        self._solved_s = -np.inf
        self._watch = {
            "radar": Watch(settings.radar_period_s),
            "camera": Watch(settings.camera_period_s),
        }

    @property
    def alignment(self) -> Alignment:
        """What is known of the camera's clock and mount."""
        return self._aligner.current

    @property
    def replay(self) -> Replay:
        """How many scans came late or too late."""
        return self._replay

    def verdicts(self, now_s: float) -> dict[str, Verdict]:
        """Of each sensor at a time of the radar's clock."""
        return {name: self._verdict(name, now_s) for name in self._watch}

    def _verdict(self, name: str, now_s: float) -> Verdict:
        """What the sensor alone gives rise to, or that it does not fit the other."""
        off = {"radar": self._agreement.radar_is_off, "camera": self._agreement.camera_is_off}
        alone = self._watch[name].verdict(now_s)
        return Verdict.DOUBTED if off[name] and alone is Verdict.GOOD else alone

    def radar(self, time_s: float, polar: Floats) -> None:
        """Detections (N, 3): range, azimuth, range rate."""
        scan = radar_scan(time_s, self._pose(time_s), polar, self._settings.radar)
        self._agreement.radar(scan)
        outcome = self._add(scan)
        if outcome is None or not self._settings.aligns:
            return
        for track, at in zip(outcome.number.tolist(), outcome.detection.tolist(), strict=True):
            self._aligner.radar(track, time_s, scan.z[at])
        if time_s - self._solved_s >= SOLVE_EVERY_S:
            self._aligner.solve(time_s)
            self._solved_s = time_s

    def camera(self, stamp_s: float, found: Detections) -> None:
        """Boxes in pixels, stamped by the camera's clock."""
        known = self.alignment
        time_s = stamp_s - known.offset_at(stamp_s)
        mount = replace(
            self._camera,
            yaw_rad=self._camera.yaw_rad + known.yaw_rad,
            pitch_rad=self._camera.pitch_rad + known.pitch_rad,
        )
        pose = self._pose(time_s)
        scan = camera_scan(time_s, pose, found, mount, self._settings.camera)
        if self._settings.aligns:
            scan = _unsure(scan, known)
        if not self._settings.aligns or known.sigma[0] < SETTLED_S:
            self._agreement.camera(scan)
        outcome = self._add(scan)
        if outcome is None or not self._settings.aligns:
            return
        plain = camera_scan(time_s, pose, found, self._camera, self._settings.camera)
        depth, variance = depths(plain)
        half = dict(zip(outcome.tracks.number.tolist(), _half_m(outcome.tracks), strict=True))
        for track, at in zip(outcome.number.tolist(), outcome.detection.tolist(), strict=True):
            _, left, right, _ = plain.z[at].tolist()
            if track in half and np.diag(plain.covariance[at])[1:3].max() < NOTHING:
                seen = (left + right) / 2, float(depth[at]), float(variance[at])
                self._aligner.camera(track, stamp_s, seen, int(found.labels[at]), half[track])

    def tracks(self, time_s: float) -> tuple[Tracks, Floats]:
        """The tracks that are told, predicted to `time_s`, with their mean states (T, 8)."""
        if self._replay.tracks is None:
            return Tracks.none(time_s), np.zeros((0, SIZE))
        now = self._replay.tracks.at(time_s, self._settings.tracker.survival_s)
        told = self._replay.tracker.told(now)
        return told, told.mixture.merged()[0]

    def _pose(self, time_s: float) -> Pose:
        return Pose(*self._odometry(np.array([time_s]))[0].tolist())

    def _add(self, scan: Scan) -> Outcome | None:
        watch = self._watch[scan.sensor]
        trusted = self._verdict(scan.sensor, scan.time_s) is not Verdict.DOUBTED
        covariance = scan.covariance * watch.enlarged
        outcome = self._replay.add(replace(scan, covariance=covariance, trusted=trusted))
        if outcome is not None:
            watch.heard(scan.time_s, outcome.strain * watch.enlarged, scan.z.shape[1])
        return outcome


def _half_m(tracks: Tracks) -> Floats:
    """(T, 2) half length and half width."""
    half: Floats = size_m(tracks.mixture.merged()[0])[:, :2]
    return half


def _unsure(scan: Scan, known: Alignment) -> Scan:
    """As long as clock and mount are not known well, ranges and bearings are not either."""
    covariance = scan.covariance.copy()
    covariance[:, 0, 0] += (scan.z[:, 0] ** 2 * STRANGE_MPS * known.sigma[0]) ** 2
    covariance[:, 1:3, 1:3] += (STRANGE_RADPS * known.sigma[0]) ** 2 + known.sigma[2] ** 2
    return replace(scan, covariance=covariance)
