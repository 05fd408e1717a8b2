"""What is said of a found region: its kind, and its size with a stated uncertainty.

Parts of the judging regime through the camera driver; the head that names and measures was taught
on the training regime through another sensor. Every defect that is found is judged, also where its
region took in a neighbour or the host; what is not found is the affair of the rows on misses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate
from inspection.acceptance import regions_figures as figures
from inspection.methods.segment import Segment, station_method
from inspection.models.shipped import flat
from inspection.pipeline import Region, um_regions
from inspection.regions.head import SHIPPED

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.defects import Defect
    from inspection.sim.scene import Truth

KINDS = ("point", "scratch", "stain")
SIDE_PX = 512
SIZES_UM: dict[str, tuple[float, ...]] = {
    "point": (30.0, 45.0, 70.0, 120.0),
    "scratch": (25.0, 35.0, 50.0),
    "stain": (300.0, 500.0, 800.0),
}
PER_PART = {"point": 16, "scratch": 4, "stain": 4}
PARTS = {"quick": 1, "full": 24}  # of each kind and material
SEED = 6_000_000
TOLERANCE_PX = 8
RIGHT, COVERED = 0.95, 0.90
GUIDE = "缺陷检测与类型识别"
HOW = (
    "Camera driver over the simulated station in the judging regime, 10 um a pixel, shipped int8 "
    "network at its threshold; points of 30 to 120 um, scratches 25 to 50 um wide, stains of 300 "
    "to 800 um on " + ", ".join(flat()) + ". "
)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A defect and the region found of it. length_um: extent of its mask."""

    material: str
    defect: Defect
    length_um: float
    found: Region

    @property
    def lengths(self) -> tuple[tuple[float, float, float], ...]:
        """(true, stated, its standard uncertainty) in um: diameter, or length and width."""
        size, u = self.found.size_um or 0.0, self.found.u_size_um or 0.0
        if self.defect.kind != "scratch":
            return ((self.defect.size_um, size, u),)
        along = (self.length_um, size, u)
        if self.found.width_um is None or self.found.u_width_um is None:
            return (along,)
        return (along, (self.defect.size_um, self.found.width_um, self.found.u_width_um))


@dataclass(slots=True)
class Tally:
    """What was judged; lost: defects that the network did not find."""

    judged: list[Judged] = field(default_factory=list)
    lost: int = 0
    shown: list[Figure] = field(default_factory=list)


def measure(context: Context) -> Mapping[str, Measurement]:
    """Both rows."""
    tally, parts = Tally(), PARTS[context.size]
    total, done = len(flat()) * len(KINDS) * parts, 0
    for m, material in enumerate(flat()):
        method = station_method(material)
        if method.head is None:
            reason = "no classifier of regions: run `python -m inspection.train.region_kinds`"
            return {row.id: not_measured(reason) for row in INDICATORS}
        for k, kind in enumerate(KINDS):
            seed = SEED + 100_000 * context.seed + 1_000 * m + 100 * k
            for frame, truth in frames(material, kind, seed, parts):
                count(tally, method, material, frame, truth)
                done += 1
                context.progress(done, total, f"{material}, parts")
    return rows(tally, content_hash(SHIPPED.read_bytes(), f"{context.seed} {parts}"))


def frames(
    material: str, kind: str, seed: int, parts: int
) -> Iterator[tuple[NDArray[np.uint8], Truth]]:
    """Frames from the camera driver, each with the truth of its part."""
    from common.drivers.registry import open_driver
    from inspection.sim.scene import station_scene
    from inspection.sim.trial import Lot

    parameters = {
        **Lot(material, "judge", seed, parts, kind, 30.0, PER_PART[kind]).parameters,
        "sizes_um": list(SIZES_UM[kind]),
        "side_px": SIDE_PX,
    }
    scene = station_scene(**parameters)  # type: ignore[arg-type]
    config = Lot(material, "judge", seed, parts).camera()
    told = {"parameters": parameters, "height_px": SIDE_PX, "width_px": SIDE_PX}
    with open_driver(config.model_copy(update=told)) as camera:
        for part in range(parts):
            yield camera.read(timeout_s=300.0).value.pixels, scene.truth(part)


