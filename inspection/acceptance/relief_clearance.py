"""No second defect: the measuring head over every product, and careless paths that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Picture, Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact
from common.types.heightmap import HeightMap
from inspection.overlay import jpeg
from inspection.relief.clearance import (
    OBJECTIVE,
    Disc,
    Head,
    PathRefusedError,
    check,
    lowest_tip,
    raster,
)
from inspection.relief.picture import shaded
from inspection.relief.recipes import PRODUCTS, Recipe

ID = "S4-D2-K2/clearance"
PARTS = {"quick": 1, "full": 30}
STAND_OFF_UM, NEEDED_UM = 1_500.0, 1_000.0  # of the tip over the tallest nominal point; asked for
STEP_UM = 500.0
NOZZLE: Head = (Disc(100, 0),)
"""The tip of a vacuum nozzle, which comes near: careless paths are tried with it."""
TRAVEL_UM = 60.0  # of the nozzle over whatever lies under it
CARELESS, CARELESS_UM = 8, 150.0  # paths a part, at most so far over and under the tallest point


@dataclass(slots=True)
class Tally:
    """gaps_um: of the head, by product. careless: for each path the gap that the dilation of the
    part finds at the pixels' middles, and whether the path was refused."""

    gaps_um: dict[str, list[float]] = field(default_factory=dict)
    careless: list[tuple[float, bool]] = field(default_factory=list)
    shown: list[Picture] = field(default_factory=list)


def measure(context: Context) -> Mapping[str, Measurement]:
    """The smallest gap over all parts."""
    from inspection.sim.relief.products import PIXEL_UM
    from inspection.sim.relief.trial import Lot, scenes

    tally, parts = Tally(), PARTS[context.size]
    for i, recipe in enumerate(PRODUCTS):
        context.progress(i, len(PRODUCTS), "paths over parts")
        lot = Lot(recipe, "event", 7_000_000 + 1_000 * context.seed + i, parts, ("particle",))
        for scene in scenes(lot):
            true = HeightMap(scene.part.height_um, PIXEL_UM)
            judge(recipe, true, scene.rng, tally)
    worst = min(min(values) for values in tally.gaps_um.values())
    near = [told for gap, told in tally.careless if gap < TRAVEL_UM]
    far = [told for gap, told in tally.careless if gap >= TRAVEL_UM]
    note = (
        f"{sum(near)} of {len(near)} nozzle paths that come nearer than {TRAVEL_UM:.0f} um by the "
        f"part's dilation refused, {len(far) - sum(far)} of {len(far)} others let through; "
        + ", ".join(f"{name} {min(v):.0f} um" for name, v in tally.gaps_um.items())
    )
    digest = content_hash(repr(tally.gaps_um), repr(tally.careless))
    n = sum(len(values) for values in tally.gaps_um.values())
    return {ID: exact(worst, n, digest, note, (_careless(tally), *tally.shown))}


def judge(recipe: Recipe, true: HeightMap, rng: np.random.Generator, tally: Tally) -> None:
    """The head's own path over a part, then careless ones of the nozzle."""
    top = highest(recipe)
    width, height = ((n - 1) * true.um_per_px for n in true.height_um.shape[::-1])
    path = raster(width, height, STEP_UM, top + STAND_OFF_UM)
    gap = check(true, path, OBJECTIVE, NEEDED_UM).gap_um
    tally.gaps_um.setdefault(recipe.name, []).append(gap)
    lowest = lowest_tip(true, NOZZLE)
    under = float(lowest[:: round(STEP_UM / true.um_per_px)].max())
    for tip in under + rng.uniform(-CARELESS_UM, CARELESS_UM, CARELESS):
        low = raster(width, height, STEP_UM, float(tip))
        tally.careless.append((float(tip) - under, _refuses(true, low)))
    if len(tally.gaps_um[recipe.name]) == 1:
        told = f"{recipe.name}: height under which the nozzle would touch (simulated)"
        tally.shown.append(Picture(jpeg(shaded(lowest, float(np.ptp(lowest)))), told))


def highest(recipe: Recipe) -> float:
    """Tallest nominal point over the stage [um]."""
    levels = {r.name: r.level_um + r.level_tolerance_um for r in recipe.regions}
    bumps = (levels[b.region] + b.height_um + b.tolerance_um for b in recipe.bumps)
    return max(*levels.values(), *bumps, 0.0)


def _refuses(seen: HeightMap, path: tuple[tuple[float, float, float], ...]) -> bool:
    try:
        check(seen, path, NOZZLE, TRAVEL_UM)
    except PathRefusedError:
        return True
    return False


def _careless(tally: Tally) -> Plot:
    """Refused or not over the gap."""
    points = sorted(tally.careless)
    series = Series("paths", [g for g, _ in points], [float(t) for _, t in points], kind="points")
    lines = (ReferenceLine("gap asked for", TRAVEL_UM, "x"),)
    title = "Careless paths of a nozzle: refused (1) or let through (0), simulated"
    return Plot(title, "gap at the pixels' middles [um]", "refused", (series,), lines=lines)


EXPERIMENTS = (
    Experiment(
        "relief-clearance",
        (
            Indicator(
                ID,
                "The measuring head stays at least 1 mm clear of every part it passes over.",
                "不能产生二次缺陷",
                "um",
                ">=",
                NEEDED_UM,
                "simulated",
                "An objective (nose cone 3 mm, barrel 8 mm, mount 28 mm wide) scans every product, "
                "1.5 mm over its tallest nominal point, a particle on it; the gap is computed "
                "exactly along the path over the part's true heights, not sampled.",
            ),
        ),
        measure,
    ),
)
