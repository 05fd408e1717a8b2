"""A folder of images and a file of light directions in; albedo, normals and curvature out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.imaging import listfile
from inspection.imaging.curvature import mean_curvature
from inspection.imaging.gains import solve_gains
from inspection.imaging.photometric import solve
from inspection.layouts.base import LayoutError
from inspection.layouts.imagesize import image_size

F32 = NDArray[np.float32]
Lights = Mapping[str, tuple[float, float, float]]

FEWEST, MOST = 4, 64
MOST_BYTES = 100_000
MOST_VALUES = 200_000_000  # pixels of all images together
LENGTH_TOLERANCE = 0.01


class LightsError(LingnanError):
    """A file of light directions cannot be used; the message names it and what is wrong."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_maps` made. gains: the lights' intensities, geometric mean 1."""

    width_px: int
    height_px: int
    gains: tuple[float, ...]


def read_lights(path: Path) -> Lights:
    """File name -> unit vector, of a JSON object or CSV lines file,x,y,z. LightsError says what is
    wrong; a first line of CSV without numbers is a heading."""
    told = listfile.read(path, MOST_BYTES, LightsError)
    rows = told.items() if isinstance(told, dict) else _numbered(path, told)
    lights: dict[str, tuple[float, float, float]] = {}
    for name, values in rows:
        if name in lights:
            raise LightsError(path, f"{name!r} is named twice")
        lights[name] = _unit(path, name, values)
    if not FEWEST <= len(lights) <= MOST:
        raise LightsError(path, f"{len(lights)} lights; {FEWEST} to {MOST} are used")
    if np.linalg.svd(np.array([*lights.values()]), compute_uv=False)[-1] < 1e-3:
        raise LightsError(path, "the lights lie in one plane: normals cannot be told")
    return lights


def _numbered(path: Path, rows: list[list[str]]) -> Iterable[tuple[str, Any]]:
    if rows and not any(_is_number(cell) for cell in rows[0][1:]):
        rows = rows[1:]
    for row in rows:
        if len(row) != 4 or not all(map(_is_number, row[1:])):
            raise LightsError(path, f"{','.join(row)[:60]!r} is not file,x,y,z")
    return [(row[0], [float(cell) for cell in row[1:]]) for row in rows]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _unit(path: Path, name: str, values: Any) -> tuple[float, float, float]:
    numbers = isinstance(values, list) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in values
    )
    if not numbers or len(values) != 3 or not all(abs(v) <= 2 for v in values):
        raise LightsError(path, f"{name!r}: a direction is three finite numbers x, y, z")
    x, y, z = (float(v) for v in values)
    length = math.sqrt(x * x + y * y + z * z)
    if abs(length - 1) > LENGTH_TOLERANCE:
        raise LightsError(path, f"{name!r}: the direction's length is {length:.3g}, not 1")
    if z <= 0:
        raise LightsError(path, f"{name!r}: the light is behind the part (z <= 0)")
    return x / length, y / length, z / length


def read_images(folder: Path, lights: Lights) -> F32:
    """(K, H, W) float32 in the lights' order, colours as their mean. LayoutError names a file that
    is missing, broken, outside the folder or of another size or depth than the first."""
    if not folder.is_dir():
        raise LayoutError(folder, "no such folder")
    paths = [folder / name for name in lights]
    home = folder.resolve()
    for path in paths:
        if not path.resolve().is_relative_to(home):
            raise LayoutError(path, "lies outside the folder of images")
    width, height = image_size(paths[0])
    if width * height * len(paths) > MOST_VALUES:
        raise LayoutError(paths[0], f"{len(paths)} images of {width} x {height} px are too many")
    images, depths = [], set()
    for path in paths:
        if image_size(path) != (width, height):
            raise LayoutError(path, f"is not {width} x {height} px as {paths[0].name} is")
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_ANYDEPTH | 1)
        if image is None or image.shape[:2] != (height, width):
            raise LayoutError(path, "cannot be decoded: the image is broken")
        depths.add(image.dtype)
        if len(depths) > 1:
            raise LayoutError(path, "has another bit depth than the images before it")
        images.append(image.mean(axis=2, dtype=np.float32))
    return np.stack(images)


def write_maps(
    images: F32, lights: Lights, out: Path, um_per_px: float, with_gains: bool = False
) -> Written:
    """Solve and write albedo.png, normals.png (16 bit: R, G, B are x, y, z from -1 to 1),
    curvature.png (grey is flat, bright a bump) and maps.npz with all three as float32."""
    directions = np.array([*lights.values()], np.float32)
    gains = solve_gains(images, directions) if with_gains else np.ones(len(images))
    found = solve((images / gains[:, None, None]).astype(np.float32), directions)
    bent = mean_curvature(found.normals, um_per_px)
    out.mkdir(parents=True, exist_ok=True)
    top = max(float(np.percentile(found.albedo, 99.9)), 1e-9)
    _write(out / "albedo.png", np.clip(found.albedo / top * 65535, 0, 65535).astype(np.uint16))
    colours = ((found.normals[..., ::-1] + 1) * 32767.5).astype(np.uint16)
    _write(out / "normals.png", colours)
    reach = max(float(np.percentile(np.abs(bent), 99)), 1e-9)
    _write(out / "curvature.png", np.clip(128 + 127 * bent / reach, 0, 255).astype(np.uint8))
    np.savez_compressed(
        out / "maps.npz", albedo=found.albedo, normals=found.normals, curvature_per_mm=bent
    )
    return Written(images.shape[2], images.shape[1], tuple(map(float, gains)))


def _write(path: Path, picture: NDArray[Any]) -> None:
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
