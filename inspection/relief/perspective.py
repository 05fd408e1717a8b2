"""A height map seen from the side, with its shadows' depth: ray-cast by open3d on the CPU."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.relief.cloud import MARK, library
from inspection.relief.pipeline import Result

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

WIDTH_PX, HEIGHT_PX = 960, 640
MOST_CELLS = 640  # along an edge of the mesh; finer maps are thinned
ELEVATION_DEG, FIELD_DEG = 40.0, 28.0
RELIEF = 0.15  # of the longest edge that the heights' span is drawn as, where they are exaggerated
NEAR = 0.72  # of the distance from which a ball about the map would fill the picture
FACTORS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
LIGHT = np.array([-0.5, 0.35, 0.79])  # towards it; x right, y away from the viewer, z up
AMBIENT = 0.35
SURFACE, BACKGROUND = (0.80, 0.82, 0.84), (24, 20, 18)  # RGB; BGR


def view(seen: HeightMap, result: Result | None = None) -> U8:
    """(HEIGHT_PX, WIDTH_PX, 3) BGR from above the map's lower edge; finds are red.

    Heights are exaggerated by the factor that the picture tells. MissingExtraError without open3d.
    """
    open3d = library()
    step = max(1, math.ceil(max(seen.height_um.shape) / MOST_CELLS))
    factor = exaggeration(seen)
    vertices, triangles = mesh(seen, step, factor)
    tensor = open3d.core.Tensor
    scene = open3d.t.geometry.RaycastingScene()
    canvas = np.full((HEIGHT_PX, WIDTH_PX, 3), BACKGROUND, np.uint8)
    if len(triangles):
        scene.add_triangles(tensor(vertices), tensor(triangles))
        middle, eye = (tensor(place) for place in _looking(vertices))
        down = tensor(np.array([0.0, 0.0, -1.0]))  # open3d's up points down the picture
        rays = scene.create_rays_pinhole(FIELD_DEG, middle, eye, down, WIDTH_PX, HEIGHT_PX)
        cast = scene.cast_rays(rays)
        hit = np.isfinite(cast["t_hit"].numpy())
        owner = triangles[cast["primitive_ids"].numpy()[hit], 0]
        colours = _colours(seen, result)[::step, ::step].reshape(-1, 3)[owner]
        shade = lambert(cast["primitive_normals"].numpy()[hit])
        canvas[hit] = np.rint(255 * colours * shade[:, None])[:, ::-1]
    told = f"heights x {factor}"
    cv2.putText(canvas, told, (16, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255,) * 3, 1, cv2.LINE_AA)
    return canvas


def exaggeration(seen: HeightMap) -> int:
    """The factor of FACTORS by which heights are drawn, so that their span is about RELIEF of the
    longest edge; 1 where they are that tall by themselves."""
    known = seen.height_um[seen.valid]
    span = float(np.ptp(known)) if known.size else 0.0
    wanted = RELIEF * max(seen.height_um.shape) * seen.um_per_px / max(span, 1e-6)
    return max((f for f in FACTORS if f <= wanted), default=1)


def mesh(seen: HeightMap, step: int, factor: float) -> tuple[F32, NDArray[np.uint32]]:
    """Vertices (N, 3) in mm, x right, y up the picture, z up, of every `step`-th point, and
    triangles (M, 3) over those cells whose four corners were seen."""
    height = seen.height_um[::step, ::step]
    rows, columns = np.mgrid[: height.shape[0], : height.shape[1]]
    pitch = step * seen.um_per_px
    known = np.where(np.isfinite(height), height, 0.0) * factor
    vertices = np.stack([columns * pitch, -rows * pitch, known], -1).reshape(-1, 3) / 1e3
    number = np.arange(height.size, dtype=np.uint32).reshape(height.shape)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    valid = seen.valid[::step, ::step]
    whole = valid[:-1, :-1] & valid[:-1, 1:] & valid[1:, :-1] & valid[1:, 1:]
    lower, upper = np.stack([a, c, b], -1)[whole], np.stack([d, b, c], -1)[whole]
    return vertices.astype(np.float32), np.concatenate([lower, upper])


def lambert(normals: F32) -> F32:
    """Brightness 0 to 1 of faces with these unit normals (N, 3), whichever side they show."""
    up = normals * np.where(normals[:, 2:] < 0, -1.0, 1.0)
    direct = np.clip(up @ (LIGHT / np.linalg.norm(LIGHT)), 0.0, 1.0)
    return np.asarray(AMBIENT + (1 - AMBIENT) * direct, np.float32)


def _looking(vertices: F32) -> tuple[F64, F64]:
    """The map's middle, which is looked at, and where from: over its lower edge, so far away that
    all of it is seen."""
    low, high = vertices.min(0).astype(np.float64), vertices.max(0).astype(np.float64)
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    upright = math.atan(math.tan(math.radians(FIELD_DEG / 2)) * HEIGHT_PX / WIDTH_PX)
    away = NEAR * reach / math.sin(upright)
    tilt = math.radians(ELEVATION_DEG)
    return middle, middle + away * np.array([0.0, -math.cos(tilt), math.sin(tilt)])


def _colours(seen: HeightMap, result: Result | None) -> F32:
    colours = np.broadcast_to(np.array(SURFACE, np.float32), (*seen.height_um.shape, 3)).copy()
    for flaw in result.flaws if result else ():
        (down, right), half = flaw.size.half
        colours[down, right][half] = MARK
    return colours
