"""A height map as a person reads it: the faces flattened and lit from the side, finds framed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.overlay import AMBER, GREEN, RED
from inspection.relief.pipeline import Flaw, Result

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SPAN_UM = 15.0  # heights over the form that take the whole scale of grey
AROUND_PX = 4  # between a find and its frame
SMALLEST_PX = 900  # shorter pictures are enlarged
UNSEEN = (70, 40, 40)  # BGR


def draw(seen: HeightMap, result: Result) -> U8:
    """(H, W, 3) BGR: faces by their residual, the rest by its height, unseen points dark blue."""
    flat = shaded(seen.height_um, _span(seen.height_um))
    for face in result.faces:
        part = flat[face.window]
        part[face.mask] = shaded(face.residual_um, SPAN_UM)[face.mask]
        outline, _ = cv2.findContours(
            face.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        corner = (face.window[1].start, face.window[0].start)
        cv2.drawContours(flat, outline, -1, GREEN, 1, offset=corner)
    zoom = max(1, round(SMALLEST_PX / max(flat.shape[:2])))
    large = cv2.resize(flat, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    for flaw in result.flaws:
        x0, y0, x1, y1 = (v * zoom for v in _box(flaw))
        colour = RED if flaw.refused else AMBER
        cv2.rectangle(large, (x0, y0), (x1, y1), colour, 1)
        told = f"{flaw.kind} {flaw.size.depth_um:.0f}+-{flaw.size.u_depth_um:.0f} um"
        at = (x0, max(y0 - 4, 10))
        cv2.putText(large, told, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
    return np.asarray(large, np.uint8)


def _box(flaw: Flaw) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 [px] a little around the find."""
    (rows, columns), half = flaw.size.half
    y, x = np.flatnonzero(half.any(1)), np.flatnonzero(half.any(0))
    return (
        columns.start + int(x[0]) - AROUND_PX,
        rows.start + int(y[0]) - AROUND_PX,
        columns.start + int(x[-1]) + 1 + AROUND_PX,
        rows.start + int(y[-1]) + 1 + AROUND_PX,
    )


def shaded(height_um: F32, span_um: float) -> U8:
    """(H, W, 3) BGR: middle grey at the median, the whole scale over `span_um`."""
    known = np.isfinite(height_um)
    middle = float(np.median(height_um[known])) if known.any() else 0.0
    grey = np.clip(128 + (np.where(known, height_um, 0) - middle) * (255 / span_um), 0, 255)
    canvas = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    canvas[~known] = UNSEEN
    return np.asarray(canvas, np.uint8)


def _span(height_um: F32) -> float:
    known = height_um[np.isfinite(height_um)]
    return max(float(np.ptp(known)) if known.size else 1.0, 1e-3)
