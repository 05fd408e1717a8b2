"""Both sensors at the level of detections, for scenes too many to render.

The errors are not those that the tracker assumes: heavy tails (Student's t), errors that last
from frame to frame (a vehicle that nods, a reflection that wanders over the body), a range scale,
bodies that merge, mirror ghosts that persist, losses that come in runs behind what hides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from positioning.sim.road.world import Truth, Wall, World, corners_m, hidden, turned
from positioning.video.camera import Camera
from positioning.video.detector import NAMES, iou

Floats = NDArray[np.float64]
CLASS_OF = {"cyclist": 1, "pedestrian": 2}


@dataclass(frozen=True, slots=True)
class Weather:
    """How a condition touches the two sensors. Ranges are where half of the cars are found."""

    camera_range_m: float = 90.0
    camera_detection: float = 0.94
    camera_false: float = 0.08
    jitter_px: float = 1.6
    radar_detection: float = 0.85
    radar_false: float = 0.8


WEATHER: dict[str, Weather] = {
    "clear": Weather(),
    "rain": Weather(48.0, 0.80, 0.25, 2.6, radar_detection=0.80, radar_false=1.4),
    "night": Weather(34.0, 0.78, 0.30, 3.2),
    "occlusion": Weather(),
}


@dataclass(slots=True)
class Place:
    """Where the carrier is: position (2,), yaw, velocity (2,) in the world."""

    at_m: Floats
    yaw_rad: float
    velocity_mps: Floats

    @classmethod
    def of(cls, world: World, time_s: float) -> Place:
        """Of the world's ego, exactly."""
        ego = world.ego
        return cls(ego.position_m(time_s), float(ego.heading_rad(time_s)), ego.velocity_mps(time_s))


def clear_share(world: World, truth: Truth, place: Place, up_m: float) -> Floats:
    """(A,) share of a body's silhouette, in nine upright lines, that nothing stands before."""
    eye = np.append(place.at_m, up_m)
    corners = corners_m(truth)
    share = np.ones(len(truth.number))
    opaque = [wall for wall in world.walls if wall.is_opaque]
    for a in range(len(share)):
        lines = _silhouette(corners[a], eye[:2], truth.centre_m[a, 2])
        segments, heights = _screens(corners, truth, opaque, but=a)
        if len(segments):
            share[a] = 1 - hidden(eye, lines, segments, heights).any(1).mean()
    return share


def _silhouette(corners: Floats, eye: Floats, up: float) -> Floats:
    """(9, 3) points across a body as seen from `eye`, at half its height."""
    to = corners - eye
    middle = to.mean(0)
    side = to[:, 1] * middle[0] - to[:, 0] * middle[1]
    left, right = corners[np.argmax(side)], corners[np.argmin(side)]
    across = left + np.linspace(0.04, 0.96, 9)[:, None] * (right - left)
    return np.column_stack([across, np.full(9, up)])


def _screens(corners: Floats, truth: Truth, walls: list[Wall], but: int) -> tuple[Floats, Floats]:
    others = np.delete(np.arange(len(corners)), but)
    sides = np.stack([corners[others], np.roll(corners[others], -1, axis=1)], axis=2)
    segments = [sides.reshape(-1, 2, 2)]
    heights = [np.repeat(truth.size_m[others, 2], 4)]
    if walls:
        segments.append(np.array([[wall.start_m, wall.end_m] for wall in walls]))
        heights.append(np.array([wall.height_m for wall in walls]))
    return np.concatenate(segments), np.concatenate(heights)


