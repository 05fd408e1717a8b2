"""A picture, the place where a defect is to go, and the sample that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, degrees, pi, radians
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.generate.outlines import COVERED, cover
from inspection.generate.request import DefectRequest, RequestError
from inspection.models.features import grey_of

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Rng = np.random.Generator

HALO_PX = 3  # a rim or a shadow may reach this far beyond the mask; beyond it nothing changes
MARGIN_PX = 40  # of surface around a defect that tells the local brightness and contrast


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how large: all that a request left open is drawn. angle_rad: of the long axis."""

    kind: str
    x_px: float
    y_px: float
    size_px: float
    severity: float
    angle_rad: float

    def to_json(self) -> dict[str, Any]:
        """As a manifest tells it."""
        return {
            "kind": self.kind,
            "x_px": round(self.x_px, 3),
            "y_px": round(self.y_px, 3),
            "size_px": round(self.size_px, 3),
            "severity": self.severity,
            "angle_deg": round(degrees(self.angle_rad), 3),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """image: as the good picture, (H, W) or (H, W, 3) uint8. mask: (H, W) bool, the defect."""

    image: U8
    mask: NDArray[np.bool_]
    place: Place


class Maker(Protocol):
    """Makes defects. name: the method. kinds: those it knows. identity: what tells it from
    another of the same name, such as a network's hash; "" where there is none."""

    name: str
    kinds: tuple[str, ...]
    identity: str

    def make(self, image: U8, request: DefectRequest, rng: Rng) -> Sample:
        """One sample; RequestError where the picture has no room for it."""
        ...


def settle(request: DefectRequest, shape: tuple[int, ...], rng: Rng, at_edge: bool) -> Place:
    """The place on a picture of `shape`; RequestError where it does not fit.

    at_edge: the defect belongs on the picture's border: the place is its nearest point there, and
    the angle the border's.
    """
    height, width = shape[:2]
    radius = request.size_px / 2
    if request.size_px > (max if at_edge else min)(height, width) - 2:
        raise RequestError(
            f"a defect of {request.size_px:g} px does not fit into {width} x {height} px"
        )
    angle = rng.uniform(0, 2 * pi) if request.angle_deg is None else radians(request.angle_deg)
    x, y = _drawn(request, (height, width), rng, at_edge)
    place = Place(request.kind, x, y, request.size_px, request.severity, angle)
    if at_edge:
        return _on_border(place, (height, width))
    if not (radius <= x + 0.5 <= width - radius and radius <= y + 0.5 <= height - radius):
        raise RequestError(
            f"a defect of {request.size_px:g} px at {x:g}, {y:g} reaches out of the picture of "
            f"{width} x {height} px"
        )
    return place


def _drawn(
    request: DefectRequest, shape: tuple[int, int], rng: Rng, at_edge: bool
) -> tuple[float, float]:
    if request.x_px is not None and request.y_px is not None:
        return request.x_px, request.y_px
    radius = request.size_px / 2
    x, y = (
        float(rng.uniform(min(radius, side / 2), max(side - radius, side / 2)) - 0.5)
        for side in shape[::-1]
    )
    if not at_edge:
        return x, y
    sides = [s for s in range(4) if request.size_px <= shape[1 - s % 2] - 2]
    side = sides[int(rng.integers(len(sides)))]  # top, left, bottom, right
    far = (shape[0] - 1.0, shape[1] - 1.0)[side % 2] if side > 1 else 0.0
    return (x, far) if side % 2 == 0 else (far, y)


def _on_border(place: Place, shape: tuple[int, int]) -> Place:
    height, width = shape
    x, y, radius = place.x_px, place.y_px, place.size_px / 2
    away = [y, x, height - 1 - y, width - 1 - x]
    side = int(np.argmin(np.abs(away)))
    if not -0.5 <= away[side] <= radius or min(away) < -0.5:
        raise RequestError(
            f"{place.kind} breaks an edge: {x:g}, {y:g} lies farther than {radius:g} px from any"
        )
    x, y = ((x, -0.5), (-0.5, y), (x, height - 0.5), (width - 0.5, y))[side]
    along, length = (x, width) if side % 2 == 0 else (y, height)
    if not radius <= along + 0.5 <= length - radius:
        raise RequestError(
            f"{place.kind} of {place.size_px:g} px at {place.x_px:g}, {place.y_px:g} reaches "
            "around a corner of the picture"
        )
    # the outline lies to the right of its axis (y downwards), which must be inside the picture
    return replace(place, x_px=x, y_px=y, angle_rad=(0.0, -pi / 2, pi, pi / 2)[side])


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The part of a picture around a place. image: (h, w) float32 luminance; cover: (h, w), 0 to
    1; from row `top` and column `left` of the picture."""

    image: F32
    cover: F32
    top: int
    left: int

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(h, w), True on the defect."""
        return self.cover >= COVERED

    @property
    def halo(self) -> F32:
        """(h, w): 1 on the mask, falling to 0 at `HALO_PX` beyond it."""
        away = cv2.distanceTransform((~self.mask).astype(np.uint8), cv2.DIST_L2, 5)
        return np.asarray(np.clip(1 - away / HALO_PX, 0, 1), np.float32)


def window(image: U8, place: Place, outline: str, rng: Rng) -> Window:
    """Cut out the surroundings and draw the outline there."""
    reach = ceil(place.size_px / 2) + MARGIN_PX
    top, left = max(0, int(place.y_px) - reach), max(0, int(place.x_px) - reach)
    cut = image[top : int(place.y_px) + reach + 1, left : int(place.x_px) + reach + 1]
    at = (place.x_px - left, place.y_px - top)
    drawn = cover(outline, (cut.shape[0], cut.shape[1]), at, place.size_px, place.angle_rad, rng)
    return Window(grey_of(np.ascontiguousarray(cut)).astype(np.float32), drawn, top, left)


def applied(image: U8, around: Window, change: F32, place: Place) -> Sample:
    """The picture with `change` (h, w), in DN of luminance, added within the window's halo."""
    rows = slice(around.top, around.top + change.shape[0])
    columns = slice(around.left, around.left + change.shape[1])
    gated = change * around.halo
    made, mask = image.copy(), np.zeros(image.shape[:2], np.bool_)
    here = made[rows, columns]
    shift = gated if image.ndim == 2 else gated[..., None]
    made[rows, columns] = np.clip(np.rint(here + shift), 0, 255).astype(np.uint8)
    mask[rows, columns] = around.mask
    return Sample(made, mask, place)
