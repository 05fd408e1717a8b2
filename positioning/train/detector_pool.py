"""What the detector learns from: crowded roads of a regime of their own, in any light.

Cameras, places, headings and weather are drawn freely; the worlds that judge it are the seeded
scenarios, whose traffic keeps its lanes and whose weather is one of three.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from positioning.sim.road.motion import Motion
from positioning.sim.road.scenario import roadside
from positioning.sim.road.shapes import Kind, Shape, shape
from positioning.sim.road.world import Actor, Wall, World
from positioning.sim.video.light import Condition
from positioning.sim.video.scene import Boxes, VideoScene
from positioning.video.camera import Camera
from positioning.video.detector import CROPPED, HEIGHT, STRIDE, WIDTH, decode
from positioning.video.draw import jpeg

MIX: tuple[Kind, ...] = ("car", "car", "van", "truck", "bus", "cyclist", "cyclist", "pedestrian",
                         "pedestrian", "pedestrian")  # fmt: skip
ON_ROADS: tuple[Kind, ...] = ("car", "car", "van", "truck", "bus", "cyclist")
RENDERED = 960, 540
MOUNTS_M = (1.2, 2.2), (1.2, 2.2), (3.5, 6.5)  # heights on vehicles, twice as often, and on masts
FINE = 0.25  # share of the frames that a camera of 1080p takes, through its JPEG
IN_COLUMN = 0.7  # share of the frames with road users one behind another
END_ON = 0.6  # share of the frames with cyclists and walkers that go along the road
PASSING = 0.35  # share of the frames with vehicles beside the camera, which the picture's side cuts
FIRST_SEED = 1_000_000  # seeds of the judged scenarios lie below
SEEN, HINTED = 0.3, 0.1  # visible shares: at least this is to be found; below that is not there
FAR_M = 95.0  # bodies beyond are hardly higher than SMALLEST_PX
NEAR_A_BODY = 0.75  # share of the crops that are laid around a body
WITHIN = 0.7  # of a box; where a crop leaves less of it, what is seen does not tell its lower edge
HARD, WHOLE = 2.5, 0.85  # how often a body that is hidden in part, or no vehicle, is taken for it
SMALLEST_PX = 9.0  # height at 960 pixels a line; smaller ones count neither way

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """pixels (512, 960, 3) uint8 BGR; boxes in its pixels."""

    pixels: NDArray[np.uint8]
    boxes: Boxes


def render_pool(seed: int, count: int) -> Iterator[Frame]:
    """Frames, each of a world of its own."""
    for number in range(count):
        rng = np.random.default_rng([FIRST_SEED + seed, number])
        camera = Camera(
            *RENDERED,
            focal_px=700 * rng.uniform(0.85, 1.2),
            mount_m=(0.0, 0.0, rng.uniform(*MOUNTS_M[int(rng.integers(len(MOUNTS_M)))])),
            pitch_rad=rng.uniform(-0.01, 0.07),
        )
        is_fine = rng.uniform() < FINE
        if is_fine:
            camera = camera.scaled(2)
        scene = VideoScene(crowd(rng), camera, weather(rng), FIRST_SEED + number)
        pixels, boxes = scene.render(float(rng.uniform(0, 2)))
        if is_fine:
            pixels = decode(jpeg(pixels, int(rng.integers(75, 96))))
            boxes = replace(boxes, boxes_px=boxes.boxes_px / np.float32(2))
        yield to_network(pixels, boxes)


def to_network(pixels: NDArray[np.uint8], boxes: Boxes) -> Frame:
    """A frame in the network's pixels, from a picture of 960 x 540 and its boxes."""
    moved = np.clip(boxes.boxes_px - [0, CROPPED, 0, CROPPED], 0, None)
    return Frame(
        np.ascontiguousarray(pixels[CROPPED:]), replace(boxes, boxes_px=moved.astype(np.float32))
    )


