"""RADIATE (Sheeny et al. 2021, ICRA): frames of a spinning Navtech CTS350-X with boxes.

A sequence's folder holds Navtech_Polar/NNNNNN.png, 8 bit, a row a range bin up to 100 m and a
column an azimuth, clockwise from ahead; Navtech_Cartesian, the same on a square of 1152 px with
the radar in the middle and ahead at the top; Navtech_Polar.txt, lines "Frame: N Time: T";
zed_left and zed_left.txt, the left camera's pictures in the same way; and
annotations/annotations.json, for each object a class and for each frame, from the first on, a box
in Cartesian pixels (left, top, width, height, turned about its middle) or nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError

RANGE_M = 100.0
SIDE_PX = 1152
MAX_PIXELS = 4_000_000
MAX_TEXT_BYTES = 64 * 2**20
_LINE = re.compile(r"Frame: (\d{6}) Time: (\d+\.\d+)")

Floats = NDArray[np.float64]


class RadiateError(LingnanError):
    """A sequence is not one, or is damaged; the message names the file."""


@dataclass(frozen=True, slots=True)
class Box:
    """An object in a frame: centre and size in metres, x ahead and y to the left of the radar;
    yaw_rad counter-clockwise, of the box's longer image side ("height")."""

    number: int
    kind: str
    x_m: float
    y_m: float
    length_m: float
    width_m: float
    yaw_rad: float

    def holds(self, xy_m: Floats, margin_m: float = 0.0) -> NDArray[np.bool_]:
        """(N,) which of (N, 2) points lie in the box, widened by a margin on every side."""
        cos, sin = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        away = xy_m - np.array([self.x_m, self.y_m])
        along = np.abs(away[:, 0] * cos + away[:, 1] * sin)
        across = np.abs(away[:, 1] * cos - away[:, 0] * sin)
        held: NDArray[np.bool_] = (along <= self.length_m / 2 + margin_m) & (
            across <= self.width_m / 2 + margin_m
        )
        return held


@dataclass(frozen=True, slots=True)
class Frame:
    """One turn of the radar. `polar()` reads its image."""

    number: int
    time_s: float
    path: Path
    boxes: tuple[Box, ...]

    def polar(self) -> NDArray[np.uint8]:
        """(ranges, azimuths) quantised power. RadiateError when it is no grey 8-bit image."""
        image = _image(self.path, cv2.IMREAD_UNCHANGED)
        if image is None or image.ndim != 2 or image.size > MAX_PIXELS:
            raise RadiateError(f"{self.path}: not a grey 8-bit image of up to {MAX_PIXELS} px")
        return image


def read(folder: Path) -> tuple[Frame, ...]:
    """The frames of a sequence whose polar image is there, in order. RadiateError else."""
    times = _times(folder / "Navtech_Polar.txt")
    objects = _objects(folder / "annotations" / "annotations.json")
    frames = []
    for number, time_s in times:
        path = folder / "Navtech_Polar" / f"{number:06d}.png"
        if path.is_file():
            frames.append(Frame(number, time_s, path, _boxes(objects, number)))
    if not frames:
        raise RadiateError(f"{folder}: no polar image of the frames in Navtech_Polar.txt")
    return tuple(frames)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of the left camera. `grey()` reads it."""

    time_s: float
    path: Path

    def grey(self) -> NDArray[np.uint8]:
        """(height, width). RadiateError when it is no picture."""
        image = _image(self.path, cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise RadiateError(f"{self.path}: not a picture of up to {MAX_PIXELS} bytes")
        return image


def shots(folder: Path) -> tuple[Shot, ...]:
    """The left camera's pictures that are there, in order. RadiateError where there is none."""
    found = [
        Shot(time_s, folder / "zed_left" / f"{number:06d}.png")
        for number, time_s in _times(folder / "zed_left.txt")
    ]
    found = [shot for shot in found if shot.path.is_file()]
    if not found:
        raise RadiateError(f"{folder}: no picture of those in zed_left.txt")
    return tuple(found)


def _image(path: Path, flags: int) -> NDArray[np.uint8] | None:
    """None where it is too large or no image."""
    try:
        raw = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise RadiateError(f"{path}: {error.strerror or error}") from error
    image = cv2.imdecode(raw, flags) if 0 < len(raw) <= MAX_PIXELS else None
    return None if image is None or image.dtype != np.uint8 else np.asarray(image)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise RadiateError(f"{path}: over {MAX_TEXT_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RadiateError(f"{path}: {error}") from error


def _times(path: Path) -> list[tuple[int, float]]:
    times = []
    for count, line in enumerate(_text(path).splitlines(), 1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise RadiateError(f"{path}: line {count} is not 'Frame: NNNNNN Time: T'")
        times.append((int(match[1]), float(match[2])))
    return times


def _objects(path: Path) -> list[Any]:
    try:
        found = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise RadiateError(f"{path}: {error}") from error
    if not isinstance(found, list):
        raise RadiateError(f"{path}: not a list of objects")
    return found


def _boxes(objects: list[Any], number: int) -> tuple[Box, ...]:
    """The boxes of a frame; frames count from 1, their boxes from 0."""
    found = []
    for item in objects:
        try:
            boxes = item["bboxes"]
            if number <= len(boxes) and boxes[number - 1]:
                box = boxes[number - 1]
                found.append(_box(int(item["id"]), str(item["class_name"]), box))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise RadiateError(f"annotations: frame {number}: {error!r}") from error
    return tuple(found)


def _box(number: int, kind: str, box: Any) -> Box:
    left, top, width, height = (float(value) for value in box["position"])
    metre = 2 * RANGE_M / SIDE_PX
    x, y = SIDE_PX / 2 - (top + height / 2), SIDE_PX / 2 - (left + width / 2)
    yaw = -np.deg2rad(float(box["rotation"]))
    return Box(number, kind, x * metre, y * metre, height * metre, width * metre, float(yaw))