@dataclass(slots=True)
class RadarEye:
    """A radar in front of the carrier: (N, 3) range, azimuth, range rate."""

    world: World
    weather: Weather
    seed: int
    up_m: float = 0.6
    half_field_rad: float = np.pi / 3
    wander: dict[int, Floats] = field(default_factory=dict)

    def look(self, time_s: float) -> Floats:
        """The same time gives the same noise, but for what lasts from look to look."""
        rng = np.random.default_rng([self.seed, 21, round(time_s * 1e6)])
        truth, place = self.world.truth(time_s), Place.of(self.world, time_s)
        share = clear_share(self.world, truth, place, self.up_m)
        found = [
            self._return(truth, place, a, rng)
            for a in range(len(share))
            if self._hit(a, share, truth, place, rng)
        ]
        merged = _merge(np.array(found).reshape(-1, 3))
        ghosts = self._ghosts(truth, place, rng)
        false = int(rng.poisson(self.weather.radar_false))
        clutter = np.column_stack(
            [rng.uniform(3, 80, false), rng.uniform(-1, 1, false), rng.normal(0, 8, false)]
        )
        return np.concatenate([merged, ghosts, clutter])

    def _hit(
        self, a: int, share: Floats, truth: Truth, place: Place, rng: np.random.Generator
    ) -> bool:
        to = truth.centre_m[a, :2] - place.at_m
        r, azimuth = np.hypot(*to), np.arctan2(to[1], to[0]) - place.yaw_rad
        small = truth.kind[a] in CLASS_OF
        far = 1 / (1 + np.exp((r - (45 if small else 85)) / 6))
        under = 0.25 if share[a] < 0.15 and not self._behind_wall(truth, place, a) else share[a]
        chance = self.weather.radar_detection * far * max(under, 0.0)
        inside = abs(np.angle(np.exp(1j * azimuth))) < self.half_field_rad
        return bool(inside and r > 1.0 and rng.uniform() < chance)

    def _behind_wall(self, truth: Truth, place: Place, a: int) -> bool:
        """Waves creep under a vehicle, not through a house."""
        walls = [wall for wall in self.world.walls if wall.is_opaque]
        if not walls:
            return False
        segments = np.array([[wall.start_m, wall.end_m] for wall in walls])
        eye = np.append(place.at_m, self.up_m)
        heights = np.array([wall.height_m for wall in walls])
        return bool(hidden(eye, truth.centre_m[a : a + 1], segments, heights).any())

    def _return(self, truth: Truth, place: Place, a: int, rng: np.random.Generator) -> Floats:
        """From a place on the body that wanders slowly along the sides that face the radar."""
        number = int(truth.number[a])
        last = self.wander.get(number, rng.normal(0, 1, 2))
        last = self.wander[number] = 0.93 * last + np.sqrt(1 - 0.93**2) * rng.normal(0, 1, 2)
        half = truth.size_m[a, :2] / 2
        yaw = truth.yaw_rad[a]
        towards = turned(place.at_m - truth.centre_m[a, :2], -yaw)
        spot = np.sign(towards) * half * np.array([0.9, 0.9])
        end_on = abs(towards[0]) * half[1] > abs(towards[1]) * half[0]
        free = 1 if end_on else 0
        spot[free] = np.clip(0.45 * last[free], -1, 1) * half[free]
        at = truth.centre_m[a, :2] + turned(spot, yaw)
        to = at - place.at_m
        r = np.hypot(*to)
        rate = (truth.velocity_mps[a] - place.velocity_mps) @ to / r
        swing = 0.5 if truth.kind[a] in CLASS_OF else 0.08
        noise = rng.standard_t(3.5, 3) * np.array([0.10, 0.010, 0.08])
        azimuth = np.arctan2(to[1], to[0]) - place.yaw_rad
        azimuth = float(np.angle(np.exp(1j * azimuth)))
        found: Floats = np.array([1.002 * r, azimuth, rate + swing * rng.normal()]) + noise
        return found

    def _ghosts(self, truth: Truth, place: Place, rng: np.random.Generator) -> Floats:
        """Bodies mirrored in long walls: the same while they move."""
        made = []
        for number, wall in enumerate(self.world.walls):
            along = wall.end_m - wall.start_m
            normal = np.array([-along[1], along[0]]) / np.hypot(*along)
            for a in range(len(truth.number)):
                is_one = np.random.default_rng([self.seed, 31, number, a]).uniform() < 0.12
                if is_one and rng.uniform() < 0.4 * wall.reflectivity / 0.3:
                    off = (truth.centre_m[a, :2] - wall.start_m) @ normal
                    image = truth.centre_m[a, :2] - 2 * off * normal
                    to = image - place.at_m
                    r = np.hypot(*to)
                    speed = truth.velocity_mps[a] - 2 * (truth.velocity_mps[a] @ normal) * normal
                    azimuth = np.angle(np.exp(1j * (np.arctan2(to[1], to[0]) - place.yaw_rad)))
                    if abs(azimuth) < self.half_field_rad and r < 80:
                        if not self._mirrors(wall, truth.centre_m[a, :2], image, place):
                            continue
                        rate = (speed - place.velocity_mps) @ to / r
                        made.append([r, azimuth, rate] + rng.normal(0, 1, 3) * [0.2, 0.02, 0.1])
        return np.array(made).reshape(-1, 3)

    def _mirrors(self, wall: Wall, body: Floats, image: Floats, place: Place) -> bool:
        """Whether the radar and the body are before the wall, and the way to the image meets it."""
        eye = np.append(place.at_m, self.up_m)
        ends = np.column_stack([np.stack([body, image]), [self.up_m, self.up_m]])
        segment = np.stack([wall.start_m, wall.end_m])[None]
        direct, bounced = hidden(eye, ends, segment, np.array([wall.height_m]))[:, 0]
        return bool(bounced and not direct)


