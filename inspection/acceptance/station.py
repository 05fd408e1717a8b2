"""The simulated station: what is missed and what is falsely rejected, per material, geometry and
kind.

Frames come from the camera driver in the judging regime: other texture generators, other seeds and
another lens and noise than those the networks learned from. Each material has a network of its own,
and each of its geometries a threshold that came with it and was chosen on a third draw. Every
defect is judged on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate
from common.acceptance.statistics import clopper_pearson
from inspection.acceptance.crops import Crops
from inspection.models.fcn import Fcn
from inspection.models.shipped import learned, network
from inspection.sim.names import CHINESE, GEOMETRIES, GEOMETRY_CHINESE, SHAPE

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.trial import Judged, Lot

SMALLEST_UM = 30.0  # the guide's own size for points
STATED_UM = {"point": SMALLEST_UM, "scratch": 30.0, "stain": 400.0}
PER_PART = {"point": 49, "scratch": 16, "stain": 16}
POD_UM = (10.0, 15.0, 20.0, 25.0, 40.0, 60.0)
MISS, FALSE = 0.003, 0.01
UNLEARNED = "simulated, but no shipped network has learned this material and shape"
GUIDE_K3 = "最小能检测点瑕疵不小于30 um*30 um, 漏检率不高于0.3%"
WHAT = {
    "point": "pits, bumps and inclusions of 30 um diameter, relief 0.15 to 0.4 of it",
    "scratch": "scratches 30 um wide, 2.4 to 6 um deep, 0.4 to 1.2 mm long",
    "stain": "dried films of 400 um, 50 to 150 nm thick, absorbance 0.03 to 0.12",
}
PLURAL = {"point": "points", "scratch": "scratches", "stain": "stains"}
HOW = (
    "Camera driver over the simulated station in the judging regime, 10 um a pixel, 1024 x 1024, "
    "the material's int8 network at the threshold that came with it for the geometry. A defect "
    "counts as found where the map reaches the threshold over it or within 80 um; each is judged "
    "alone."
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Parts of each lot. other_sizes: of each size of points in pod_um, which draws the curve."""

    smallest: int
    other_sizes: int
    scratches: int
    stains: int
    good: int
    pod_um: tuple[float, ...] = ()


SIZES = {
    "quick": Numbers(4, 1, 3, 3, 6, POD_UM[::2]),
    "full": Numbers(24, 4, 64, 64, 480, POD_UM),
}
CURVED_SIZES = {"quick": Numbers(1, 0, 1, 1, 4), "full": Numbers(21, 0, 63, 63, 300)}


def numbers(size: str, geometry: str) -> Numbers:
    """Parts of an experiment of this size."""
    return (SIZES if geometry == "flat" else CURVED_SIZES)[size]


@dataclass(slots=True)
class Tally:
    """Counts and what they came from. by_size: size in um -> scores of the points of that size."""

    threshold: float
    by_size: dict[float, list[float]] = field(default_factory=dict)
    by_kind: dict[str, list[float]] = field(default_factory=dict)
    good: list[float] = field(default_factory=list)
    beside: int = 0
    crops: Crops = field(default_factory=Crops)

    def add(self, lot: Lot, part: Judged) -> None:
        """One part of a lot."""
        scores = [float(s) for s in part.scores]
        if lot.per_part == 0:
            self.good.append(part.beside)
        else:
            self.beside += part.beside >= self.threshold
        if lot.kind == "point" and lot.per_part:
            self.by_size.setdefault(lot.size_um, []).extend(scores)
        if lot.per_part and lot.size_um == STATED_UM[lot.kind]:
            self.by_kind.setdefault(lot.kind, []).extend(scores)
        self.crops.keep(lot, part, self.threshold)

    def missed(self, scores: list[float]) -> int:
        """How many scores lie under the threshold."""
        return sum(score < self.threshold for score in scores)


def lots(material: str, parts: Numbers, seed: int, geometry: str = "flat") -> Iterator[Lot]:
    """What is put on the station. Seeds of one run do not meet those of another cell."""
    from inspection.sim.trial import Lot

    base = 1_000_000 + 10_000 * seed + 1_000 * list(CHINESE).index(material)
    base += 100 * GEOMETRIES[material].index(geometry)
    make = partial(Lot, material, "judge", geometry=geometry)
    yield make(base, parts.smallest, "point", SMALLEST_UM, PER_PART["point"])
    for i, size in enumerate(parts.pod_um):
        yield make(base + 1 + i, parts.other_sizes, "point", size, PER_PART["point"])
    yield make(base + 20, parts.scratches, "scratch", STATED_UM["scratch"], PER_PART["scratch"])
    yield make(base + 21, parts.stains, "stain", STATED_UM["stain"], PER_PART["stain"])
    yield make(base + 22, parts.good)


def measure(material: str, context: Context) -> Mapping[str, Measurement]:
    """All rows of one material; those of what no network has learned say so."""
    found = {row.id: not_measured(UNLEARNED) for row in indicators(material)}
    for geometry in learned().get(material, ()):
        found |= _judged(material, geometry, context)
    return found


