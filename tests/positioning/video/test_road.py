"""Recorded samples to fused tracks, with a detector whose boxes are known."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.types.detections import Detections
from common.types.radar import RadarCube
from positioning.fusion.pipeline import FusionSettings
from positioning.radar.detections import RadarDetections
from positioning.road import RadarSample, RoadPipeline, VideoSample, followed, moving
from positioning.video.camera import Camera
from positioning.video.detector import NAMES, PictureError
from positioning.video.movie import packets
from positioning.video.tracker import Tracked

pytestmark = pytest.mark.positioning
CAR = Detections(
    np.array([[900, 520, 1020, 620]], np.float32), np.array([0.9], np.float32),
    np.zeros(1, np.int64), NAMES,
)  # fmt: skip


class Told:
    """A car in every picture."""

    def detect(self, picture: np.ndarray, width_px: int = 1920) -> Detections:
        assert picture.shape == (540, 960, 3)
        return CAR


def still(times_s: np.ndarray) -> np.ndarray:
    return np.zeros((len(times_s), 5))


def jpeg(level: int = 90) -> bytes:
    return cv2.imencode(".jpg", np.full((1080, 1920, 3), level, np.uint8))[1].tobytes()


def pipeline() -> RoadPipeline:
    settings = FusionSettings(aligns=False)
    return RoadPipeline(Camera(), still, detector=Told(), settings=settings)


def test_frames_become_a_track_where_the_box_stands() -> None:
    with pipeline() as road:
        for k in range(15):
            road.submit(VideoSample(0.1 + k / 30, jpeg()))
        seen = [road.take() for _ in range(15)]
        assert len(road) == 0
    camera = Camera()
    stands = camera.ground_m(np.array([[960.0, 620.0]]))[0]
    assert len(seen[-1].tracks) == 1
    assert abs(seen[-1].mean[0, 1]) < 1.0
    assert stands[0] < seen[-1].mean[0, 0] < stands[0] + 5.0, "the middle is behind the near side"
    assert [s.time_s for s in seen] == [0.1 + k / 30 for k in range(15)]
    assert set(seen[0].stage_ms) == {"decode", "detect", "track", "fuse"}


def test_a_damaged_frame_is_counted_and_changes_no_track() -> None:
    with pipeline() as road:
        for k in range(20):
            road.submit(VideoSample(0.1 + k / 30, b"\xff\xd8\xff damaged" if k == 12 else jpeg()))
        seen = [road.take() for _ in range(20)]
    assert road.damaged == {"camera": 1}
    assert seen[12].found is None
    assert seen[11].tracks.number.tolist() == seen[19].tracks.number.tolist()


def test_a_cube_of_another_shape_is_counted() -> None:
    wrong = RadarCube(np.zeros((2, 3, 4, 8, 2), np.int16))
    with pipeline() as road:
        road.submit(RadarSample(0.1, wrong, np.zeros(2)))
        assert not len(road.take().tracks)
    assert road.damaged == {"radar": 1}


def test_what_is_not_done_in_time_stays_first() -> None:
    from threading import Event

    go = Event()

    class Slow(Told):
        def detect(self, picture: np.ndarray, width_px: int = 1920) -> Detections:
            go.wait(10)
            return CAR

    with RoadPipeline(Camera(), still, detector=Slow()) as road:
        road.submit(VideoSample(0.1, jpeg()))
        with pytest.raises(TimeoutError):
            road.take(0.01)
        assert len(road) == 1
        go.set()
        assert road.take(10).time_s == 0.1


def test_boxes_of_tracks_alone_are_fused() -> None:
    two = Detections(
        np.tile(CAR.boxes_px, (2, 1)), np.array([0.9, 0.2], np.float32), np.array([0, 1]), NAMES
    )
    tracked = Tracked(np.array([7]), CAR.boxes_px, np.array([1]), np.array([2]))
    kept = followed(two, tracked)
    assert (kept.labels.tolist(), kept.scores.tolist()) == ([2], [pytest.approx(0.2)])


def test_a_cluster_is_one_body_at_its_near_side() -> None:
    n = 6
    zeros = np.zeros(n)
    found = RadarDetections(
        np.array([20.0, 21.0, 22.0, 40.0, 60.0, 9.0]), np.array([5.0, 5.0, 5.0, -3.0, 0.0, 1.0]),
        np.array([0.1, 0.1, 0.1, -0.2, 0.3, 0.0]), zeros, np.array([20.0] * 5 + [11.0]),
        np.zeros((n, 3, 3)), zeros, np.arange(n) == 4, np.array([0, 0, 0, -1, -1, -1]), None, 0.0,
    )  # fmt: skip
    np.testing.assert_allclose(moving(found), [[20.0, 0.1, 5.0], [40.0, -0.2, -3.0]])


def test_a_recording_is_read_as_it_was_filmed(tmp_path: Path) -> None:
    from positioning.sim.video.footage import scene_of
    from positioning.sim.video.record import record

    scene = scene_of("clear", 3, 1.0, Camera())
    made = record(scene, 0.1, tmp_path, 3)
    frames = list(packets(made.video))
    assert (len(frames), made.frames, made.cubes) == (3, 3, 2)
    shown = cv2.imdecode(np.frombuffer(frames[1], np.uint8), cv2.IMREAD_COLOR)
    truth = scene.render(0.1 + 1 / 30)[0]
    assert np.abs(shown.astype(int) - truth).mean() < 4
    assert made.cube(1).adc.std() > 0
    times = [time_s for time_s, *_ in made.order()]
    assert times == sorted(times)


def test_what_is_no_motion_jpeg_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no such file"):
        next(packets(tmp_path / "none.avi"))
    other = tmp_path / "other.mp4"
    writer = cv2.VideoWriter(str(other), cv2.VideoWriter.fourcc(*"mp4v"), 30, (64, 64))
    for _ in range(3):
        writer.write(np.zeros((64, 64, 3), np.uint8))
    writer.release()
    with pytest.raises(PictureError, match="Motion-JPEG"):
        next(packets(other))
    (tmp_path / "text.avi").write_bytes(b"no video at all")
    with pytest.raises(PictureError, match="not a video"):
        next(packets(tmp_path / "text.avi"))


def test_odometry_of_a_moving_carrier_reaches_the_fusion() -> None:
    from positioning.sim.road.scenario import street
    from positioning.sim.video.drive import odometry

    world = street(4)
    road = RoadPipeline(Camera(), partial(odometry, world), detector=Told())
    with road:
        for k in range(12):
            road.submit(VideoSample(0.1 + k / 30, jpeg()))
        last = [road.take() for _ in range(12)][-1]
    ego = world.ego.position_m(last.time_s)
    assert 5 < last.mean[0, 0] - ego[0] < 60


def test_a_track_is_ringed_where_it_is_in_the_colour_of_who_saw_it() -> None:
    from dataclasses import replace

    from positioning.fusion.tracks import Tracks
    from positioning.road import Seen
    from positioning.road_view import ACROSS, BOX, ECHO, HIGH, INK, PX_PER_M, plan_of
    from positioning.sim.road.scenario import street
    from positioning.sim.video.drive import odometry

    world, now_s = street(4), 1.0
    pose = odometry(world, np.array([now_s]))[0]
    assert pose[2] == 0.0, "ahead is along x"
    places = np.array([[30.0, -8.0], [40.0, 0.0], [50.0, 8.0]])  # ahead, to the left
    seen_s = np.array([[0.9, -np.inf], [0.9, 1.0], [0.2, 1.0]])
    mean = np.zeros((3, 5))
    mean[:, :2] = pose[:2] + places
    tracks = replace(Tracks.none(now_s), number=np.arange(3), seen_s=seen_s)
    plan = plan_of(world, Seen(now_s, "camera", tracks, mean, None, None, None, {}), None)
    for (ahead, left), colour in zip(places, (ECHO, INK, BOX), strict=True):
        x, y = ACROSS / 2 - PX_PER_M * left, HIGH - 12 - PX_PER_M * ahead
        rows, columns = np.nonzero((plan == np.array(colour)).all(axis=2))
        away = np.hypot(rows - y, columns - x)
        assert ((away > 4) & (away < 8)).sum() > 10


def test_the_demonstration_shows_a_road() -> None:
    from itertools import islice
    from threading import Event

    from positioning.road_view import road

    stop = Event()
    shown = list(islice(road(stop, turn=1), 2))
    picture = cv2.imdecode(np.frombuffer(shown[-1][0], np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (540, 1360, 3)
    assert shown[-1][1]["caption"] == "road in occlusion, 0.4 s"
    assert set(shown[0][1]["bars"]["CPU time of a frame, ms"]) >= {"decode", "radar", "fuse"}
    stop.set()
    assert not list(road(stop, turn=1))