def _merge(found: Floats) -> Floats:
    """Two returns within a resolution cell are one, in between."""
    kept: list[Floats] = []
    for one in found:
        for i, other in enumerate(kept):
            if (np.abs(one - other) < [1.2, 0.06, 0.4]).all():
                kept[i] = (one + other) / 2
                break
        else:
            kept.append(one)
    return np.array(kept).reshape(-1, 3)


@dataclass(slots=True)
class CameraEye:
    """A detector on a camera, as boxes that jitter, nod, merge and go missing."""

    world: World
    weather: Weather
    camera: Camera
    seed: int
    nod_px: float = 0.0

    def look(self, time_s: float) -> Detections:
        """Boxes in pixels."""
        rng = np.random.default_rng([self.seed, 22, round(time_s * 1e6)])
        truth, place = self.world.truth(time_s), Place.of(self.world, time_s)
        share = clear_share(self.world, truth, place, self.camera.mount_m[2])
        self.nod_px = 0.9 * self.nod_px + rng.normal(0, 0.9)
        boxes, labels, scores = [], [], []
        for a, box in enumerate(body_boxes(truth, place, self.camera)):
            if box is None or not self._hit(box, share[a], truth, place, a, rng):
                continue
            jitter = rng.standard_t(3, 4) * self.weather.jitter_px * np.array([1, 1, 1, 0.7])
            boxes.append(box + jitter + [0, self.nod_px, 0, self.nod_px])
            label = CLASS_OF.get(truth.kind[a], 0)
            labels.append(label if rng.uniform() < 0.96 else int(rng.integers(3)))
            scores.append(rng.uniform(0.45, 0.95))
        for _ in range(int(rng.poisson(self.weather.camera_false))):
            x, y, h = rng.uniform(0, 1800), rng.uniform(480, 700), rng.uniform(30, 160)
            boxes.append(np.array([x, y, x + rng.uniform(0.4, 1.2) * h, y + h]))
            labels.append(int(rng.integers(3)))
            scores.append(rng.uniform(0.3, 0.6))
        return _made(boxes, labels, scores, self.camera)

    def _hit(
        self,
        box: Floats,
        share: float,
        truth: Truth,
        place: Place,
        a: int,
        rng: np.random.Generator,
    ) -> bool:
        r = float(np.hypot(*(truth.centre_m[a, :2] - place.at_m)))
        reach = self.weather.camera_range_m * (0.75 if truth.kind[a] in CLASS_OF else 1.0)
        far = 1 / (1 + np.exp((r - reach) / 5))
        tall = 1 / (1 + np.exp(-(box[3] - box[1] - 20) / 4))
        seen = np.clip((share - 0.2) / 0.3, 0, 1)
        return bool(rng.uniform() < self.weather.camera_detection * far * tall * seen)


def body_boxes(truth: Truth, place: Place, camera: Camera) -> list[Floats | None]:
    """x0 y0 x1 y1 of every body within the picture; None where it is not in it."""
    found: list[Floats | None] = []
    for a, ground in enumerate(corners_m(truth)):
        flat = turned(ground - place.at_m, -place.yaw_rad)
        low = np.column_stack([flat, np.zeros(4)])
        high = np.column_stack([flat, np.full(4, truth.size_m[a, 2])])
        pixels, depth = camera.project(np.concatenate([low, high]))
        if (depth < 0.5).any():
            found.append(None)
            continue
        size = np.array([camera.width_px, camera.height_px])
        lower, upper = np.clip(pixels.min(0), 0, size), np.clip(pixels.max(0), 0, size)
        found.append(np.concatenate([lower, upper]) if (upper - lower > 4).all() else None)
    return found


def _made(
    boxes: list[Floats], labels: list[int], scores: list[float], camera: Camera
) -> Detections:
    if not boxes:
        return Detections(names=NAMES)
    table = np.array(boxes)
    size = [camera.width_px, camera.height_px] * 2
    table = np.clip(table, 0, size)
    table[:, 2:] = np.maximum(table[:, 2:], table[:, :2] + 1)
    kept: list[int] = []
    for i in np.argsort(-(table[:, 2] - table[:, 0])):
        if not kept or iou(table[[i]], table[kept]).max() < 0.6:
            kept.append(int(i))
    return Detections(
        table[kept].astype(np.float32), np.array(scores, np.float32)[kept],
        np.array(labels, np.int64)[kept], NAMES,
    )  # fmt: skip
