"""Flaws in three dimensions: what is missed, what is wrongly refused, what is called by the wrong
name, and how far the depths are off.

Parts come from the judging family of shapes and textures, the classifier from the teaching one;
thresholds follow from the noise of each map and from the recipes' tolerances. Every flaw is judged
on its own, every good part as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, rate
from common.types.heightmap import HeightMap
from inspection.acceptance import relief_figures as figures
from inspection.overlay import jpeg
from inspection.relief.classify import KINDS, SHIPPED, shipped
from inspection.relief.picture import draw
from inspection.relief.pipeline import Flaw as Found
from inspection.relief.pipeline import Result, inspect
from inspection.relief.recipes import PRODUCTS, wafer_die
from inspection.sim.relief.names import SENSOR

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.relief.flaws import Flaw
    from inspection.sim.relief.trial import Lot, Scene

WIDTH_UM, DEPTH_UM = 30.0, 20.0  # the guide's own pit
SCRATCH_UM = (30.0, 8.0, 300.0)  # width, depth, length
POD_WIDTHS_UM, POD_DEPTHS_UM = (10.0, 15.0, 20.0, 30.0, 45.0), (2.0, 5.0, 10.0, 20.0)
GRID = 100  # added to a run's first seed
MISS, RIGHT = 0.01, 0.99
GUIDE_K1 = "缺陷检测识别准确率大于99%，漏检率小于1%"
GUIDE_K2 = "30 um*30 um、深度20 um的缺陷、划痕"
GUIDE_K3 = "不少于4种产品"
GUIDE_R3 = "缺陷检测与类型识别"
HOW = (
    f"Height maps of 5 um a pixel by {SENSOR}; judging family of shapes and textures, pose off by "
    "up to 60 um and 2 degrees. A flaw counts as missed where it is not found, or found within "
    "tolerance; each is judged alone."
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Parts of each product, good and with flaws, and parts of the POD grid."""

    good: int
    flawed: int
    grid: int


SIZES = {"quick": Numbers(1, 1, 1), "full": Numbers(80, 40, 16)}


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A flaw and what was found of it. stated: one of the guide's own sizes."""

    product: str
    flaw: Flaw
    found: Found | None
    stated: bool

    @property
    def missed(self) -> bool:
        """Not found, or found and not refused."""
        return self.found is None or not self.found.refused

    @property
    def named(self) -> bool:
        """Whether it has its right name."""
        return self.found is not None and self.found.kind == self.flaw.kind


@dataclass(slots=True)
class Tally:
    """Everything that was judged. good: by product, why a good part was refused."""

    judged: list[Judged] = field(default_factory=list)
    grid: list[Judged] = field(default_factory=list)
    good: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    beside: int = 0
    shown: dict[str, Picture] = field(default_factory=dict)

    def stated(self, kind: str, product: str | None = None) -> list[Judged]:
        """The flaws of the guide's own size."""
        return [
            j
            for j in self.judged
            if j.stated and j.flaw.kind == kind and product in (None, j.product)
        ]


def measure(context: Context) -> Mapping[str, Measurement]:
    """All rows of the products."""
    todo = list(lots(SIZES[context.size], context.seed))
    tally, done, total = Tally(), 0, sum(lot.parts for lot in todo)
    for lot in todo:
        for scene, seen, result in judged(lot):
            count(tally, lot, scene, seen, result)
            done += 1
            context.progress(done, total, f"{lot.recipe.name}, parts")
    return rows(tally, content_hash(SHIPPED.read_bytes(), SENSOR, repr(todo)))


def lots(numbers: Numbers, seed: int) -> Iterator[Lot]:
    """Good parts and parts with flaws of every product, and the POD grid on a die."""
    from inspection.sim.relief.flaws import Flaw
    from inspection.sim.relief.trial import Lot

    pit = Flaw("pit", 0, 0, WIDTH_UM, DEPTH_UM)
    scratch = Flaw("scratch", 0, 0, *SCRATCH_UM)
    wanted = (*KINDS, scratch, scratch, *(pit,) * 8)
    base = 4_000_000 + 1_000 * seed
    for i, recipe in enumerate(PRODUCTS):
        yield Lot(recipe, "event", base + 10 * i, numbers.good)
        yield Lot(recipe, "event", base + 10 * i + 1, numbers.flawed, wanted)
    grid = tuple(Flaw("pit", 0, 0, w, d) for w in POD_WIDTHS_UM for d in POD_DEPTHS_UM)
    yield Lot(wafer_die(), "event", base + GRID, numbers.grid, grid)


