"""A simulated height sensor's maps on the disk: what a line would lay before `relief`.

ROOT/NUMBER.npz    height_um, sigma_um, um_per_px of one part
ROOT/truth.jsonl   one line a map: the flaws that are really in it, in um of the map
ROOT/sensor.json   what the sensor does sideways, measured on steps and gauge blocks
ROOT/station.json  what all of it follows from; simulated, and it says so

The order is written first and the truth last: where there is no truth yet, a call was interrupted,
and the same order begins anew there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from common.errors import LingnanError
from common.lock import alone
from common.progress import Tell
from common.types.heightmap import HeightMap
from inspection.relief import sensorfile
from inspection.relief.classify import KINDS
from inspection.relief.recipes import PRODUCTS, recipe
from inspection.sim.regimes import REGIMES
from inspection.sim.relief.flaws import Flaw
from inspection.sim.relief.products import PIXEL_UM
from inspection.sim.relief.sensing import sense, sideways
from inspection.sim.relief.trial import Lot, scenes

MOST_FLAWS = 2  # of a defective part


class MapsError(LingnanError):
    """The maps cannot be measured, or cannot be written there."""


@dataclass(frozen=True, slots=True)
class MapOrder:
    """product: a recipe's name. good, defective: how many parts; the good ones come first."""

    product: str
    good: int = 2
    defective: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        known = [one.name for one in PRODUCTS]
        if self.product not in known:
            raise MapsError(f"{self.product!r} is not one of {', '.join(known)}")
        if min(self.good, self.defective, self.seed) < 0:
            raise MapsError("counts and seed are 0 or more")


def write(out: Path, order: MapOrder, tell: Tell) -> int:
    """Write the parts' maps; how many. MapsError where `out` holds something already that is not
    what an interrupted call left of the same order."""
    told = json.dumps({"simulated": True, **asdict(order)}, indent=1) + "\n"
    total, truth = order.good + order.defective, []
    with alone(out):
        if any(out.iterdir()) and not _was_interrupted(out, told):
            raise MapsError(f"{out} is not empty: name another folder")
        (out / "station.json").write_text(told, encoding="utf-8")
        sensorfile.write(out / "sensor.json", sideways())
        for number, (seen, flaws) in enumerate(measured(order)):
            name = f"{number:03d}.npz"
            assert seen.sigma_um is not None  # the fringe sensor tells it
            np.savez(
                out / name,
                height_um=seen.height_um,
                sigma_um=seen.sigma_um,
                um_per_px=np.float64(seen.um_per_px),
            )
            truth.append(json.dumps({"file": name, "flaws": [asdict(flaw) for flaw in flaws]}))
            tell(number + 1, total, "measuring parts")
        (out / "truth.jsonl").write_text("".join(f"{line}\n" for line in truth), encoding="utf-8")
    return total


def _was_interrupted(out: Path, told: str) -> bool:
    station = out / "station.json"
    if (out / "truth.jsonl").exists() or not station.is_file():
        return False
    return station.read_bytes() == told.encode()


def measured(order: MapOrder) -> Iterator[tuple[HeightMap, tuple[Flaw, ...]]]:
    """Each part through the fringe sensor, and the flaws in it; follows from the order alone."""
    for number in range(order.good + order.defective):
        rng = np.random.default_rng([order.seed, number, 8])
        count = 0 if number < order.good else int(rng.integers(1, MOST_FLAWS + 1))
        wanted = tuple(KINDS[k] for k in rng.permutation(len(KINDS))[:count])
        family, seed = REGIMES["judge"].family, int(rng.integers(2**31))
        scene = next(scenes(Lot(recipe(order.product), family, seed, 1, wanted)))
        yield sense(scene.part.height_um, PIXEL_UM, scene.rng), scene.flaws
