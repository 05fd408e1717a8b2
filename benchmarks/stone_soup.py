"""Stone Soup's tracker on the same scans: extended Kalman filter, nearest neighbours.

Every detection is given as a place in metres, seen as bearing and distance from where the sensor
stood, with the covariance that our tracker would give it, and as range rate where a radar tells
one. Parts are Stone Soup's own but for the start of a track, which it has for no range rate.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import MissingExtraError
from positioning.fusion.body import COVARIANCE, MEDIAN
from positioning.fusion.scan import REFLECTION, Scan, near_side

try:
    import stonesoup  # noqa: F401
except ImportError as error:
    raise MissingExtraError("stonesoup", "dev") from error

from stonesoup.base import Property
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.deleter.time import UpdateTimeDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.initiator.base import GaussianInitiator
from stonesoup.initiator.simple import MultiMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.models.measurement.nonlinear import (
    CartesianToBearingRange,
    CartesianToBearingRangeRate2D,
)
from stonesoup.models.transition.linear import (
    CombinedLinearGaussianTransitionModel,
    ConstantVelocity,
)
from stonesoup.predictor.kalman import ExtendedKalmanPredictor
from stonesoup.tracker.simple import MultiTargetTracker
from stonesoup.types.detection import Detection
from stonesoup.types.hypothesis import SingleHypothesis
from stonesoup.types.state import StateVector
from stonesoup.types.track import Track
from stonesoup.types.update import GaussianStateUpdate
from stonesoup.updater.kalman import ExtendedKalmanUpdater

Floats = NDArray[np.float64]
EPOCH = datetime(2026, 1, 1)
PLACE, SPEED = (0, 2), (1, 3)  # of the state x, vx, y, vy
ACCELERATION2 = 2.0**2  # m^2/s^3, that of our straight model
SPEED_MPS = 7.0  # standard deviation of what is not measured of a new track's velocity
GATE = 4.0  # standard deviations
POINTS, HELD_S, LOST_S = 10, 0.5, 1.0  # detections until a track is told; patience before and after


class _Start(GaussianInitiator):  # type: ignore[misc]
    """A track at a detection's place, with the speed along the line of sight that it tells."""

    speed_mps: float = Property(doc="Standard deviation of what is not measured of the velocity")

    def initiate(self, detections: set[Any], timestamp: datetime, **_: object) -> set[Any]:
        """One track each."""
        return {self._track(detection) for detection in detections}

    def _track(self, detection: Any) -> Any:
        model = detection.measurement_model
        turn = float(detection.state_vector[0]) + float(model.rotation_offset[2, 0])
        line = np.array([np.cos(turn), np.sin(turn)])
        axes = np.stack([line, [-line[1], line[0]]])
        r = float(detection.state_vector[1])
        noise = np.diag(np.asarray(model.noise_covar, np.float64))
        place = np.diag([noise[1], r**2 * noise[0]])
        mean, covariance = np.zeros(4), np.zeros((4, 4))
        mean[list(PLACE)] = np.ravel(model.translation_offset) + r * line
        velocity = np.full(2, self.speed_mps**2)
        if len(noise) == REFLECTION:
            own = np.ravel(model.velocity) @ line
            mean[list(SPEED)] = (float(detection.state_vector[2]) + own) * line
            velocity[0] = noise[2]
        covariance[np.ix_(PLACE, PLACE)] = axes.T @ place @ axes
        covariance[np.ix_(SPEED, SPEED)] = axes.T @ np.diag(velocity) @ axes
        state = GaussianStateUpdate(
            StateVector(mean), covariance, SingleHypothesis(None, detection), detection.timestamp
        )
        return Track([state])


class Peer:
    """Takes scans in order of time."""

    def __init__(self) -> None:
        motion = CombinedLinearGaussianTransitionModel([ConstantVelocity(ACCELERATION2)] * 2)
        self._predictor = ExtendedKalmanPredictor(motion)
        updater = ExtendedKalmanUpdater()
        near = DistanceHypothesiser(self._predictor, updater, Mahalanobis(), missed_distance=GATE)
        associator = GNNWith2DAssignment(near)
        start = MultiMeasurementInitiator(
            prior_state=None,
            deleter=UpdateTimeDeleter(timedelta(seconds=HELD_S)),
            data_associator=associator,
            updater=updater,
            min_points=POINTS,
            initiator=_Start(speed_mps=SPEED_MPS),
        )
        self._tracker = MultiTargetTracker(
            initiator=start,
            deleter=UpdateTimeDeleter(timedelta(seconds=LOST_S)),
            detector=[],
            data_associator=associator,
            updater=updater,
        )

    def step(self, scan: Scan) -> None:
        """One more scan."""
        now = _moment(scan.time_s)
        self._tracker.detector_iter = iter([(now, detections(scan, now))])
        next(self._tracker)

    def places(self, time_s: float) -> Floats:
        """(T, 2) of the tracks, predicted to a time that is not before the last scan's."""
        now = _moment(time_s)
        told = [self._predictor.predict(track[-1], timestamp=now) for track in self._tracker.tracks]
        rows = [np.ravel(state.state_vector[list(PLACE), 0]) for state in told]
        return np.array(rows, np.float64).reshape(-1, 2)


def _moment(time_s: float) -> datetime:
    return EPOCH + timedelta(seconds=time_s)


def detections(scan: Scan, now: datetime) -> set[Any]:
    """Middles of bodies: the near side and half the usual length of the kind behind it."""
    near, azimuth, near2, azimuth2 = near_side(scan)
    half = np.exp(MEDIAN[scan.label])
    distance = near + half[:, 0]
    distance2 = near2 + half[:, 0] ** 2 * COVARIANCE[scan.label, 0, 0]
    across2 = azimuth2 + (half[:, 1] / np.maximum(distance, 1.0)) ** 2 / 3
    tells_rate = scan.z.shape[1] == REFLECTION
    found = set()
    for i in range(len(scan)):
        z, variance = [azimuth[i], distance[i]], [across2[i], distance2[i]]
        if tells_rate:
            z, variance = [*z, scan.z[i, 2]], [*variance, scan.covariance[i, 2, 2]]
        model = _model(scan, np.diag(variance))
        found.add(Detection(StateVector(z), timestamp=now, measurement_model=model))
    return found


def _model(scan: Scan, covariance: Floats) -> Any:
    pose = scan.pose
    seen_from: dict[str, Any] = {
        "ndim_state": 4,
        "mapping": PLACE,
        "noise_covar": covariance,
        "translation_offset": StateVector([pose.x_m, pose.y_m]),
        "rotation_offset": StateVector([0.0, 0.0, pose.yaw_rad]),
    }
    if len(covariance) == REFLECTION:
        velocity = StateVector([pose.vx_mps, pose.vy_mps])
        return CartesianToBearingRangeRate2D(velocity_mapping=SPEED, velocity=velocity, **seen_from)
    return CartesianToBearingRange(**seen_from)
