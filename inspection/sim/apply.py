"""Puts an imprint onto a surface: fine points in the pixels it touches, pixels elsewhere."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.sim.defects import WAVELENGTH_UM, Imprint, Matter
from inspection.sim.lighting import Lighting
from inspection.sim.render import Points
from inspection.sim.surface import Surface

F32 = NDArray[np.float32]


def touched(imprint: Imprint, shape: tuple[int, int], fine: int) -> tuple[NDArray[np.intp], F32]:
    """Flat indices (M,) of the pixels the imprint changes, and the covered share of each (M,)."""
    changed = (np.abs(imprint.height_um) > 1e-4) | (imprint.share > 1e-3)
    blocks = _blocks(changed, fine).any(axis=-1)
    blocks = cv2.dilate(blocks.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rows, columns = np.nonzero(blocks & _in_frame(imprint, blocks.shape, shape))
    index = (rows + imprint.row) * shape[1] + columns + imprint.column
    cover = _blocks(imprint.inside, fine).mean(axis=-1, dtype=np.float32)
    return index, cover[rows, columns]


def repaint(
    radiance: F32,
    surface: Surface,
    imprint: Imprint,
    fine: int,
    lighting: Lighting,
) -> None:
    """Shade the touched pixels of the flat `radiance` anew, in place.

    A fine point has the slope of its pixel plus that of the defect, so that an imprint of nothing
    changes nothing: no seam tells where a defect was put. A defect casts no shadow beyond itself.
    """
    index, _ = touched(imprint, surface.albedo.shape, fine)
    width = surface.albedo.shape[1]
    cells = (index // width - imprint.row, index % width - imprint.column)
    pitch = surface.pixel_um / fine
    dy, dx = (np.asarray(g, np.float32) for g in np.gradient(imprint.height_um, pitch))
    fields: tuple[F32, ...] = (dx, dy, imprint.share)
    slope_x, slope_y, share = (_blocks(field, fine)[cells] for field in fields)
    at = np.repeat(index, fine * fine)
    host = surface.points.at(at)
    points = changed(
        host, imprint.matter, slope_x.ravel(), slope_y.ravel(), share.ravel().astype(np.float32)
    )
    radiance[index] = lighting.on(points, at).reshape(-1, fine * fine).mean(axis=1)


def changed(host: Points, matter: Matter, slope_x: F32, slope_y: F32, share: F32) -> Points:
    """The host's points with slopes added and its material turned into `matter` by `share`."""

    def towards(value: F32, other: float | None) -> F32:
        return value if other is None else value + (np.float32(other) - value) * share

    passes = 10 ** (-2 * matter.absorbance * share)  # there and back
    f0, albedo = towards(host.f0, matter.f0), towards(host.albedo, matter.albedo) * passes
    if matter.film_um > 0:
        f0 = film_reflectance(f0, matter.film_index, matter.film_um * share, passes)
    rough = matter.roughen**2 * share
    alpha_x = np.sqrt(towards(host.alpha_x, matter.alpha) ** 2 + rough)
    alpha_y = np.sqrt(towards(host.alpha_y, matter.alpha) ** 2 + rough)
    maps = (host.slope_x + slope_x, host.slope_y + slope_y, albedo, f0, alpha_x, alpha_y)
    return Points(*(np.ascontiguousarray(values, np.float32) for values in maps))


def film_reflectance(f0: F32, index: float, thickness_um: F32, passes: F32) -> F32:
    """Reflectance at normal incidence of a film on a host of reflectance f0 (Airy summation).

    Host and film are taken as dielectrics, the host with the index that gives f0. passes: what the
    film lets through there and back. No film (thickness 0, passes 1) gives f0 back.
    """
    root = np.sqrt(f0)
    host = (1 + root) / (1 - root)
    full, bare = np.maximum(thickness_um, 0), thickness_um <= 0
    top = (1 - index) / (1 + index)
    bottom = (index - host) / (index + host) * np.sqrt(passes)
    phase = np.cos(4 * np.pi * index * full / WAVELENGTH_UM)
    both = 2 * top * bottom * phase
    airy = (top**2 + bottom**2 + both) / (1 + (top * bottom) ** 2 + both)
    return np.asarray(np.where(bare, f0, airy), np.float32)


def _blocks(fine_map: NDArray[Any], fine: int) -> NDArray[Any]:
    """(h S, w S) as (h, w, S S)."""
    h, w = fine_map.shape[0] // fine, fine_map.shape[1] // fine
    return fine_map.reshape(h, fine, w, fine).swapaxes(1, 2).reshape(h, w, fine * fine)


def _in_frame(
    imprint: Imprint, blocks: tuple[int, ...], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    rows, columns = np.arange(blocks[0]) + imprint.row, np.arange(blocks[1]) + imprint.column
    return np.asarray(
        ((rows >= 0) & (rows < shape[0]))[:, None]
        & ((columns >= 0) & (columns < shape[1]))[None, :]
    )
