"""A camera over a tray of small parts: washers, nuts and pins, lit from one side.

Parts are drawn four times finer than the picture and averaged, so that their edges are those of a
sharp lens over square pixels; light falls off across the tray, the tray is scratched, the sensor
is noisy. Kind, box and mask of every part are known exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

KINDS = ("washer", "nut", "pin")
FINE = 4  # pixels of the drawing a pixel of the picture, each way
FULL_WELL = 6000.0  # electrons at 255
READ_NOISE = 12.0  # electrons
SCALE_PX = 64  # a tray of this edge holds PARTS of them
PARTS = (1, 4)
RADIUS_PX = (5.0, 9.0)


@dataclass(frozen=True, slots=True, eq=False)
class Tray:
    """light (H, W) float32 in 0..1; boxes_px (N, 4) float32 x0 y0 x1 y1; kinds (N,) int64 into
    KINDS; labels (H, W) uint8, 0 the tray, else 1 + kind."""

    light: NDArray[np.float32]
    boxes_px: NDArray[np.float32]
    kinds: NDArray[np.int64]
    labels: NDArray[np.uint8]

    def picture(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """(H, W) as a sensor gives it: shot and read noise, eight bits."""
        electrons = rng.poisson(self.light * FULL_WELL) + rng.normal(
            0, READ_NOISE, self.light.shape
        )
        return np.asarray(np.clip(np.rint(electrons * (255 / FULL_WELL)), 0, 255), np.uint8)


def tray(rng: np.random.Generator, side_px: int = SCALE_PX) -> Tray:
    """A tray drawn from `rng`; the number of parts goes with its area."""
    most = (side_px / SCALE_PX) ** 2
    wanted = int(rng.integers(round(PARTS[0] * most), round(PARTS[1] * most) + 1))
    labels = np.zeros((side_px * FINE, side_px * FINE), np.uint8)
    light = _ground(rng, side_px * FINE)
    boxes, kinds, centres = [], [], list[tuple[float, float, float]]()
    for _ in range(wanted * 8):
        radius = float(rng.uniform(*RADIUS_PX))
        x, y = rng.uniform(radius + 1, side_px - radius - 1, 2).tolist()
        if any(math.hypot(x - a, y - b) < radius + r + 2 for a, b, r in centres):
            continue
        kind = int(rng.integers(len(KINDS)))
        mask = _part(kind, (x, y), radius, float(rng.uniform(0, math.pi)), labels.shape)
        labels[mask > 0] = 1 + kind
        light[mask > 0] = rng.uniform(0.45, 0.9) * (0.9 + 0.2 * light[mask > 0])
        boxes.append(_box(mask))
        kinds.append(kind)
        centres.append((x, y, radius))
        if len(kinds) == wanted:
            break
    light *= _fall_off(rng, side_px * FINE)
    small = cv2.resize(light, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return Tray(
        np.clip(small, 0, 1).astype(np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(kinds, np.int64),
        np.ascontiguousarray(labels[FINE // 2 :: FINE, FINE // 2 :: FINE]),
    )


def _ground(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """The tray: a grey of its own, mottled, with a few scratches."""
    mottle = rng.normal(0, 0.05, (side // 16 + 1, side // 16 + 1)).astype(np.float32)
    ground = cv2.resize(mottle, (side, side), interpolation=cv2.INTER_CUBIC)
    ground += np.float32(rng.uniform(0.1, 0.35))
    for _ in range(int(rng.integers(0, 4))):
        ends = rng.integers(0, side, (2, 2)).tolist()
        cv2.line(ground, ends[0], ends[1], float(rng.uniform(0.1, 0.5)), 2)
    return np.asarray(ground, np.float32)


def _fall_off(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    angle, depth = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.4)
    y, x = np.mgrid[:side, :side] / side - 0.5
    light = 1 - depth * (0.5 + x * math.cos(angle) + y * math.sin(angle))
    return np.asarray(light, np.float32)


def _part(
    kind: int, centre: tuple[float, float], radius: float, angle: float, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """255 on a part. Centre and radius in pixels of the picture."""
    mask = np.zeros(shape, np.uint8)
    middle = np.array(centre) * FINE
    outer = radius * FINE
    name = KINDS[kind]
    if name == "pin":
        along = np.array([math.cos(angle), math.sin(angle)])
        across = np.array([-along[1], along[0]])
        corners = [
            middle + outer * (0.95 * i * along + 0.3 * j * across)
            for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 255)
        return mask
    at = (round(middle[0]), round(middle[1]))
    if name == "nut":
        turns = angle + np.arange(6) * math.pi / 3
        corners = [middle + outer * np.array([math.cos(t), math.sin(t)]) for t in turns]
        cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 255)
    else:
        cv2.circle(mask, at, round(outer), 255, -1)
    cv2.circle(mask, at, round(outer * 0.45), 0, -1)
    return mask


def _box(mask: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    x, y, width, height = cv2.boundingRect(mask)
    return x / FINE, y / FINE, (x + width) / FINE, (y + height) / FINE


class TrayScene:
    """For a camera's config: each trigger shows a tray of its own."""

    def __init__(self, seed: int, side_px: int) -> None:
        self._seed, self._side = seed, side_px

    def truth(self, trigger: int) -> Tray:
        """What lies on the tray of a trigger."""
        return tray(np.random.default_rng((self._seed, trigger)), self._side)

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        """(H, W) electrons/us."""
        return self.truth(trigger).light * np.float32(FULL_WELL / EXPOSURE_US)


EXPOSURE_US = 1000.0


def scene(seed: int = 0, side_px: int = SCALE_PX) -> TrayScene:
    """For a camera's config: scene "edge_deploy.sim.trays:scene"."""
    return TrayScene(seed, side_px)
