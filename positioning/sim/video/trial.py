"""One drive through the fusion, judged against the truth ten times a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from positioning.fusion.alignment import Alignment
from positioning.fusion.gospa import Gospa, gospa
from positioning.fusion.pipeline import Fusion, FusionSettings
from positioning.sim.road.world import World, turned
from positioning.sim.video.detections import Place, clear_share
from positioning.sim.video.drive import Arrival, Faults, arrivals, odometry
from positioning.video.camera import Camera

Floats = NDArray[np.float64]
JUDGED_M, JUDGED_RAD, WARM_S, EVERY_S = 60.0, 0.55, 1.5, 0.1
BOTH = ("radar", "camera")


@dataclass(slots=True)
class Trial:
    """Of one drive: GOSPA over time, errors of the pairs in metres, alignments, the truth and
    tracks of the last look, and the times at which each body was first hidden, seen and told."""

    scores: list[Gospa] = field(default_factory=list)
    errors_m: list[float] = field(default_factory=list)
    aligned: list[tuple[float, Alignment]] = field(default_factory=list)
    verdicts: list[dict[str, str]] = field(default_factory=list)
    paths: list[tuple[float, Floats, Floats]] = field(default_factory=list)

    @property
    def gospa_m(self) -> float:
        """Mean over time."""
        return float(np.mean([score.value for score in self.scores]))

    @property
    def rmse_m(self) -> float:
        """Of the positions of tracks that have a body within the cutoff; NaN without any."""
        return float(np.sqrt(np.mean(np.square(self.errors_m)))) if self.errors_m else np.nan


def drive(
    world: World,
    condition: str,
    seed: int,
    *,
    sensors: tuple[str, ...] = BOTH,
    faults: Faults = Faults(),  # noqa: B008
    camera: Camera = Camera(),  # noqa: B008
    settings: FusionSettings = FusionSettings(aligns=False),  # noqa: B008
    heard: Sequence[Arrival] | None = None,
) -> Trial:
    """All arrivals of a drive in order, and what came of them. heard: what both sensors said, where
    it is known already."""
    fusion = Fusion(camera, lambda times: odometry(world, times), settings)
    trial, due = Trial(), WARM_S
    said = arrivals(world, condition, camera, seed, faults, sensors) if heard is None else heard
    for arrival in said:
        name = "camera" if isinstance(arrival.value, Detections) else "radar"
        if name not in sensors:
            continue
        if isinstance(arrival.value, Detections):
            fusion.camera(arrival.stamp_s, arrival.value)
        else:
            fusion.radar(arrival.stamp_s, arrival.value)
        if arrival.arrives_s >= due:
            _judge(world, fusion, due, trial)
            due += EVERY_S
    return trial


def _judge(world: World, fusion: Fusion, time_s: float, trial: Trial) -> None:
    _, mean = fusion.tracks(time_s)
    bodies, tracks = visible(world, time_s, mean[:, :2])
    score = gospa(bodies, tracks)
    trial.scores.append(score)
    apart = bodies[score.pairs[:, 0]] - tracks[score.pairs[:, 1]]
    trial.errors_m.extend(np.linalg.norm(apart, axis=1).tolist())
    trial.aligned.append((time_s, fusion.alignment))
    told = {name: verdict.value for name, verdict in fusion.verdicts(time_s).items()}
    trial.verdicts.append(told)
    trial.paths.append((time_s, bodies, tracks))


def visible(world: World, time_s: float, tracks: Floats) -> tuple[Floats, Floats]:
    """Places (N, 2) of the bodies and (M, 2) of the tracks that are judged."""
    place, truth = Place.of(world, time_s), world.truth(time_s)
    bodies = truth.centre_m[:, :2]
    behind = np.array([_behind_wall(world, time_s, a) for a in range(len(bodies))], bool)
    return bodies[inside(bodies, place) & ~behind], tracks[inside(tracks, place)]


def inside(points_m: Floats, place: Place) -> NDArray[np.bool_]:
    """(N,) which points (N, 2) lie in the field that is judged, that of the camera."""
    body = turned(points_m - place.at_m, -place.yaw_rad)
    bearing = np.abs(np.arctan2(body[:, 1], body[:, 0]))
    near: NDArray[np.bool_] = np.hypot(body[:, 0], body[:, 1]) < JUDGED_M
    return near & (bearing < JUDGED_RAD) & (body[:, 0] > 3.0)


def _behind_wall(world: World, time_s: float, a: int) -> bool:
    """Whether a house hides the whole body: then no sensor is asked for it."""
    if not any(wall.is_opaque for wall in world.walls):
        return False
    alone = World(world.ego, (world.actors[a],), world.walls)
    share = clear_share(alone, alone.truth(time_s), Place.of(world, time_s), 1.5)
    return bool(share[0] < 0.05)