def count(
    tally: Tally, method: Segment, material: str, frame: NDArray[np.uint8], truth: Truth
) -> None:
    """One part into the tally."""
    from inspection.sim.scene import PIXEL_UM

    regions = um_regions(method.inspect(frame), PIXEL_UM)
    for i, defect in enumerate(truth.defects):
        mask = truth.labels == i + 1
        own = owner(mask, regions)
        if own is None:
            tally.lost += 1
            continue
        tally.judged.append(Judged(material, defect, extent_px(mask) * PIXEL_UM, own))
    if truth.defects and len(tally.shown) < len(flat()) * len(KINDS):
        kind = truth.defects[0].kind
        tally.shown.append(figures.sample(frame, regions, f"{kind}s on {material}"))


def owner(mask: NDArray[np.bool_], regions: tuple[Region, ...]) -> Region | None:
    """The region that covers most of a defect; None where none touches it."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * TOLERANCE_PX + 1,) * 2, np.uint8))
    shares = []
    for region in regions:
        x0, y0, x1, y1 = map(int, region.box_px)
        shares.append(int(near[y0:y1, x0:x1].sum()))
    if not shares or max(shares) == 0:
        return None
    return regions[int(np.argmax(shares))]


def extent_px(mask: NDArray[np.bool_]) -> float:
    """Extent of a mask along its principal axis."""
    points = np.argwhere(mask).astype(np.float64)
    if len(points) < 3:
        return float(len(points))
    _, axes = np.linalg.eigh(np.cov(points.T))
    return float(np.ptp(points @ axes[:, 1])) + 1.0


def rows(tally: Tally, digest: str) -> dict[str, Measurement]:
    """Measurements by indicator id."""
    if not tally.judged:
        return {row.id: not_measured("no defect was found") for row in INDICATORS}
    judged = tally.judged
    right = sum(j.found.kind == j.defect.kind for j in judged)
    table = {kind: [j.found.kind for j in judged if j.defect.kind == kind] for kind in KINDS}
    wrong = [f"{j.defect.kind} on {j.material} as {j.found.kind}" for j in judged
             if j.found.kind != j.defect.kind]  # fmt: skip
    told = ", ".join(f"{kind} {v.count(kind)} of {len(v)}" for kind, v in table.items())
    lost = f"{tally.lost} more were not found"
    kinds = f"{told}; {lost}" + (f"; wrong: {', '.join(wrong[:6])}" if wrong else "")
    lengths = [one for j in judged for one in j.lengths]
    within = sum(abs(true - stated) <= 2 * u for true, stated, u in lengths)
    return {
        KIND.id: rate(
            right, len(judged), digest, kinds, (figures.confusion(table), *tally.shown[:4])
        ),
        SIZE.id: rate(within, len(lengths), digest, _errors(judged), (figures.lengths(judged),)),
    }


def _errors(judged: list[Judged]) -> str:
    """Bias, spread and stated uncertainty of each length, in um."""
    told = []
    for name, pick in figures.LENGTHS.items():
        some = np.array([one for j in judged for one in pick(j)])
        if len(some):
            error = some[:, 1] - some[:, 0]
            covered = float(np.mean(np.abs(error) <= 2 * some[:, 2]))
            told.append(
                f"{name}: bias {error.mean():+.1f} um (median {np.median(error):+.1f}), typical "
                f"stated uncertainty {np.median(some[:, 2]):.1f} um, within two of it "
                f"{covered:.0%} of {len(some)}"
            )
    return "; ".join(told)


KIND = Indicator(
    "S4-D1-R3/region-kinds",
    "At least 95 % of the defects that are found get their right kind.",
    GUIDE,
    "fraction",
    ">=",
    RIGHT,
    "simulated",
    f"{HOW}Right where the region that covers most of a defect has its kind; a region that is "
    "called other is wrong.",
)
SIZE = Indicator(
    "S4-D1-R3/region-size",
    "At least 90 % of the stated sizes lie within two stated standard uncertainties of the truth.",
    GUIDE,
    "fraction",
    ">=",
    COVERED,
    "simulated",
    f"{HOW}Diameters of points and stains, lengths and widths of scratches; the truth is the "
    "drawing's, a scratch's length the extent of its exact mask.",
)
INDICATORS = (KIND, SIZE)
EXPERIMENTS: tuple[Experiment, ...] = (Experiment("regions", INDICATORS, measure),)