def judged(lot: Lot) -> Iterator[tuple[Scene, HeightMap, Result]]:
    """Every part of a lot as the judging sensor sees it, with what the pipeline says."""
    from inspection.sim.relief.products import PIXEL_UM
    from inspection.sim.relief.sensing import sense, sideways
    from inspection.sim.relief.trial import scenes

    for scene in scenes(lot):
        seen = sense(scene.part.height_um, PIXEL_UM, scene.rng)
        yield scene, seen, inspect(seen, lot.recipe, shipped(), sideways())


def count(tally: Tally, lot: Lot, scene: Scene, seen: HeightMap, result: Result) -> None:
    """One part into the tally."""
    from inspection.sim.relief.trial import matched

    name = lot.recipe.name
    if not lot.wanted:
        tally.good.setdefault(name, []).append(result.reasons)
        return
    best, beside = matched(scene, result.flaws)
    stated = (WIDTH_UM, DEPTH_UM), SCRATCH_UM[:2]
    pairs = [
        Judged(name, flaw, found, (flaw.width_um, flaw.depth_um) in stated)
        for flaw, found in zip(scene.flaws, best, strict=True)
    ]
    if lot.seed % 1_000 == GRID:
        tally.grid.extend(pairs)
        return
    tally.judged.extend(pairs)
    tally.beside += sum(found.refused for found in beside)
    if name not in tally.shown:
        told = f"{name}: residual over the form with what was found (simulated)"
        tally.shown[name] = Picture(jpeg(draw(seen, result)), told)


def rows(tally: Tally, digest: str) -> dict[str, Measurement]:
    """Measurements by indicator id."""
    flaws = tally.judged
    missed = sum(j.missed for j in flaws)
    good = [reasons for parts in tally.good.values() for reasons in parts]
    right = sum(j.named and not j.missed for j in flaws) + sum(not r for r in good)
    prevalence = (
        f"{len(flaws)} flaws and {len(good)} good parts; {tally.beside} refused finds beside the "
        "flaws"
    )
    pits, scratches = tally.stated("pit"), tally.stated("scratch")
    shown = tuple(tally.shown.values())
    found = {
        "S4-D2-K1/accuracy": rate(right, len(flaws) + len(good), digest, prevalence, shown),
        "S4-D2-K1/miss": rate(missed, len(flaws), digest, _worst(flaws)),
        "S4-D2-K2/pit-30x30x20": rate(
            sum(j.missed for j in pits),
            len(pits),
            digest,
            f"{_worst(pits)}; {_depths(pits)}",
            (figures.pod(tally.grid), figures.depths(flaws)),
        ),
        "S4-D2-K2/scratch": rate(
            sum(j.missed for j in scratches),
            len(scratches),
            digest,
            f"{_worst(scratches)}; {_depths(scratches)}",
        ),
        "S4-D2-R3/confusion": _confusion(flaws, digest),
    }
    for product in PRODUCTS:
        found |= _of_product(tally, product.name, digest)
    return found


def _of_product(tally: Tally, name: str, digest: str) -> dict[str, Measurement]:
    pits, good = tally.stated("pit", name), tally.good[name]
    wrong = [reasons for reasons in good if reasons]
    why = f"; first: {wrong[0][0]}" if wrong else ""
    others = [j for j in tally.judged if j.product == name]
    right = sum(j.named and not j.missed for j in others)
    told = f"of all {len(others)} flaws on it {right} were refused by their right name"
    shown = (tally.shown[name],)
    return {
        f"S4-D2-K3/{name}": rate(
            sum(j.missed for j in pits), len(pits), digest, f"{told}; {_depths(pits)}", shown
        ),
        f"S4-D2-K3/{name}-false": rate(
            len(wrong), len(good), digest, f"{len(wrong)} of {len(good)} refused{why}"
        ),
    }


