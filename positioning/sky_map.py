"""A city from above and the sky over it, drawn for the live demonstration (BGR, uint8)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from positioning.gnss.solution import Quality
from positioning.labels import beside
from positioning.sim.gnss.city import Boxes, City

Panel = NDArray[np.uint8]
Colour = tuple[int, int, int]
F64 = NDArray[np.float64]

SIDE_PX = 480
NAME_PX = (26, 10)  # of a satellite's name as `write` draws it
_PX_PER_M = 1.6
_GROUND, _BUILDING, _DECK, _LEAVES = (
    (246, 244, 241),
    (196, 190, 184),
    (170, 178, 186),
    (170, 205, 160),
)
TRUTH, INK, RING, _HIDDEN = (40, 40, 40), (60, 55, 50), (215, 210, 205), (110, 110, 230)
_COLOURS: dict[Quality, Colour] = {
    Quality.FIX: (55, 127, 26),
    Quality.FLOAT: (12, 136, 212),
    Quality.SINGLE: (46, 34, 207),
    Quality.DEAD_RECKONING: (129, 119, 110),
}


def colour_of(quality: Quality) -> Colour:
    """Green fixed, amber float, red single, grey else."""
    return _COLOURS.get(quality, (129, 119, 110))


def map_of(city: City, true_m: F64, now: int, told: Sequence[tuple[float, float, Colour]]) -> Panel:
    """The city about the car at epoch `now`: the way driven, and what was told so far.

    true_m: (E, 2) east and north. told: east, north and colour of each solved epoch.
    """
    panel: Panel = np.full((SIDE_PX, SIDE_PX, 3), _GROUND, np.uint8)
    middle = true_m[now]
    for boxes, colour in ((_standing(city.boxes), _BUILDING), (_decks(city.boxes), _DECK)):
        for corners in boxes:
            cv2.fillConvexPoly(panel, _pixels(corners, middle), colour, cv2.LINE_AA)
    for crown, radius in zip(city.canopies.centre_m, city.canopies.radius_m, strict=True):
        at = _pixels(crown[None, :2], middle)[0]
        cv2.circle(panel, tuple(at.tolist()), int(radius * _PX_PER_M), _LEAVES, -1, cv2.LINE_AA)
    way = _pixels(true_m[: now + 1], middle)
    cv2.polylines(panel, [way], False, TRUTH, 1, cv2.LINE_AA)
    for east, north, colour in told:
        at = _pixels(np.array([[east, north]]), middle)[0]
        cv2.circle(panel, tuple(at.tolist()), 3, colour, -1, cv2.LINE_AA)
    cv2.circle(panel, (SIDE_PX // 2, SIDE_PX // 2), 7, TRUTH, 2, cv2.LINE_AA)
    length = int(50 * _PX_PER_M)
    cv2.line(panel, (14, SIDE_PX - 16), (14 + length, SIDE_PX - 16), INK, 2)
    write(panel, "50 m, north up; black: truth", (14, SIDE_PX - 24))
    return panel


def ring(panel: Panel, away_m: F64, radius_m: float, colour: Colour) -> None:
    """A circle about a point (2,) east and north of the map's middle, to the map's scale."""
    at = _pixels(away_m[None], np.zeros(2))[0]
    radius = round(min(radius_m * _PX_PER_M, 10_000.0))
    cv2.circle(panel, tuple(at.tolist()), max(radius, 1), colour, 1, cv2.LINE_AA)


def sky_of(
    names: Sequence[str],
    azimuth_rad: F64,
    elevation_rad: F64,
    cn0_dbhz: F64,
    seen: NDArray[np.bool_],
) -> Panel:
    """The satellites that are tracked, north up, the horizon as rim; red where only a reflection
    or what bends over an edge arrives."""
    panel: Panel = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    middle, rim = SIDE_PX // 2, SIDE_PX // 2 - 40
    for share in (1.0, 2 / 3, 1 / 3):
        cv2.circle(panel, (middle, middle), int(rim * share), RING, 1, cv2.LINE_AA)
    for text, at in (("N", (middle - 5, 36)), ("E", (SIDE_PX - 32, middle + 5))):
        write(panel, text, at)
    away = rim * (1 - elevation_rad / (np.pi / 2))
    across, up = away * np.sin(azimuth_rad), away * np.cos(azimuth_rad)
    dots = np.column_stack((middle + across, middle - up)).astype(np.int64)
    strength = np.nan_to_num(cn0_dbhz, nan=20.0)
    radius = np.clip((strength - 14) / 4, 3, 9).astype(np.int64)
    for k in range(len(names)):
        colour = (70, 140, 40) if seen[k] else _HIDDEN
        cv2.circle(panel, dots[k].tolist(), int(radius[k]), colour, -1, cv2.LINE_AA)
    corners = beside(dots.astype(np.float64), radius.astype(np.float64), NAME_PX)
    for name, (left, top) in zip(names, corners.round().tolist(), strict=True):
        write(panel, name, (int(left), int(top) + NAME_PX[1]))
    write(panel, "tracked satellites; red: not in sight; size: C/N0", (14, SIDE_PX - 10))
    return panel


def write(panel: Panel, text: str, at: tuple[int, int], colour: Colour = INK) -> None:
    """Small text from its lower left corner on."""
    cv2.putText(panel, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)


def _standing(boxes: Boxes) -> list[F64]:
    return [_corners(boxes, b) for b in np.flatnonzero(boxes.bottom_m <= 0).tolist()]


def _decks(boxes: Boxes) -> list[F64]:
    return [_corners(boxes, b) for b in np.flatnonzero(boxes.bottom_m > 0).tolist()]


def _corners(boxes: Boxes, b: int) -> F64:
    """(4, 2) of a box's outline."""
    along = boxes.axis[b] * boxes.half_m[b, 0]
    across = np.array([-boxes.axis[b][1], boxes.axis[b][0]]) * boxes.half_m[b, 1]
    centre = boxes.centre_m[b]
    return np.array([
        centre + along + across, centre + along - across,
        centre - along - across, centre - along + across,
    ])  # fmt: skip


def _pixels(local_m: F64, middle_m: F64) -> NDArray[np.int32]:
    """Pixels of points (N, 2), the middle in the panel's middle, north up."""
    away = (local_m - middle_m) * _PX_PER_M
    flipped = np.column_stack((away[:, 0], -away[:, 1])) + SIDE_PX / 2
    return np.asarray(np.clip(flipped, -10_000, 10_000), np.int32)
