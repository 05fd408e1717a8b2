"""Cities of different character, each drawn from a seed.

A layout is a grid of streets with jittered spacings. Blocks between the streets are lined with
buildings whose widths, heights and set-backs are drawn; a layout may add a viaduct over some
streets, and trees along the kerbs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.sim.gnss.city import Array, City, Streets, boxes, canopies
from positioning.sim.gnss.materials import BRICK, CONCRETE, GLASS, METAL


@dataclass(frozen=True, slots=True)
class Layout:
    """Figures that a city is drawn from; pairs are the least and the most of a uniform draw.

    street_m: between facing building lines. block_m: between those lines across a block.
    height_m: median and 90th percentile of building heights (log-normal).
    front_m: width of a building along the street. gap: chance that a lot is empty.
    set_back_m: how far a front stands behind the building line. skew_rad: RMS turn of a building.
    relief_m: RMS relief of facades. materials: what facades are made of, drawn evenly.
    trees_m: spacing along the kerb; 0 is none. viaduct: share of the streets to the north that run
    under a deck. speed_limit_mps.
    """

    name: str
    street_m: tuple[float, float]
    block_m: tuple[float, float]
    height_m: tuple[float, float]
    front_m: tuple[float, float] = (18.0, 45.0)
    gap: float = 0.08
    set_back_m: tuple[float, float] = (0.0, 4.0)
    skew_rad: float = 0.0
    relief_m: tuple[float, float] = (0.003, 0.02)
    materials: tuple[int, ...] = (CONCRETE, GLASS, GLASS, METAL)
    trees_m: float = 0.0
    viaduct: float = 0.0
    crossings: int = 7
    speed_limit_mps: float = 13.9
    buildings: bool = True


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("open", (30.0, 30.0), (90.0, 110.0), (5.0, 6.0), buildings=False),
        Layout("canyon", (22.0, 30.0), (70.0, 110.0), (38.0, 90.0)),
        Layout(
            "avenue", (45.0, 60.0), (100.0, 150.0), (36.0, 80.0), gap=0.2, set_back_m=(2.0, 12.0),
        ),
        Layout(
            "old-town", (10.0, 15.0), (40.0, 70.0), (11.0, 17.0), front_m=(8.0, 18.0), gap=0.05,
            set_back_m=(0.0, 1.5), skew_rad=0.05, relief_m=(0.01, 0.04),
            materials=(BRICK, BRICK, CONCRETE), crossings=10, speed_limit_mps=8.3,
        ),
        Layout(
            "viaduct", (38.0, 46.0), (80.0, 130.0), (22.0, 50.0), gap=0.15, viaduct=0.4,
            speed_limit_mps=16.7,
        ),
        Layout(
            "trees", (24.0, 32.0), (70.0, 110.0), (15.0, 28.0), gap=0.2, set_back_m=(1.0, 6.0),
            trees_m=11.0,
        ),
    )
}  # fmt: skip
"""The layouts by name."""

_DECK = (0.5, 1.6)  # thickness of a viaduct's deck with its girders
_LANE_M = 1.75


def build(layout: Layout, rng: np.random.Generator) -> City:
    """A city of the layout, drawn."""
    n = layout.crossings
    lines = [_lines(layout, n, rng) for _ in range(2)]
    heading = rng.uniform(-np.pi, np.pi)
    rows = _buildings(layout, lines, rng) if layout.buildings else []
    centres = [line.mean(axis=1) for line in lines]
    under = np.flatnonzero(rng.random(n) < layout.viaduct)
    if layout.viaduct and not len(under):
        under = np.array([n // 2])
    for index in under:
        rows += _deck(centres[0][index], centres[1], rng)
    crowns = _trees(layout, lines, rng) if layout.trees_m else []
    lane = _LANE_M if layout.street_m[0] < 20 else 1.5 * layout.street_m[0] / 10
    streets = Streets(centres[0], centres[1], lane, heading, tuple(int(k) for k in under))
    return City(
        layout.name,
        boxes(rows, heading),
        canopies(crowns, heading),
        streets,
        layout.speed_limit_mps,
    )


def _lines(layout: Layout, count: int, rng: np.random.Generator) -> Array:
    """(count, 2) building lines on either side of parallel streets, about 0."""
    streets = rng.uniform(*layout.street_m, count)
    blocks = rng.uniform(*layout.block_m, count)
    start = np.cumsum(streets + blocks) - streets
    start -= start.mean()
    return np.column_stack((start, start + streets))


def _buildings(
    layout: Layout, lines: list[Array], rng: np.random.Generator
) -> list[tuple[float, ...]]:
    """Rows for `boxes`: each block's four sides lined with lots."""
    rows: list[tuple[float, ...]] = []
    outer = [_with_edge(line, layout) for line in lines]
    for west, east in zip(outer[0][:-1, 1], outer[0][1:, 0], strict=True):
        for south, north in zip(outer[1][:-1, 1], outer[1][1:, 0], strict=True):
            rows += _block(layout, (west, east, south, north), rng)
    return rows