def _confusion(flaws: list[Judged], digest: str) -> Measurement:
    """Share of the flaws by their right name; what was not found has none."""
    of_kind = {kind: [j.named for j in flaws if j.flaw.kind == kind] for kind in KINDS}
    macro = float(np.mean([np.mean(v) for v in of_kind.values() if v]))
    wrong = [
        f"{j.flaw.kind} as {j.found.kind}" for j in flaws if j.found is not None and not j.named
    ]
    note = (
        f"mean over the kinds {macro:.4f}; n by kind "
        + ", ".join(f"{kind} {len(v)}" for kind, v in of_kind.items())
        + (f"; wrong: {', '.join(wrong[:6])}" if wrong else "")
    )
    named = sum(sum(v) for v in of_kind.values())
    shown = (figures.confusion(flaws),)
    return rate(named, len(flaws), digest, note, shown)


def _worst(flaws: list[Judged]) -> str:
    """The weakest find, in units of its noise, and what was missed."""
    weakest = min((j.found.snr for j in flaws if j.found is not None), default=0.0)
    missed = [
        f"{j.flaw.kind} {j.flaw.width_um:.0f} x {j.flaw.depth_um:.0f} um on {j.product}"
        for j in flaws
        if j.missed
    ]
    return f"weakest find {weakest:.0f} times its noise; missed: {', '.join(missed[:5]) or 'none'}"


def _depths(flaws: list[Judged]) -> str:
    """Depth against truth and how often the stated uncertainty covers it."""
    found = [(j.found.size, j.flaw.depth_um) for j in flaws if j.found is not None]
    if not found:
        return "no depth"
    error = np.array([size.depth_um - true for size, true in found])
    u = np.array([size.u_depth_um for size, _ in found])
    return (
        f"depth error {error.mean():+.1f} um, deviation {error.std():.1f} um, stated standard "
        f"uncertainty {u.mean():.1f} um, within two of it {np.mean(np.abs(error) < 2 * u):.0%}"
    )


def indicators() -> tuple[Indicator, ...]:
    """The rows of the products."""
    part = partial(Indicator, unit="fraction", evidence="simulated")
    miss = partial(part, comparator="<=", target=MISS)
    right = partial(part, comparator=">=", target=RIGHT)
    sizes = "pits, bumps, scratches, dents, chipped edges and particles, all beyond tolerance"
    return (
        right(
            "S4-D2-K1/accuracy",
            "At least 99 % of flaws and good parts are judged and named rightly.",
            GUIDE_K1,
            method=f"{HOW} A flaw is right where it is refused by its kind, a good part where it "
            f"passes. Flaws: {sizes}.",
        ),
        miss(
            "S4-D2-K1/miss", "At most 1 % of the flaws of all kinds are missed.", GUIDE_K1,
            method=f"{HOW} Flaws: {sizes}.",
        ),
        miss(
            "S4-D2-K2/pit-30x30x20",
            "At most 1 % of the pits of 30 x 30 um, 20 um deep, are missed.",
            GUIDE_K2,
            method=f"{HOW} Pits 30 um wide at the surface with lobed outline and flat floor, on "
            "all products.",
        ),
        miss(
            "S4-D2-K2/scratch", "At most 1 % of the scratches are missed.", GUIDE_K2,
            method=f"{HOW} Scratches 30 um wide, 8 um deep, 300 um long, with lips.",
        ),
        right(
            "S4-D2-R3/confusion", "At least 99 % of the flaws get their right kind.", GUIDE_R3,
            method=f"{HOW} Six kinds; classifier taught on the teaching family and on a generic "
            "sensor.",
        ),
        *(
            row
            for product in PRODUCTS
            for row in (
                miss(
                    f"S4-D2-K3/{product.name}",
                    f"At most 1 % of the pits of 30 x 30 x 20 um on a {product.name} are missed.",
                    GUIDE_K3,
                    method=f"{HOW} Product: {product.what}.",
                ),
                miss(
                    f"S4-D2-K3/{product.name}-false",
                    f"At most 1 % of good {product.name} parts are refused.",
                    GUIDE_K3,
                    method=f"{HOW} Good parts within their tolerances, judged whole: outline, "
                    "levels, bumps and flaws.",
                ),
            )
        ),
    )  # fmt: skip


EXPERIMENTS: tuple[Experiment, ...] = (Experiment("relief", indicators(), measure),)
