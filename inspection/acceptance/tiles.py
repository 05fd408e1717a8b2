"""What the plain and the fused camera show of a defect, side by side."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Picture
from inspection.acceptance.sweep import View
from inspection.imaging.fused import anomaly
from inspection.imaging.noise import F32

CROP_PX, ZOOM, GAP_PX, HEAD_PX = 72, 3, 4, 18
COLUMNS = ("plain", "fused", "normals", "curvature")
Tile = NDArray[np.uint8]


def side_by_side(views: list[View], caption: str) -> Picture:
    """A row a view: plain frame, fused picture, normals, curvature."""
    rows = [np.concatenate([_framed(tile) for tile in _tiles(view)], axis=1) for view in views]
    head = np.full((HEAD_PX, rows[0].shape[1], 3), 255, np.uint8)
    for i, name in enumerate(COLUMNS):
        _write(head, name, i * rows[0].shape[1] // len(COLUMNS) + 4, HEAD_PX - 5, (0, 0, 0))
    for row, view in zip(rows, views, strict=True):
        _write(row, f"{view.material}, {view.defect.form}", 8, 16, (40, 170, 240))
    sheet = np.concatenate([head, *rows])
    return Picture(
        cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes(), caption
    )


def _tiles(view: View) -> tuple[Tile, ...]:
    found = view.pictures
    around = _window(view)
    return (
        _grey(view.frame[around].astype(np.float32)),
        _grey(anomaly(found.pictures)[around] ** 0.5),
        normal_colours(found.normals[around]),
        _grey(found.curvature[around]),
    )


def _window(view: View) -> tuple[slice, slice]:
    pitch = 10.0
    where = (view.defect.y_um / pitch, view.defect.x_um / pitch)
    starts = (
        int(np.clip(at - CROP_PX / 2, 0, max(side - CROP_PX, 0)))
        for at, side in zip(where, view.frame.shape, strict=True)
    )
    top, left = starts
    return slice(top, top + CROP_PX), slice(left, left + CROP_PX)


def _grey(picture: F32) -> Tile:
    """Stretched between its 0.5 and 99.5 percentile."""
    low, high = np.percentile(picture, [0.5, 99.5])
    scaled = np.clip((picture - low) / max(float(high - low), 1e-9) * 255, 0, 255)
    return np.asarray(cv2.cvtColor(scaled.astype(np.uint8), cv2.COLOR_GRAY2BGR), np.uint8)


def normal_colours(normals: F32) -> Tile:
    """(H, W, 3) BGR: slopes along x as red, along y as green, stretched about their median."""
    plane = normals[..., :2] - np.median(normals[..., :2], axis=(0, 1))
    reach = max(float(np.percentile(np.abs(plane), 99)), 1e-6)
    colours = np.full((*normals.shape[:2], 3), 200, np.uint8)
    colours[..., 2], colours[..., 1] = (
        np.clip(128 + 127 * plane[..., i] / reach, 0, 255) for i in range(2)
    )
    return colours


def _framed(tile: Tile) -> Tile:
    large = cv2.resize(tile, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
    edge = cv2.BORDER_CONSTANT
    padded = cv2.copyMakeBorder(large, 0, GAP_PX, 0, GAP_PX, edge, value=(255, 255, 255))
    return np.asarray(padded, np.uint8)


def _write(canvas: Tile, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
