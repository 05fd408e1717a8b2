"""The live demonstration's other half, all of it simulated: a road in rendered 1080p and in a
radar's samples, the boxes and tracks in the picture, and both fused on the ground."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from positioning.fusion.pipeline import FusionSettings
from positioning.road import RadarSample, RoadPipeline, Seen, VideoSample
from positioning.sim.radar.radar import SimulatedRadar
from positioning.sim.road.world import World, corners_m, turned
from positioning.sim.video.drive import odometry
from positioning.sim.video.footage import scene_of
from positioning.sim.video.scene import VideoScene
from positioning.video.camera import Camera
from positioning.video.detector import Detector
from positioning.video.draw import draw, jpeg

Floats = NDArray[np.float64]
Panel = NDArray[np.uint8]
Shown = tuple[bytes, dict[str, Any]]  # a JPEG and what was found in it

CONDITIONS = ("clear", "occlusion", "night", "rain")
START_S, STEP_S, SECONDS = 0.3, 0.1, 5.0
WIDE, HIGH = 960, 540
ACROSS, PX_PER_M = 400, 8.0
GROUND, INK, BODY = (246, 244, 241), (60, 55, 50), (170, 165, 160)
ECHO, BOX = (40, 60, 220), (200, 110, 20)
LATELY_S, LETTERS = 0.35, 0.58  # readable where a browser shows it at half the size


def road(stop: threading.Event, turn: int, seed: int = 1) -> Iterator[Shown]:
    """One drive, a frame every tenth of a simulated second, as fast as it can be rendered."""
    condition = CONDITIONS[turn % len(CONDITIONS)]
    scene = scene_of(condition, 1000 * seed + turn, SECONDS, Camera())
    radar, rng = SimulatedRadar(scene.world), np.random.default_rng([seed, turn])
    settings = FusionSettings(aligns=False, camera_period_s=STEP_S, radar_period_s=STEP_S)
    way = partial(odometry, scene.world)
    with RoadPipeline(
        Camera(), way, detector=Detector(threshold=0.1), settings=settings
    ) as pipeline:
        for time_s in np.arange(START_S, SECONDS, STEP_S).tolist():
            if stop.is_set():
                return
            ego = radar.velocity_mps(time_s)
            pipeline.submit(RadarSample(time_s, radar.frame(time_s, rng), ego))
            picture, _ = scene.render(time_s)
            pipeline.submit(VideoSample(time_s, jpeg(picture, 90)))
            heard, looked = pipeline.take(), pipeline.take()
            yield _frame(scene, condition, picture, heard, looked)


def _frame(scene: VideoScene, condition: str, picture: Panel, heard: Seen, looked: Seen) -> Shown:
    found, tracked, polar = looked.found, looked.tracked, heard.polar
    view = np.asarray(cv2.resize(picture, (WIDE, HIGH), interpolation=cv2.INTER_AREA), np.uint8)
    if found is not None and tracked is not None:  # as found: at 10 Hz filtered boxes trail
        boxes_px = found.boxes_px[tracked.detection] / 2
        draw(view, boxes_px, tracked.label, [str(n) for n in tracked.number.tolist()])
    plan = plan_of(scene.world, looked, polar)
    spent = heard.stage_ms | looked.stage_ms
    spent["fuse"] += heard.stage_ms["fuse"]
    facts: dict[str, Any] = {
        "caption": f"road in {condition}, {looked.time_s:.1f} s",
        "boxes": 0 if found is None else len(found),
        "followed in the picture": 0 if tracked is None else len(tracked),
        "moving for the radar": 0 if polar is None else len(polar),
        "tracks on the ground": len(looked.tracks),
        "bars": {"CPU time of a frame, ms": {k: round(v, 1) for k, v in spent.items()}},
        "simulated": True,
    }
    return jpeg(np.hstack([view, plan]), 85), facts


def plan_of(world: World, seen: Seen, polar: Floats | None) -> Panel:
    """The road from above, ahead upwards: bodies grey, what the radar told crossed, tracks ringed
    in the colour of who saw them lately, with where they will be in a second; the carrier below.
    """
    panel: Panel = np.full((HIGH, ACROSS, 3), GROUND, np.uint8)
    pose = odometry(world, np.array([seen.time_s]))[0]
    for corners in corners_m(world.truth(seen.time_s)):
        cv2.fillConvexPoly(panel, _pixels(corners, pose), BODY, cv2.LINE_AA)
    for r, azimuth, _ in () if polar is None else polar.tolist():
        ahead = pose[:2] + turned(r * np.array([np.cos(azimuth), np.sin(azimuth)]), pose[2])
        cv2.drawMarker(panel, _pixels(ahead[None], pose)[0].tolist(), ECHO, cv2.MARKER_CROSS, 9, 2)
    for mean, colour in zip(seen.mean, _colours(seen), strict=True):
        here, soon = _pixels(np.stack([mean[:2], mean[:2] + mean[2:4]]), pose).tolist()
        cv2.arrowedLine(panel, here, soon, colour, 1, cv2.LINE_AA, tipLength=0.15)
        cv2.circle(panel, here, 6, colour, 2, cv2.LINE_AA)
    x, y = _pixels(pose[None, :2], pose)[0].tolist()
    cv2.fillConvexPoly(panel, np.array([[x, y - 9], [x + 6, y + 9], [x - 6, y + 9]]), INK)
    cv2.line(panel, (10, HIGH - 12), (10 + round(10 * PX_PER_M), HIGH - 12), INK, 2)
    _write(panel, "10 m; arrows: 1 s", (10, HIGH - 22))
    _write(panel, "grey: truth, crosses: radar, rings: tracks", (10, 22))
    x = 10
    for text, colour in (("by both, ", INK), ("radar alone, ", ECHO), ("camera alone", BOX)):
        x += _write(panel, text, (x, 46), colour)
    return panel


def _colours(seen: Seen) -> list[tuple[int, int, int]]:
    """Of each track: seen lately by both, by radar or by camera alone."""
    lately = seen.time_s - seen.tracks.seen_s < LATELY_S
    return [{(True, False): ECHO, (False, True): BOX}.get((r, c), INK) for r, c in lately.tolist()]


def _write(panel: Panel, text: str, at: tuple[int, int], colour: Sequence[int] = INK) -> int:
    """From its lower left corner on; how many pixels wide it is."""
    cv2.putText(panel, text, at, cv2.FONT_HERSHEY_SIMPLEX, LETTERS, colour, 1, cv2.LINE_AA)
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, LETTERS, 1)[0][0])


def _pixels(places_m: Floats, pose: Floats) -> NDArray[np.int32]:
    """(N, 2) of places on the ground (N, 2), the carrier at the lower edge's middle."""
    body = turned(places_m - pose[:2], -float(pose[2]))
    across, up = ACROSS / 2 - PX_PER_M * body[:, 1], HIGH - 12 - PX_PER_M * body[:, 0]
    return np.asarray(np.clip(np.column_stack([across, up]), -9999, 9999), np.int32)
