"""Flaws as geometry: what is cut out of a surface or lies on it, with its true depth and mask.

Two families of shapes. `spectral` (teaching) are smooth superellipses and straight V grooves;
`event` (judging) are lobed craters with a flat floor, polygons with a tilted top and curved U
grooves. Heights are drawn on cells a quarter of a pixel wide and averaged over the pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from inspection.relief.classify import Kind
from inspection.sim.surface import Family

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Shape = Callable[["Flaw", np.random.Generator, F64, F64], F64]

FINE = 4  # cells a pixel and direction
COVERED = 0.1  # of the depth: a pixel that is moved by more belongs to the flaw


@dataclass(frozen=True, slots=True)
class Flaw:
    """A flaw on a map.

    x_um, y_um: its middle, from the middle of the map's first pixel; of a chip, the point of the
    edge. width_um: at the surface. depth_um: of the extreme, > 0; bumps and particles rise by it.
    length_um: along, for scratches; of chips, along the edge. turn_rad: of the long axis from +x
    towards +y; of a chip, of the way into the part.
    """

    kind: Kind
    x_um: float
    y_um: float
    width_um: float
    depth_um: float
    length_um: float = 0.0
    turn_rad: float = 0.0

    @property
    def sign(self) -> int:
        """+1 where material is added."""
        return 1 if self.kind in ("bump", "particle") else -1

    @property
    def reach_um(self) -> float:
        """Radius within which it lies."""
        return 0.75 * max(self.width_um, self.length_um) + self.width_um / 2


RANGES: dict[Kind, tuple[tuple[float, float], tuple[float, float]]] = {
    "pit": ((25, 80), (0.4, 0.8)),  # width [um], depth over width
    "bump": ((60, 150), (0.17, 0.3)),
    "scratch": ((25, 50), (0.3, 0.5)),
    "dent": ((150, 350), (0.07, 0.11)),
    "chip": ((100, 180), (0.25, 0.5)),
    "particle": ((25, 80), (0.5, 1.0)),
}
LENGTHS: dict[Kind, tuple[float, float]] = {"scratch": (8, 18), "chip": (0.8, 1.6)}  # over width


def drawn(kind: Kind, x_um: float, y_um: float, rng: np.random.Generator) -> Flaw:
    """A flaw of this kind of random size and turn at a place."""
    widths, ratios = RANGES[kind]
    width, ratio = float(rng.uniform(*widths)), float(rng.uniform(*ratios))
    length = width * float(rng.uniform(*LENGTHS[kind])) if kind in LENGTHS else 0.0
    return Flaw(kind, x_um, y_um, width, width * ratio, length, float(rng.uniform(0, pi)))


def carve(
    height_um: F32,
    um_per_px: float,
    flaw: Flaw,
    family: Family,
    rng: np.random.Generator,
    floor_um: float = -np.inf,
) -> Mask:
    """Put the flaw into (H, W) `height_um`, in place; (H, W), True on the pixels it moves.

    Nothing is cut out of what lies under `floor_um` (the stage), nor deeper than that.
    """
    reach = int(np.ceil(flaw.reach_um / um_per_px)) + 2
    row, column = round(flaw.y_um / um_per_px), round(flaw.x_um / um_per_px)
    fine = (np.arange(-reach * FINE, (reach + 1) * FINE) + 0.5) / FINE - 0.5
    x = (column + fine) * um_per_px - flaw.x_um
    y = (row + fine) * um_per_px - flaw.y_um
    c, s = cos(flaw.turn_rad), sin(flaw.turn_rad)
    along, across = c * x[None, :] + s * y[:, None], c * y[:, None] - s * x[None, :]
    relief = _SHAPES[flaw.kind, family](flaw, rng, along, across) * flaw.sign * flaw.depth_um
    side = 2 * reach + 1
    relief = relief.reshape(side, FINE, side, FINE).mean((1, 3))
    mask = np.zeros(height_um.shape, np.bool_)
    rows, columns = (
        _inside(row, reach, height_um.shape[0]),
        _inside(column, reach, height_um.shape[1]),
    )
    if min(rows.stop - rows.start, columns.stop - columns.start) <= 0:
        return mask
    part = relief[
        rows.start - row + reach : rows.stop - row + reach,
        columns.start - column + reach : columns.stop - column + reach,
    ]
    before = height_um[rows, columns]
    after = np.maximum(before + part.astype(np.float32), np.minimum(before, np.float32(floor_um)))
    part = after - before
    height_um[rows, columns] = after
    mask[rows, columns] = np.abs(part) > COVERED * flaw.depth_um
    return mask


def _inside(middle: int, reach: int, n: int) -> slice:
    return slice(max(middle - reach, 0), min(middle + reach + 1, n))


def _superellipse(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """Smooth bowl of random flatness, up to 1.3 times as long as wide."""
    stretch = rng.uniform(1, 1.3)
    rho = np.hypot(x / stretch, y) / (flaw.width_um / 2)
    flat, soft = rng.uniform(1.6, 4), rng.uniform(0.8, 1.5)
    bowl: F64 = np.clip(1 - rho**flat, 0, None) ** soft
    return bowl


def _lobed(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """Crater with an irregular outline, straight walls and a flat floor."""
    rho = _outline(flaw.width_um / 2, rng, x, y, 0.08)
    floor = rng.uniform(0.25, 0.6)
    return np.clip((1 - rho) / (1 - floor), 0, 1)


def _dome(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """Cap of a sphere, nearly."""
    rho = _outline(flaw.width_um / 2, rng, x, y, 0.06)
    dome: F64 = np.clip(1 - rho**2, 0, None) ** rng.uniform(0.7, 1.1)
    return dome


def _hollow(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """A smooth dent: raised cosine."""
    rho = _outline(flaw.width_um / 2, rng, x, y, 0.06)
    return np.where(rho < 1, (1 + np.cos(pi * np.minimum(rho, 1))) / 2, 0)


def _v_groove(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """A straight V, tapered ends, lips at both sides."""
    return _groove(flaw, rng, x, y, lambda t: np.clip(1 - t, 0, None))


def _u_groove(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """A curved U whose depth wavers."""
    bend = rng.uniform(-0.15, 0.15) / flaw.length_um
    waver = 1 - 0.2 * (1 + np.sin(x * 2 * pi / (0.4 * flaw.length_um) + rng.uniform(0, 6))) / 2
    return _groove(
        flaw, rng, x, y - bend * (x**2 - flaw.length_um**2 / 12), lambda t: np.clip(1 - t * t, 0, 1)
    ) * np.asarray(waver)


def _groove(
    flaw: Flaw, rng: np.random.Generator, x: F64, y: F64, profile: Callable[[F64], F64]
) -> F64:
    t = np.abs(y) / (flaw.width_um / 2)
    ends = np.clip((flaw.length_um / 2 - np.abs(x)) / (0.1 * flaw.length_um), 0, 1)
    lips = rng.uniform(0.1, 0.3) * np.exp(-(((t - 1.35) / 0.25) ** 2))
    cut: F64 = (profile(t) - lips) * ends
    return cut


def _shell(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """Half an ellipsoid broken off an edge; x runs into the part."""
    rho = np.hypot(x / flaw.width_um, y / (flaw.length_um / 2))
    return np.where(x > -flaw.width_um / 2, np.sqrt(np.clip(1 - rho**2, 0, None)), 0)


def _wedge(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """A slope that ends in a ragged line, deepest at the edge."""
    ragged = flaw.width_um * (
        1 + 0.15 * np.sin(y * 2 * pi / flaw.length_um * 1.7 + rng.uniform(0, 6))
    )
    inwards = np.clip(1 - np.maximum(x, 0) / ragged, 0, 1)
    inwards = np.where(x > -flaw.width_um / 2, inwards, 0)
    return inwards**0.6 * np.clip((flaw.length_um / 2 - np.abs(y)) / (0.2 * flaw.length_um), 0, 1)


def _pebble(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """A grain, from a ball that sank in half to a block with steep sides."""
    rho = np.hypot(x / rng.uniform(1, 1.3), y) / (flaw.width_um / 2)
    flat, soft = rng.uniform(2, 8), rng.uniform(0.5, 1.2)
    grain: F64 = np.clip(1 - rho**flat, 0, None) ** soft
    return grain


def _splinter(flaw: Flaw, rng: np.random.Generator, x: F64, y: F64) -> F64:
    """A polygon with a tilted top."""
    corners = int(rng.integers(4, 8))
    start = rng.uniform(0, 2 * pi)
    angles = start + 2 * pi * (np.arange(corners) + rng.uniform(-0.15, 0.15, corners)) / corners
    radius = flaw.width_um / 2
    apart = np.max([x * cos(a) + y * sin(a) for a in angles], 0) / radius
    top = 1 - 0.25 * (1 + (x * cos(start) + y * sin(start)) / radius) / 2
    whole = np.clip((1 - apart) / 0.15, 0, 1) * np.clip(top, 0, 1)
    return np.asarray(whole / whole.max())


def _outline(radius: float, rng: np.random.Generator, x: F64, y: F64, lobes: float) -> F64:
    """Distance from the middle in units of a radius that wavers with the direction."""
    direction = np.arctan2(y, x)
    waver = np.ones_like(direction)
    for order in (2, 3, 4):
        waver += rng.uniform(-lobes, lobes) * np.cos(order * direction + rng.uniform(0, 2 * pi))
    return np.hypot(x, y) / (radius * waver)


_SHAPES: dict[tuple[Kind, Family], Shape] = {
    ("pit", "spectral"): _superellipse,
    ("pit", "event"): _lobed,
    ("bump", "spectral"): _superellipse,
    ("bump", "event"): _dome,
    ("dent", "spectral"): _superellipse,
    ("dent", "event"): _hollow,
    ("scratch", "spectral"): _v_groove,
    ("scratch", "event"): _u_groove,
    ("chip", "spectral"): _shell,
    ("chip", "event"): _wedge,
    ("particle", "spectral"): _pebble,
    ("particle", "event"): _splinter,
}
