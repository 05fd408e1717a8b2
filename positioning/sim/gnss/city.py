"""A city as boxes that stand on or above a plane, canopies, and the streets between them.

East, north, up in m about the city's middle. Buildings and decks are oriented boxes, so that a ray
meets one in a slab test and every facade is a rectangle with a known mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """B buildings or decks.

    centre_m: (B, 2) east and north. axis: (B, 2) unit vector of the box's long side.
    half_m: (B, 2) half lengths along `axis` and across it. bottom_m, top_m: (B,) up.
    material: (B,) int8, index into materials.MATERIALS. rough_m: (B,) RMS relief of the facades.
    """

    centre_m: Array
    axis: Array
    half_m: Array
    bottom_m: Array
    top_m: Array
    material: NDArray[np.int8]
    rough_m: Array

    def __len__(self) -> int:
        return len(self.top_m)

    def packed(self) -> Array:
        """(B, 9) centre, axis, half lengths, bottom, top, roughness: one array for the rays."""
        columns = (self.bottom_m, self.top_m, self.rough_m)
        return np.column_stack((self.centre_m, self.axis, self.half_m, *columns))


@dataclass(frozen=True, slots=True, eq=False)
class Canopies:
    """T tree crowns: ellipsoids upright. centre_m (T, 3), radius_m (T,), half_height_m (T,),
    loss_db_per_m (T,) of leaves at 1.5 GHz (ITU-R P.833: some 0.5 to 2 dB/m)."""

    centre_m: Array
    radius_m: Array
    half_height_m: Array
    loss_db_per_m: Array

    def __len__(self) -> int:
        return len(self.radius_m)

    def packed(self) -> Array:
        """(T, 6) centre, radius, half height, loss: one array for the rays."""
        return np.column_stack(
            (self.centre_m, self.radius_m, self.half_height_m, self.loss_db_per_m)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Streets:
    """A grid of crossings, turned by `heading_rad` about the middle.

    east_m (X,), north_m (Y,): the centre lines before the turn. lane_m: from the centre line to
    the middle of the lane that is driven in, on the right. favoured: indices into east_m of the
    streets to the north that drives keep to (those under a viaduct).
    """

    east_m: Array
    north_m: Array
    lane_m: float
    heading_rad: float
    favoured: tuple[int, ...] = ()

    def turned(self, points_m: Array) -> Array:
        """(..., 2) points of the straight grid, in the turned one."""
        return points_m @ rotation(self.heading_rad).T


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """What stands in the way, and where one can drive."""

    name: str
    boxes: Boxes
    canopies: Canopies
    streets: Streets
    speed_limit_mps: float


def rotation(angle_rad: float) -> Array:
    """(2, 2) that turns a column vector anticlockwise."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin], [sin, cos]])


def boxes(rows: list[tuple[float, ...]], heading_rad: float) -> Boxes:
    """Boxes of rows (east, north, angle, half along, half across, bottom, top, material, relief)
    in the straight grid, turned with it."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 9)
    angle = table[:, 2] + heading_rad
    return Boxes(
        centre_m=table[:, :2] @ rotation(heading_rad).T,
        axis=np.column_stack((np.cos(angle), np.sin(angle))),
        half_m=table[:, 3:5].copy(),
        bottom_m=table[:, 5].copy(),
        top_m=table[:, 6].copy(),
        material=table[:, 7].astype(np.int8),
        rough_m=table[:, 8].copy(),
    )


def canopies(rows: list[tuple[float, ...]], heading_rad: float) -> Canopies:
    """Canopies of rows (east, north, up, radius, half height, loss) in the straight grid."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    place = np.column_stack((table[:, :2] @ rotation(heading_rad).T, table[:, 2]))
    return Canopies(place, table[:, 3].copy(), table[:, 4].copy(), table[:, 5].copy())
