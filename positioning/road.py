"""Video of 1080 lines and a radar to tracks in metres, as the samples come, on two cores.

    road = RoadPipeline(Camera(), odometry)
    road.submit(VideoSample(time_s, jpeg))
    road.submit(RadarSample(time_s, cube, ego_mps))
    seen = road.take()

Decoding, detection and tracking in the image run in one thread, the radar's chain in another;
what they find is fused in the order in which the samples were submitted.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from common.types.radar import RadarCube
from common.types.stamped import Stamped
from positioning.fusion.curve import Odometry
from positioning.fusion.pipeline import Fusion, FusionSettings
from positioning.fusion.tracks import Tracks
from positioning.radar.detections import RadarDetections
from positioning.radar.pipeline import RadarChain
from positioning.radar.waveform import RadarError
from positioning.video.camera import Camera
from positioning.video.detector import Detector, Picture, PictureError, decode
from positioning.video.tracker import ImageTracker, Tracked

Floats = NDArray[np.float64]

LEAST_DB = 12.0  # signal to noise of what is fused: most echoes over several bounces are weaker


@dataclass(frozen=True, slots=True)
class VideoSample:
    """jpeg: a compressed frame of 1920 x 1080."""

    time_s: float
    jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class RadarSample:
    """ego_mps: (2,) the radar's own velocity, forward and to the left; None estimates it."""

    time_s: float
    cube: RadarCube
    ego_mps: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """After a sample of a sensor: the tracks that are told at its time and their means (T, 5); what
    the camera found and tracked, and what of the radar was fused (N, 3), range, azimuth and range
    rate, each None for the other sensor and a damaged sample; CPU ms of each stage."""

    time_s: float
    sensor: str
    tracks: Tracks
    mean: Floats
    found: Detections | None
    tracked: Tracked | None
    polar: Floats | None
    stage_ms: dict[str, float]


@dataclass(slots=True)
class _Worked:
    """What a sensor's thread hands over."""

    found: Detections | None = None
    tracked: Tracked | None = None
    polar: Floats | None = None
    stage_ms: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str, call: Callable[[], Any]) -> Any:
        """The result of a call, its CPU time noted."""
        begun = time.thread_time()
        result = call()
        self.stage_ms[stage] = 1e3 * (time.thread_time() - begun)
        return result


class Finder(Protocol):
    """What finds road users in a picture."""

    def detect(self, picture: Picture, width_px: int = 1920) -> Detections:
        """Boxes in pixels of a picture `width_px` wide."""


class RoadPipeline:
    """camera: as it is mounted. odometry: pose of the carrier at times of the radar's clock."""

    def __init__(
        self,
        camera: Camera,
        odometry: Odometry,
        *,
        detector: Finder | None = None,
        settings: FusionSettings = FusionSettings(),  # noqa: B008
    ) -> None:
        self._detector: Finder = detector or Detector(threshold=0.1)
        self._tracker, self._chain = ImageTracker(), RadarChain()
        self._fusion = Fusion(camera, odometry, settings)
        self._threads = {name: ThreadPoolExecutor(1, name) for name in ("camera", "radar")}
        self._waiting: deque[tuple[float, str, Future[_Worked]]] = deque()
        self.damaged: Counter[str] = Counter()

    def __enter__(self) -> RoadPipeline:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads.values():
            thread.shutdown(cancel_futures=True)

    def __len__(self) -> int:
        """Samples submitted and not yet taken."""
        return len(self._waiting)

    def submit(self, sample: VideoSample | RadarSample) -> None:
        """Returns at once; take what is waiting in time, or it piles up."""
        sensor, work = (
            ("camera", partial(self._look, sample))
            if isinstance(sample, VideoSample)
            else ("radar", partial(self._listen, sample))
        )
        self._waiting.append((sample.time_s, sensor, self._threads[sensor].submit(work)))

    def take(self, timeout_s: float | None = None) -> Seen:
        """The oldest sample, fused; TimeoutError where it is not done in time and stays first.

        A frame or cube that is damaged is counted in `damaged` and changes no track.
        """
        time_s, sensor, work = self._waiting[0]
        problem = work.exception(timeout_s)
        self._waiting.popleft()
        if isinstance(problem, PictureError | RadarError):
            self.damaged[sensor] += 1
        worked = _Worked() if isinstance(problem, PictureError | RadarError) else work.result()
        told, mean = worked.timed("fuse", lambda: self._fuse(time_s, worked))
        parts = worked.found, worked.tracked, worked.polar
        return Seen(time_s, sensor, told, mean, *parts, worked.stage_ms)

    def _look(self, sample: VideoSample) -> _Worked:
        worked = _Worked()
        picture = worked.timed("decode", lambda: decode(sample.jpeg))
        worked.found = found = worked.timed("detect", lambda: self._detector.detect(picture))
        worked.tracked = worked.timed("track", lambda: self._tracker.step(sample.time_s, found))
        return worked

    def _listen(self, sample: RadarSample) -> _Worked:
        worked = _Worked()
        frame = Stamped(0, round(sample.time_s * 1e9), 0, "radar", sample.cube)
        found = worked.timed("radar", lambda: self._chain.step(frame, sample.ego_mps).value)
        worked.polar = moving(found)
        return worked

    def _fuse(self, time_s: float, worked: _Worked) -> tuple[Tracks, Floats]:
        if worked.polar is not None:
            self._fusion.radar(time_s, worked.polar)
        if worked.found is not None and worked.tracked is not None:
            self._fusion.camera(time_s, followed(worked.found, worked.tracked))
        return self._fusion.tracks(time_s)


def followed(found: Detections, tracked: Tracked) -> Detections:
    """The boxes as they were found, of tracks alone, labelled as their tracks are."""
    at = tracked.detection
    return Detections(found.boxes_px[at], found.scores[at], tracked.label, found.names)


def moving(found: RadarDetections) -> Floats:
    """(N, 3) range of the near side, azimuth and range rate of what moves: one row a cluster."""
    kept = ~found.is_static & (found.snr_db > LEAST_DB)
    cluster = found.cluster[kept]
    alone = cluster < 0
    cluster[alone] = cluster.max(initial=-1) + 1 + np.arange(alone.sum())
    names, at = np.unique(cluster, return_inverse=True)
    weight = 10 ** (found.snr_db[kept] / 10)
    total = np.bincount(at, weight, len(names))
    near = np.full(len(names), np.inf)
    np.minimum.at(near, at, found.range_m[kept])
    azimuth, rate = (
        np.bincount(at, weight * value[kept], len(names)) / total
        for value in (found.azimuth_rad, found.radial_velocity_mps)
    )
    return np.stack([near, azimuth, rate], axis=1)