def _judged(material: str, geometry: str, context: Context) -> dict[str, Measurement]:
    """The rows of one geometry."""
    from inspection.sim.trial import judge

    model, threshold = network(material, geometry)
    net, tally = Fcn(model.payload), Tally(threshold)
    todo = list(lots(material, numbers(context.size, geometry), context.seed, geometry))
    total, done = sum(lot.parts for lot in todo), 0
    for lot in todo:
        for part in judge(lot, net.logits):
            tally.add(lot, part)
            done += 1
            context.progress(done, total, f"{SHAPE[geometry]} {material}, parts")
    return rows(material, tally, content_hash(model.card.sha256, repr(todo)), geometry)


def rows(
    material: str, tally: Tally, digest: str, geometry: str = "flat"
) -> dict[str, Measurement]:
    """Measurements by indicator id: of every kind, of false rejects, and of flat parts' points."""
    false = sum(score >= tally.threshold for score in tally.good)
    note = f"{false} of {len(tally.good)} good parts rejected; {tally.beside} parts with defects "
    note += "also had a find beside them"
    found = {false_id(material, geometry): rate(false, len(tally.good), digest, note)}
    if geometry == "flat":
        smallest = tally.by_size[SMALLEST_UM]
        shown = (*tally.crops.figures(), pod(material, tally), separation(material, tally))
        note = (
            f"weakest of {len(smallest)} points {min(smallest):.1f}, strongest of "
            f"{len(tally.good)} good parts {max(tally.good):.1f}, "
            f"threshold {tally.threshold:.1f} (logits)"
        )
        missed = tally.missed(smallest)
        found[f"S4-D1-K3/{material}"] = rate(missed, len(smallest), digest, note, shown)
    for kind, scores in tally.by_kind.items():
        told = f"weakest {min(scores):.1f}, threshold {tally.threshold:.1f} (logits)"
        pictures = tally.crops.figures(kind)
        found[cell(material, kind, geometry)] = rate(
            tally.missed(scores), len(scores), digest, told, pictures
        )
    return found


def cell(material: str, kind: str, geometry: str = "flat") -> str:
    """Indicator id of a material, a geometry and a kind of defect."""
    host = material if geometry == "flat" else f"{material}-{geometry}"
    return f"S4-D1-R4/{host}-{kind}"


def false_id(material: str, geometry: str) -> str:
    """Indicator id of the good parts of a material and a geometry that are rejected."""
    return f"S4-D1-K3/{material}-false" if geometry == "flat" else cell(material, "false", geometry)


def pod(material: str, tally: Tally) -> Figure:
    """Probability of detection over size, with the two-sided 95 % band of each size."""
    sizes = sorted(tally.by_size)
    counts = [(len(s) - tally.missed(s), len(s)) for s in (tally.by_size[z] for z in sizes)]
    bands = [clopper_pearson(k, n) for k, n in counts]
    n_text = f"n = {min(n for _, n in counts)} to {max(n for _, n in counts)} a size"
    series = Series(
        n_text,
        sizes,
        [k / n for k, n in counts],
        [low for low, _ in bands],
        [high for _, high in bands],
    )
    title = f"Probability of detection of points on {material}"
    lines = (ReferenceLine("30 um", SMALLEST_UM, "x"), ReferenceLine("99.7 %", 1 - MISS))
    return Plot(title, "diameter [um]", "share found", (series,), lines=lines)


def separation(material: str, tally: Tally) -> Figure:
    """How far the scores of good parts and of the smallest points lie apart."""
    curves = [
        Series(name, np.sort(scores), (np.arange(len(scores)) + 1) / len(scores), kind="step")
        for name, scores in (("good parts", tally.good), ("points", tally.by_size[SMALLEST_UM]))
    ]
    lines = (ReferenceLine("threshold", tally.threshold, "x"),)
    title = f"Scores of good parts and 30 um points on {material}"
    return Plot(title, "highest logit", "share at or below", tuple(curves), lines=lines)


def indicators(material: str) -> tuple[Indicator, ...]:
    """The rows of one material."""
    smallest = Indicator(
        f"S4-D1-K3/{material}",
        f"At most 0.3 % of the points of 30 um on {material} are missed.",
        GUIDE_K3,
        "fraction",
        "<=",
        MISS,
        "simulated",
        f"{HOW} Defects: {WHAT['point']}.",
    )
    each = (row for geometry in GEOMETRIES[material] for row in _of_geometry(material, geometry))
    return (smallest, *each)


def _of_geometry(material: str, geometry: str) -> Iterator[Indicator]:
    """False rejects and every kind of defect on one geometry."""
    row = partial(Indicator, unit="fraction", comparator="<=", evidence="simulated")
    host = material if geometry == "flat" else f"{SHAPE[geometry]} {material}"
    yield row(
        false_id(material, geometry),
        f"At most 1 % of good {host} parts are rejected at that threshold.",
        GUIDE_K3,
        target=FALSE,
        method="Good parts of 10.2 x 10.2 mm; rejected where the map reaches the threshold.",
    )
    for kind, plural in PLURAL.items():
        yield row(
            cell(material, kind, geometry),
            f"At most 0.3 % of the {plural} on {host} are missed.",
            f"不少于4类工件：{CHINESE[material]}（{GEOMETRY_CHINESE[geometry]}）",
            target=MISS,
            method=f"{HOW} Defects: {WHAT[kind]}.",
        )


EXPERIMENTS = tuple(
    Experiment(f"station-{material}", indicators(material), partial(measure, material))
    for material in CHINESE
)
