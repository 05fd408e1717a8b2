"""Maps of a board while it is being populated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inspection.sim.structure import near_edges
from inspection.sim.surface import Draw, Surface

F32 = NDArray[np.float32]
Window = tuple[slice, slice]

MASK, BODY, OVERCOAT, TERMINATION, PAD, MARK = range(6)  # the first four are inspected


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a component goes: a window of the frame, and in it x and y in um from the component's
    middle, along and across it; `middle_px` is that middle in pixels of the window."""

    window: Window
    along: NDArray[Any]
    across: NDArray[Any]
    middle_px: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """`region` numbers what a pixel belongs to."""

    pixel_um: float
    height_um: F32
    albedo: F32
    f0: F32
    alpha: F32
    region: NDArray[np.uint8]

    @classmethod
    def mask(cls, draw: Draw, shape: tuple[int, int], pixel_um: float) -> Self:
        """Solder mask alone: glossy lacquer with a faint weave over a dark green body."""
        relief = draw.between(0.3, 0.8) * draw.field(shape, 300 / pixel_um)
        albedo = draw.between(0.10, 0.20) * (1 + 0.01 * draw.field(shape, 100 / pixel_um))
        alpha = np.full(shape, draw.between(0.12, 0.20), np.float32)
        f0 = np.full(shape, 0.04, np.float32)
        return cls(pixel_um, relief, albedo, f0, alpha, np.zeros(shape, np.uint8))

    def place(
        self, centre_um: tuple[float, float], reach_um: tuple[float, float], turn: float
    ) -> Place | None:
        """The place of a component centred at (x, y) um that reaches so far to each side, turned by
        so many rad; None outside the frame."""
        x0, x1 = _span(
            centre_um[0] / self.pixel_um, reach_um[0] / self.pixel_um, self.region.shape[1]
        )
        y0, y1 = _span(
            centre_um[1] / self.pixel_um, reach_um[1] / self.pixel_um, self.region.shape[0]
        )
        if x1 - x0 < 2 or y1 - y0 < 2:
            return None
        x = (np.arange(x0, x1, dtype=np.float32)[None, :] + 0.5) * self.pixel_um - centre_um[0]
        y = (np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5) * self.pixel_um - centre_um[1]
        along = x * np.cos(turn) + y * np.sin(turn)
        across = y * np.cos(turn) - x * np.sin(turn)
        middle = (centre_um[0] / self.pixel_um - x0, centre_um[1] / self.pixel_um - y0)
        return Place((slice(y0, y1), slice(x0, x1)), along, across, middle)

    def lay(
        self,
        window: Window,
        inside: NDArray[np.bool_],
        region: int,
        albedo: float,
        f0: float,
        alpha: float,
    ) -> None:
        """Another material on some pixels of a window."""
        self.region[window][inside] = region
        self.albedo[window][inside] = albedo
        self.f0[window][inside] = f0
        self.alpha[window][inside] = alpha

    def raise_to(self, window: Window, inside: NDArray[np.bool_], height_um: NDArray[Any]) -> None:
        """Another height on some pixels of a window."""
        self.height_um[window][inside] = height_um[inside]

    def surface(self) -> Surface:
        """The maps as a surface; solder, print, edges and what lies near them are not inspected."""
        near = near_edges(self.region, self.pixel_um)
        zones = np.where(near | (self.region > TERMINATION), 0, self.region + 1).astype(np.uint8)
        alpha = self.alpha
        return Surface(self.pixel_um, self.height_um, self.albedo, self.f0, alpha, alpha, zones)


def rectangle(x: NDArray[Any], y: NDArray[Any], half_x: float, half_y: float) -> NDArray[np.bool_]:
    """Where x and y lie within the half sides."""
    return np.asarray((np.abs(x) <= half_x) & (np.abs(y) <= half_y))


def rounded(edge_um: NDArray[Any], radius_um: float) -> NDArray[Any]:
    """How far a rounded rim drops at this distance inside the edge."""
    inner = np.clip(radius_um - edge_um, 0, radius_um * 0.98)
    return np.asarray(radius_um - np.sqrt(radius_um**2 - inner**2))


def _span(centre: float, reach: float, size: int) -> tuple[int, int]:
    return max(0, int(centre - reach)), min(size, int(centre + reach) + 1)