def crowd(rng: np.random.Generator) -> World:
    """Up to a dozen road users anywhere before the camera, most of them on the road, and at times
    some that hide each other."""
    actors, ego_y = anywhere(rng), float(rng.uniform(-3, 3))
    if rng.uniform() < IN_COLUMN:
        actors += column(rng, len(actors))
    if rng.uniform() < END_ON:
        actors += end_on(rng, len(actors))
    if rng.uniform() < PASSING:
        actors += passing(rng, len(actors), ego_y)
    ego = Motion.straight((0.0, ego_y), (0.0, 0.0), float(rng.normal(0, 0.1)))
    return World(ego, tuple(actors), walls(rng), roadside(rng, 120.0))


def anywhere(rng: np.random.Generator) -> list[Actor]:
    """1 to 12 road users, each by itself."""
    actors = []
    for number in range(int(rng.integers(1, 13))):
        kind: Kind = MIX[int(rng.integers(len(MIX)))]
        ahead = float(
            rng.choice([np.exp(rng.uniform(np.log(5.0), np.log(75.0))), rng.uniform(10.0, FAR_M)])
        )
        aside = float(rng.choice([rng.normal(0, 2.8), rng.uniform(-0.5, 0.5) * ahead]))
        yaw = float(rng.choice([0.0, np.pi, np.pi / 2, -np.pi / 2, rng.uniform(-np.pi, np.pi)]))
        speed = float(rng.choice([0.0, 1.2])) if kind == "pedestrian" else 0.0
        velocity = speed * np.array([np.cos(yaw), np.sin(yaw)])
        actors.append(
            Actor(number, shape(kind, rng), Motion.straight((ahead, aside), velocity, yaw))
        )
    return actors


def column(rng: np.random.Generator, first: int) -> list[Actor]:
    """2 to 4 road users one behind another, the first of them near, each with a chance of somebody
    on foot or on a bicycle at its flank or behind it."""
    actors: list[Actor] = []

    def stand(body: Shape, x: float, y: float, yaw: float) -> None:
        motion = Motion.straight((x, y), (0.0, 0.0), yaw)
        actors.append(Actor(first + len(actors), body, motion))

    x, y = float(np.exp(rng.uniform(np.log(2.0), np.log(40.0)))), float(rng.normal(0, 2.8))
    yaw = float(rng.choice([0.0, np.pi]) + rng.normal(0, 0.03))
    for _ in range(int(rng.integers(2, 5))):
        body = shape(ON_ROADS[int(rng.integers(len(ON_ROADS)))], rng)
        x += body.length_m / 2
        stand(body, x, y + float(rng.normal(0, 0.4)), yaw)
        if rng.uniform() < 0.4:
            other: Kind = "pedestrian" if rng.uniform() < 0.6 else "cyclist"
            side = float(rng.choice([-1.0, 1.0])) * (body.width_m / 2 + rng.uniform(-0.8, 1.2))
            turn = float(rng.choice([yaw, yaw + np.pi / 2, yaw - np.pi / 2]))
            stand(shape(other, rng), x + body.length_m / 2 + rng.uniform(0.4, 2.0), y + side, turn)
        x += body.length_m / 2 + rng.uniform(2.5, 18.0)
    return actors


def end_on(rng: np.random.Generator, first: int) -> list[Actor]:
    """1 to 4 cyclists and walkers that go along the road, towards the camera or away from it: from
    there a rider differs from a walker by a tyre's width and by where he meets the ground."""
    actors = []
    for number in range(int(rng.integers(1, 5))):
        kind: Kind = "cyclist" if rng.uniform() < 0.6 else "pedestrian"
        place = float(np.exp(rng.uniform(np.log(6.0), np.log(60.0)))), float(rng.normal(0, 4.0))
        yaw = float(rng.choice([0.0, np.pi]) + rng.normal(0, 0.15))
        motion = Motion.straight(place, (0.0, 0.0), yaw)
        actors.append(Actor(first + number, shape(kind, rng), motion))
    return actors


