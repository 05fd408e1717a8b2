"""A height map in colour: faces by what is left of their form, flaws outlined, both scales told."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.overlay import AMBER
from inspection.relief.picture import SPAN_UM, shaded
from inspection.relief.pipeline import Flaw, Result

U8 = NDArray[np.uint8]

WIDTH_PX = 640
STRIP_PX = 64  # under the map, for the scales
WHITE, DARK = (255, 255, 255), (24, 20, 18)  # BGR
AROUND_PX = 3  # between a flaw and its outline
FONT = cv2.FONT_HERSHEY_SIMPLEX
LENGTHS_UM = (10_000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10)
DIM = 0.6  # what is no inspected face is grey, and darker


def draw(seen: HeightMap, result: Result) -> U8:
    """(H, WIDTH_PX, 3) BGR. Colours span SPAN_UM around each face's form; the rest is grey."""
    known = seen.height_um[np.isfinite(seen.height_um)]
    grey = shaded(seen.height_um, max(float(np.ptp(known)) if known.size else 1.0, 1e-3))
    canvas = np.asarray(grey * DIM, np.uint8)
    for face in result.faces:
        levels = shaded(face.residual_um, SPAN_UM)
        colours = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
        there = face.mask & np.isfinite(face.residual_um)
        canvas[face.window][there] = colours[there]
    zoom = WIDTH_PX / canvas.shape[1]
    size = (WIDTH_PX, round(canvas.shape[0] * zoom))
    large = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    for flaw in result.flaws:
        cv2.drawContours(large, _outline(flaw, zoom), -1, _colour(flaw), 2, cv2.LINE_AA)
    return np.vstack([large, _scales(seen.um_per_px / zoom)])


def _colour(flaw: Flaw) -> tuple[int, int, int]:
    return WHITE if flaw.refused else AMBER


def _outline(flaw: Flaw, zoom: float) -> list[NDArray[np.int32]]:
    """Contours a little around the find, in the enlarged picture."""
    (rows, columns), half = flaw.size.half
    mask = np.pad(half, AROUND_PX).astype(np.uint8)
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * AROUND_PX + 1,) * 2))
    found, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corner = np.array([columns.start - AROUND_PX, rows.start - AROUND_PX])
    return [np.asarray((c + corner + 0.5) * zoom, np.int32) for c in found]


def _scales(um_per_px: float) -> U8:
    """A length on the left, what the colours mean on the right."""
    strip = np.full((STRIP_PX, WIDTH_PX, 3), DARK, np.uint8)
    length = next((n for n in LENGTHS_UM if n / um_per_px <= WIDTH_PX / 4), LENGTHS_UM[-1])
    end = 16 + round(length / um_per_px)
    cv2.rectangle(strip, (16, 14), (end, 20), WHITE, -1)
    _write(strip, f"{length} um", 16)
    left, right = WIDTH_PX - 276, WIDTH_PX - 16
    ramp = np.linspace(0, 255, right - left).astype(np.uint8)[None].repeat(14, axis=0)
    strip[10:24, left:right] = cv2.applyColorMap(ramp, cv2.COLORMAP_VIRIDIS)
    _write(strip, f"-{SPAN_UM / 2:g} um", left)
    for text, share in (("0", 0.5), (f"+{SPAN_UM / 2:g} um", 1.0)):
        wide = cv2.getTextSize(text, FONT, 0.7, 1)[0][0]
        _write(strip, text, round(left + share * (right - left) - share * wide))
    return strip


def _write(strip: U8, text: str, x: int) -> None:
    cv2.putText(strip, text, (x, 50), FONT, 0.7, WHITE, 1, cv2.LINE_AA)
