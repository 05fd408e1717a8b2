"""Simulated flaws in real height maps: what is missed on textures that nobody drew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate
from common.errors import MissingExtraError
from inspection.acceptance.relief import DEPTH_UM, GUIDE_K2, MISS, SCRATCH_UM, WIDTH_UM
from inspection.overlay import jpeg
from inspection.relief.classify import SHIPPED, shipped
from inspection.relief.picture import draw
from inspection.relief.pipeline import Result, inspect
from inspection.relief.recipes import recipe
from inspection.sim.relief.names import SENSOR

if TYPE_CHECKING:
    from inspection.sim.relief.backgrounds import Background

ID = "S4-D2-K2/real-backgrounds"
MAPS = {"quick": 2, "full": 60}  # of each background, turned and mirrored at random
SIDE_PX = 100  # at least; smaller fields are mirrored at their borders
CELL_PX = 36  # a flaw a cell
EVERY_SCRATCH = 6  # one flaw in so many is a scratch


@dataclass(slots=True)
class Tally:
    """Pits and scratches: missed and all. beside: finds on no flaw; untouched: finds on the map as
    it is, by file."""

    pits: list[bool] = field(default_factory=list)
    scratches: list[bool] = field(default_factory=list)
    beside: int = 0
    untouched: dict[str, int] = field(default_factory=dict)
    errors_um: list[float] = field(default_factory=list)
    shown: list[Picture] = field(default_factory=list)


def measure(context: Context) -> Mapping[str, Measurement]:
    """The row, or why it is not measured."""
    from inspection.sim.relief.backgrounds import FOLDER, backgrounds

    root = context.data_root
    if root is None or not (root / FOLDER).is_dir():
        return {ID: not_measured(f"the data set {FOLDER} is absent")}
    try:
        used, unused = backgrounds(root)
    except MissingExtraError as error:
        return {ID: not_measured(str(error))}
    tally, maps = Tally(), MAPS[context.size]
    for i, background in enumerate(used):
        for index in range(maps):
            context.progress(i * maps + index, len(used) * maps, "maps")
            rng = np.random.default_rng([8_000_000 + context.seed, i, index])
            judge(background, rng, tally)
        tally.untouched[background.path.name] = len(
            _inspected(background.height_um, np.random.default_rng(i)).flaws
        )
    files = context.data_hash(b.path for b in used)
    digest = content_hash(files, SHIPPED.read_bytes(), repr(tally.pits))
    names = ", ".join(f"{b.path.name} ({b.native_um:.2f} um a pixel)" for b in used)
    left = "; ".join(f"{u.path.name}: {u.reason}" for u in unused)
    note = (
        f"backgrounds {names}; depth error {np.mean(tally.errors_um):+.1f} um, deviation "
        f"{np.std(tally.errors_um):.1f} um; scratches missed {sum(tally.scratches)} of "
        f"{len(tally.scratches)}; finds beside the flaws {tally.beside}; finds on the maps as they "
        f"are {tally.untouched}; not used: {left}"
    )
    shown = tuple(tally.shown[:3])
    return {ID: rate(sum(tally.pits), len(tally.pits), digest, note, shown)}


def judge(background: Background, rng: np.random.Generator, tally: Tally) -> None:
    """Put flaws into the background, one a cell, and look for them."""
    from inspection.sim.relief.backgrounds import PITCH_UM
    from inspection.sim.relief.flaws import Flaw, carve

    height = _turned(background.height_um, rng)
    labels = np.zeros(height.shape, np.int16)
    flaws: list[Flaw] = []
    rows, columns = (n // CELL_PX for n in height.shape)
    for cell in range(rows * columns):
        row, column = divmod(cell, columns)
        x, y = ((at + 0.5 + rng.uniform(-0.15, 0.15)) * CELL_PX * PITCH_UM for at in (column, row))
        turn = float(rng.uniform(0, np.pi))
        if cell % EVERY_SCRATCH == EVERY_SCRATCH - 1:
            width, depth, _ = SCRATCH_UM
            flaw = Flaw("scratch", x, y, width, depth, 0.7 * CELL_PX * PITCH_UM, turn)
        else:
            flaw = Flaw("pit", x, y, WIDTH_UM, DEPTH_UM, 0.0, turn)
        flaws.append(flaw)
        labels[carve(height, PITCH_UM, flaw, "event", rng)] = len(flaws)
    result = _inspected(height, rng, tally, background.path.name)
    hit: dict[int, float] = {}
    for found in result.flaws:
        (r, c), half = found.size.half
        touched = labels[r, c][half]
        touched = touched[touched > 0]
        if not touched.size:
            tally.beside += 1
        elif found.refused:
            hit[int(np.bincount(touched).argmax()) - 1] = found.size.depth_um
    for i, flaw in enumerate(flaws):
        (tally.pits if flaw.kind == "pit" else tally.scratches).append(i not in hit)
        if i in hit and flaw.kind == "pit":
            tally.errors_um.append(hit[i] - DEPTH_UM)


def _inspected(
    height: NDArray[np.float32],
    rng: np.random.Generator,
    tally: Tally | None = None,
    name: str = "",
) -> Result:
    from inspection.sim.relief.backgrounds import PITCH_UM
    from inspection.sim.relief.sensing import sense, sideways

    seen = sense(height, PITCH_UM, rng)
    result = inspect(seen, recipe("surface"), shipped(), sideways())
    if tally is not None and not any(name in p.caption for p in tally.shown):
        told = f"Simulated pits and scratches in the real map {name}"
        tally.shown.append(Picture(jpeg(draw(seen, result)), told))
    return result


def _turned(height: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The map turned by quarters, mirrored and shifted in a field of seven eighths, which stays the
    same so that the sensor need not be calibrated anew."""
    turned = np.rot90(height, int(rng.integers(4)))
    if rng.random() < 0.5:
        turned = turned[:, ::-1]
    spare = [n // 8 for n in turned.shape]
    window = tuple(
        slice(at, n - left + at)
        for n, left in zip(turned.shape, spare, strict=True)
        for at in [int(rng.integers(left + 1))]
    )
    return np.array(turned[window], np.float32, order="C")


EXPERIMENTS = (
    Experiment(
        "relief-surfaces",
        (
            Indicator(
                ID,
                "At most 1 % of the 30 x 30 x 20 um pits put into real height maps are missed.",
                GUIDE_K2,
                "fraction",
                "<=",
                MISS,
                "simulated",
                "Simulated pits of the judging family in three real, public profilometer maps, "
                "averaged over areas onto 5 um, turned, mirrored and cropped at random, then seen "
                f"by {SENSOR}. Pits on one map share its texture.",
            ),
        ),
        measure,
    ),
)