def passing(rng: np.random.Generator, first: int, ego_y: float) -> list[Actor]:
    """A vehicle on one side or on both, partly beside the camera: its near end is out of sight."""
    actors: list[Actor] = []
    for side in rng.choice([-1.0, 1.0], int(rng.integers(1, 3)), replace=False).tolist():
        body = shape(ON_ROADS[int(rng.integers(len(ON_ROADS)))], rng)
        x = float(rng.uniform(0.0, 8.0 + body.length_m / 2) - body.length_m / 2)
        y = ego_y + side * (body.width_m / 2 + float(rng.uniform(0.7, 4.0)))
        motion = Motion.straight((x, y), (0.0, 0.0), float(rng.choice([0.0, np.pi])))
        actors.append(Actor(first + len(actors), body, motion))
    return actors


def walls(rng: np.random.Generator) -> tuple[Wall, ...]:
    """A facade on either side, on one or on none; sometimes a corner house in the way."""
    made = []
    for side in (1.0, -1.0):
        if rng.uniform() < 0.6:
            y, start = side * rng.uniform(7.0, 14.0), rng.uniform(-10, 25)
            ends = np.array([start, y]), np.array([start + rng.uniform(10, 120), y])
            made.append(Wall(*ends, rng.uniform(0.8, 12.0), 0.3, bool(rng.uniform() < 0.7)))
    if rng.uniform() < 0.3:
        x, side = rng.uniform(12, 40), rng.choice([-1.0, 1.0])
        ends = np.array([x, side * rng.uniform(5, 9)]), np.array([x, side * 50.0])
        made.append(Wall(*ends, rng.uniform(3, 10), 0.3))
    return tuple(made)


def weather(rng: np.random.Generator) -> Condition:
    """Day, rain or night, each with freely drawn light, air and noise."""
    kind = rng.choice(3, p=[0.25, 0.4, 0.35])
    drawn = Condition(
        "drawn",
        ambient=rng.uniform(0.5, 1.15),
        sun=rng.uniform(0, 0.8),
        air_per_m=rng.uniform(0, 0.004),
        airlight=rng.uniform(0.5, 0.9),
        full_well=rng.uniform(1500, 8000),
        read=rng.uniform(0.002, 0.01),
        shake_px=rng.uniform(0, 3),
    )
    if kind == 1:
        return replace(
            drawn,
            ambient=rng.uniform(0.4, 0.9),
            sun=0.0,
            air_per_m=rng.uniform(0.006, 0.02),
            airlight=rng.uniform(0.4, 0.7),
            streaks=int(rng.integers(200, 1200)),
            spots=int(rng.integers(0, 25)),
        )
    if kind == 2:
        return replace(
            drawn,
            ambient=rng.uniform(0.015, 0.12),
            sun=0.0,
            airlight=rng.uniform(0, 0.03),
            lamps=rng.uniform(12, 45),
            full_well=rng.uniform(250, 1500),
            read=rng.uniform(0.008, 0.03),
            shake_px=rng.uniform(0, 6),
        )
    return drawn


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """images (N, 3, H, W) float32 in 0..1; heat (N, 3, h, w) wanted, 1 at middles; counts
    (N, 1, h, w) 0 where a cell counts neither way; box (N, 4, h, w) log distances and weight
    (N, 1, h, w), 0 where no box is."""

    images: F32
    heat: F32
    counts: F32
    box: F32
    weight: F32


def batch(
    frames: list[Frame], rng: np.random.Generator, count: int, side: tuple[int, int]
) -> Batch:
    """Random crops of (height, width), mirrored at times, with colours and brightness drawn."""
    made = [_crop(frames[int(rng.integers(len(frames)))], rng, side) for _ in range(count)]
    targets = [target(boxes, labels, visible, side) for _, boxes, labels, visible in made]
    images = np.stack([pixels for pixels, *_ in made]).transpose(0, 3, 1, 2)
    return Batch(
        np.ascontiguousarray(images), *(np.stack(part) for part in zip(*targets, strict=True))
    )


