"""Parts with flaws in them, as a sensor sees them, and which of the flaws were found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from inspection.relief.classify import Kind
from inspection.relief.pipeline import Flaw as Found
from inspection.relief.recipes import Recipe, Region
from inspection.sim.relief.flaws import Flaw, carve, drawn
from inspection.sim.relief.products import PIXEL_UM, Part, part
from inspection.sim.surface import Draw, Family

F32 = NDArray[np.float32]
Labels = NDArray[np.int16]

APART_UM = 120.0  # between flaws, and between a flaw and a bump
STAGE_UM = 20.0  # what lies under this is stage
NEAR_PX = 3  # a find that comes so near a flaw is the flaw's
TRIES = 60


@dataclass(frozen=True, slots=True)
class Lot:
    """Parts alike.

    wanted: the flaws of each part; a kind draws its size, a flaw keeps its own and is only put in
    another place. What finds no room is left out. absent: the name of a bump or pin that is
    missing. pose_scale: how many times the usual pose error.
    """

    recipe: Recipe
    family: Family
    seed: int
    parts: int
    wanted: tuple[Kind | Flaw, ...] = ()
    absent: str = ""
    pose_scale: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A part's true heights with the flaws in them. labels: 0, or i + 1 where flaws[i] moves the
    surface. rng: goes on with the sensor's noise."""

    part: Part
    flaws: tuple[Flaw, ...]
    labels: Labels
    rng: np.random.Generator


def scenes(lot: Lot) -> Iterator[Scene]:
    """The lot's parts, one after the other; everything follows from (seed, index)."""
    for index in range(lot.parts):
        rng = np.random.default_rng([lot.seed, index])
        made = part(lot.recipe, Draw(rng, lot.family), lot.absent, lot.pose_scale)
        labels = np.zeros(made.height_um.shape, np.int16)
        flaws: list[Flaw] = []
        for wish in lot.wanted:
            flaw = _place(lot, made, wish, flaws, rng)
            if flaw is not None:
                flaws.append(flaw)
                height = made.height_um
                moved = carve(height, PIXEL_UM, flaw, lot.family, rng, STAGE_UM)
                labels[moved] = len(flaws)
        yield Scene(made, tuple(flaws), labels, rng)


def matched(scene: Scene, found: tuple[Found, ...]) -> tuple[list[Found | None], list[Found]]:
    """For each flaw the find that covers it best, else None; and the finds on no flaw."""
    best: list[Found | None] = [None] * len(scene.flaws)
    beside = []
    for find in found:
        row, column = round(find.size.y_um / PIXEL_UM), round(find.size.x_um / PIXEL_UM)
        (rows, columns), half = find.size.half
        touched = scene.labels[rows, columns][half]
        near = scene.labels[
            max(row - NEAR_PX, 0) : row + NEAR_PX + 1,
            max(column - NEAR_PX, 0) : column + NEAR_PX + 1,
        ]
        hits = np.concatenate([touched, near.ravel()])
        hits = hits[hits > 0]
        if not hits.size:
            beside.append(find)
            continue
        index = int(np.bincount(hits).argmax()) - 1
        held = best[index]
        if held is None or find.snr > held.snr:
            best[index] = find
    return best, beside


def _place(
    lot: Lot, made: Part, wish: Kind | Flaw, others: list[Flaw], rng: np.random.Generator
) -> Flaw | None:
    """A flaw on one of the regions, clear of its border (a chip: on it), of bumps and of others."""
    regions = lot.recipe.regions
    area = np.array([r.width_um * r.height_um for r in regions])
    for _ in range(TRIES):
        region = regions[int(rng.choice(len(regions), p=area / area.sum()))]
        template = wish if isinstance(wish, Flaw) else drawn(wish, 0, 0, rng)
        kind = template.kind
        turn = float(rng.uniform(0, pi))
        spot = _edge(region, rng) if kind == "chip" else _inner(region, template, turn, rng)
        if spot is None:
            continue
        x, y, inwards = spot
        row, column = made.pixel(x, y)
        angle = inwards + made.turn_rad if kind == "chip" else turn
        flaw = Flaw(
            kind, column * PIXEL_UM, row * PIXEL_UM, template.width_um, template.depth_um,
            template.length_um, angle,
        )  # fmt: skip
        if _clear(flaw, lot, made, others):
            return flaw
    return None


def _inner(
    region: Region, flaw: Flaw, turn: float, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    half = [
        n / 2 - 30 - max(flaw.width_um, flaw.length_um * abs(trig)) / 2
        for n, trig in ((region.width_um, np.cos(turn)), (region.height_um, np.sin(turn)))
    ]
    if min(half) <= 0:
        return None
    return (
        region.x_um + float(rng.uniform(-1, 1)) * half[0],
        region.y_um + float(rng.uniform(-1, 1)) * half[1],
        0.0,
    )


def _edge(region: Region, rng: np.random.Generator) -> tuple[float, float, float]:
    """A point on the border of a region and the way inwards; pins break at their ends."""
    side = int(rng.choice([0, 2] if region.model == "cylinder" else [0, 1, 2, 3]))
    inwards = side * pi / 2
    along = float(rng.uniform(-0.35, 0.35))
    if side % 2 == 0:
        x = region.x_um - np.cos(inwards) * (region.width_um / 2 + 10)
        return float(x), region.y_um + along * region.height_um, inwards
    y = region.y_um - np.sin(inwards) * (region.height_um / 2 + 10)
    return region.x_um + along * region.width_um, float(y), inwards


def _clear(flaw: Flaw, lot: Lot, made: Part, others: list[Flaw]) -> bool:
    for other in others:
        apart = np.hypot(flaw.x_um - other.x_um, flaw.y_um - other.y_um)
        if apart < (flaw.reach_um + other.reach_um) * 0.8 + APART_UM:
            return False
    for bump in lot.recipe.bumps:
        row, column = made.pixel(bump.x_um, bump.y_um)
        dx, dy = column * PIXEL_UM - flaw.x_um, row * PIXEL_UM - flaw.y_um
        c, s = np.cos(flaw.turn_rad), np.sin(flaw.turn_rad)
        along, across = abs(c * dx + s * dy), abs(c * dy - s * dx)
        free = 1.4 * bump.radius_um + 20 + flaw.width_um / 2
        if flaw.kind == "chip":
            free += flaw.width_um / 2
        if across < free and along < free + flaw.length_um / 2:
            return False
    return True