def _with_edge(line: Array, layout: Layout) -> Array:
    """The building lines with a street more on either side, so that the rim has blocks too."""
    step = layout.block_m[1] + layout.street_m[1]
    return np.vstack((line[:1] - step, line, line[-1:] + step))


def _block(
    layout: Layout, bounds: tuple[float, float, float, float], rng: np.random.Generator
) -> list[tuple[float, ...]]:
    """Lots along the south and north sides of a block over its whole width, then between them
    along the west and east sides."""
    west, east, south, north = bounds
    deep = min(rng.uniform(12.0, 20.0), 0.3 * (north - south), 0.3 * (east - west))
    rows: list[tuple[float, ...]] = []
    for start, stop in _lots(west, east, layout, rng):
        for edge, inward in ((south, 1.0), (north, -1.0)):
            rows += _lot(layout, ((start + stop) / 2, edge, 0.0), (stop - start, deep, inward), rng)
    for start, stop in _lots(south + deep + 3, north - deep - 3, layout, rng):
        for edge, inward in ((west, -1.0), (east, 1.0)):
            middle = (edge, (start + stop) / 2, np.pi / 2)
            rows += _lot(layout, middle, (stop - start, deep, inward), rng)
    return rows


def _lots(start: float, stop: float, layout: Layout, rng: np.random.Generator) -> Array:
    """(K, 2) where lots begin and end, about a front wide each, filling the side."""
    count = max(1, round((stop - start) / rng.uniform(*layout.front_m)))
    share = rng.uniform(0.6, 1.4, count)
    ends = start + np.cumsum(np.append(0.0, share / share.sum())) * (stop - start)
    return np.column_stack((ends[:-1], ends[1:]))


def _lot(
    layout: Layout,
    front: tuple[float, float, float],
    size: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[tuple[float, ...]]:
    """A building behind the middle of its front (east, north, angle), or nothing on a gap.

    size: width, depth, and the side (+1 left of the front's direction, -1 right) that it stands on.
    """
    if rng.random() < layout.gap:
        return []
    east, north, angle = front
    width, deep, side = size
    back = rng.uniform(*layout.set_back_m) + deep / 2
    median, high = layout.height_m
    height = median * np.exp(rng.normal() * np.log(high / median) / 1.2816)
    across = np.array([-np.sin(angle), np.cos(angle)]) * side * back
    return [
        (
            east + across[0],
            north + across[1],
            angle + layout.skew_rad * rng.normal(),
            width / 2,
            deep / 2,
            0.0,
            max(4.0, height),
            float(rng.choice(layout.materials)),
            rng.uniform(*layout.relief_m),
        )
    ]


def _deck(east: float, norths: Array, rng: np.random.Generator) -> list[tuple[float, ...]]:
    """A viaduct along a street to the north, in spans with a joint's gap between them."""
    south, north = norths.min() - 150, norths.max() + 150
    width, up = rng.uniform(15.0, 24.0), rng.uniform(6.5, 11.0)
    thick = rng.uniform(*_DECK)
    edges = np.arange(south, north, 120.0)
    return [
        (east, edge + 60, np.pi / 2, 59.9, width / 2, up, up + thick, float(CONCRETE), 0.01)
        for edge in edges
    ]


def _trees(layout: Layout, lines: list[Array], rng: np.random.Generator) -> list[tuple[float, ...]]:
    """Rows for `canopies`: crowns along both kerbs of all streets, none on crossings."""
    rows: list[tuple[float, ...]] = []
    for swap in (False, True):
        across, along = (lines[1], lines[0]) if swap else (lines[0], lines[1])
        places = np.arange(along.min() - 100, along.max() + 100, layout.trees_m)
        free = ~np.any((places[:, None] > along[:, 0]) & (places[:, None] < along[:, 1]), axis=1)
        for line in across:
            for kerb in (line[0] + 3.5, line[1] - 3.5):
                rows += [_crown(kerb, at, swap, rng) for at in places[free] if rng.random() < 0.85]
    return rows


def _crown(kerb: float, at: float, swap: bool, rng: np.random.Generator) -> tuple[float, ...]:
    radius, half = rng.uniform(3.0, 6.0), rng.uniform(2.0, 4.5)
    side, along = kerb + rng.normal(0, 0.3), at + rng.normal(0, 1.0)
    east, north = (along, side) if swap else (side, along)
    return east, north, rng.uniform(3.0, 4.5) + half, radius, half, rng.uniform(0.6, 1.6)
