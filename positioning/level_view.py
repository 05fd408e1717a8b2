"""A protection level beside the true error, drawn for the live demonstration (BGR, uint8)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from positioning.sky_map import INK, RING, SIDE_PX, TRUTH, Colour, Panel, write

F64 = NDArray[np.float64]

HEIGHT_PX = 150
LEVEL: Colour = (190, 110, 30)
_LENS_PX, _EDGE_PX = 150, 10
_ROOM = 1.3  # radii of the level to the lens' rim
_STEPS_M = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_LOW, _HIGH = -3.0, 2.0  # decades of metres
_LEFT_PX, _RIGHT_PX, _TOP_PX, _FOOT_PX = 56, 12, 24, 10


def lens(panel: Panel, off_m: F64, level_m: float, colour: Colour) -> None:
    """Draw the surroundings of the told place into a corner of the map, magnified.

    off_m: (2,) east and north from the told place to the true one. level_m: radius that is told to
    hold the truth. colour: of the told place.
    """
    view: Panel = np.full((_LENS_PX, _LENS_PX, 3), 255, np.uint8)
    rim_m = next((step for step in _STEPS_M if step >= _ROOM * level_m), _STEPS_M[-1])
    per_m, middle = _LENS_PX / 2 / rim_m, _LENS_PX // 2
    cv2.circle(view, (middle, middle), max(1, round(level_m * per_m)), LEVEL, 2, cv2.LINE_AA)
    cv2.circle(view, (middle, middle), 4, colour, -1, cv2.LINE_AA)
    away = np.clip(off_m * per_m, -_LENS_PX, _LENS_PX)
    true = round(middle + away[0]), round(middle - away[1])
    cv2.drawMarker(view, true, TRUTH, cv2.MARKER_TILTED_CROSS, 11, 2, cv2.LINE_AA)
    write(view, "ring: level, cross: truth", (6, 14))
    write(view, f"{rim_m:g} m to the rim", (6, _LENS_PX - 7))
    cv2.rectangle(view, (0, 0), (_LENS_PX - 1, _LENS_PX - 1), INK, 1)
    here = slice(_EDGE_PX, _EDGE_PX + _LENS_PX)
    panel[here, SIDE_PX - _EDGE_PX - _LENS_PX : SIDE_PX - _EDGE_PX] = view


def strip(error_m: F64, level_m: F64, epochs: int) -> Panel:
    """Error and level (E,) of the epochs so far against the drive's `epochs`, in metres, a decade a
    line."""
    view: Panel = np.full((HEIGHT_PX, 2 * SIDE_PX, 3), 255, np.uint8)
    for decade in range(int(_LOW), int(_HIGH) + 1):
        y = int(_height(np.array([10.0**decade]))[0])
        cv2.line(view, (_LEFT_PX, y), (2 * SIDE_PX - _RIGHT_PX, y), RING, 1)
        write(view, f"{10.0**decade:g} m", (6, y + 4))
    across = _LEFT_PX + (2 * SIDE_PX - _LEFT_PX - _RIGHT_PX) * np.arange(len(error_m)) / epochs
    for values, colour in ((level_m, LEVEL), (error_m, TRUTH)):
        known = np.isfinite(values)
        line = np.column_stack((across, _height(values)))[known].astype(np.int32)
        cv2.polylines(view, [line], False, colour, 2, cv2.LINE_AA)
    write(view, "horizontal: true error (simulated)", (_LEFT_PX, 14))
    write(view, "protection level", (_LEFT_PX + 260, 14), LEVEL)
    return view


def _height(values_m: F64) -> F64:
    """Pixel rows of metres, from the lowest decade to the highest."""
    share = (np.log10(np.maximum(values_m, 1e-6)) - _LOW) / (_HIGH - _LOW)
    bottom = HEIGHT_PX - _FOOT_PX
    return np.asarray(bottom - np.clip(share, 0.0, 1.0) * (bottom - _TOP_PX))