def _crop(
    frame: Frame, rng: np.random.Generator, side: tuple[int, int]
) -> tuple[F32, F32, NDArray[np.int64], NDArray[np.float64]]:
    """Pixels, boxes, labels and visible shares; a box that is cut counts as hinted:
    where what is left of it meets the ground is not known."""
    x, y = _corner(frame.boxes, rng, side)
    pixels = frame.pixels[y : y + side[0], x : x + side[1]].astype(np.float32) / 255
    boxes = frame.boxes.boxes_px - np.array([x, y, x, y], np.float32)
    whole = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1e-6)
    boxes = np.clip(boxes, 0, [side[1], side[0], side[1], side[0]]).astype(np.float32)
    left = (boxes[:, 2:] - boxes[:, :2]).prod(1) / whole
    visible = np.where(left > WITHIN, frame.boxes.visible, np.minimum(frame.boxes.visible, 0.2))
    there = left > 0.02
    if rng.uniform() < 0.5:
        pixels = pixels[:, ::-1]
        boxes = np.stack(
            [side[1] - boxes[:, 2], boxes[:, 1], side[1] - boxes[:, 0], boxes[:, 3]], 1
        )
    gain = rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3)
    toned = np.clip(pixels * gain, 0, 1).astype(np.float32)
    return toned, boxes[there], frame.boxes.label[there], visible[there]


def _corner(boxes: Boxes, rng: np.random.Generator, side: tuple[int, int]) -> tuple[int, int]:
    """Upper left of a crop on whole cells, most often with the middle of a random body in it, hard
    ones more often."""
    free, low = np.array([WIDTH - side[1], HEIGHT - side[0]]), np.zeros(2)
    high = free.astype(np.float64)
    if len(boxes.label) and rng.uniform() < NEAR_A_BODY:
        is_hard = (boxes.visible > SEEN) & ((boxes.visible < WHOLE) | (boxes.label > 0))
        share = np.where(is_hard, HARD, 1.0)
        chosen = int(rng.choice(len(share), p=share / share.sum()))
        middle = boxes.boxes_px[chosen].reshape(2, 2).mean(0)
        low = np.clip(middle - [side[1], side[0]], 0, free)
        high = np.clip(middle, low, free)
    x, y = (rng.uniform(low, high + 1) // STRIDE * STRIDE).astype(int).tolist()
    return min(x, int(free[0])), min(y, int(free[1]))


def target(
    boxes: F32, labels: NDArray[np.int64], visible: NDArray[np.float64], side: tuple[int, int]
) -> tuple[F32, F32, F32, F32]:
    """heat, counts, box and weight of one crop."""
    h, w = side[0] // STRIDE, side[1] // STRIDE
    heat, counts = np.zeros((3, h, w), np.float32), np.ones((1, h, w), np.float32)
    box, weight = np.zeros((4, h, w), np.float32), np.zeros((1, h, w), np.float32)
    row, column = np.mgrid[:h, :w] + 0.5
    for i in np.argsort(-(boxes[:, 2:] - boxes[:, :2]).prod(1)):  # small ones last, on top
        x0, y0, x1, y1 = boxes[i] / STRIDE
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        if visible[i] < HINTED:
            continue
        if visible[i] < SEEN or (y1 - y0) * STRIDE < SMALLEST_PX:
            counts[0, int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = 0
            continue
        spread = max(0.12 * np.sqrt((x1 - x0) * (y1 - y0)), 0.4)
        at = min(int(cy), h - 1), min(int(cx), w - 1)
        far = ((column - 0.5 - at[1]) ** 2 + (row - 0.5 - at[0]) ** 2) / (2 * spread**2)
        heat[labels[i]] = np.maximum(heat[labels[i]], np.exp(-far))
        near = (far < 1.0) & (column > x0) & (column < x1) & (row > y0) & (row < y1)
        near[at] = True
        sides = np.stack([column - x0, row - y0, x1 - column, y1 - row])
        box[:, near] = np.log(np.maximum(sides[:, near], 0.05))
        weight[0, near] = near.sum() ** -0.5  # else what is near teaches alone
    return heat, counts, box, weight
