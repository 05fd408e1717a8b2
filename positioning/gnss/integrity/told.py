"""What it is worth to tell RTK with hindsight: `python -m positioning.gnss.integrity.told`.

Simulated development drives in batch, by RTK that is told nothing, and by RTK told where the rest
of the drive expects the antenna.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from positioning.gnss.coupled.outcome import Coupled
from positioning.gnss.integrity.calibrate import WRONG_M
from positioning.gnss.integrity.simulated import errors_m, solved, untold
from positioning.gnss.solution import Quality, Solution
from positioning.gnss.variance.network import unseen
from positioning.sim.gnss.scenario import Drive, Scenario, simulate

LAYOUTS = ("canyon", "avenue", "viaduct")
SEEDS = range(41, 50)
DURATION_S = 120.0


class Counts(NamedTuple):
    """Of one drive or several: epochs; fixes of RTK, of these wrong; fixes that the coupled
    estimate believes, of these wrong."""

    epochs: int
    fixed: int
    wrong: int
    believed: int
    believed_wrong: int


def worth(layout: str, seed: int, duration_s: float = DURATION_S) -> tuple[Counts, Counts]:
    """A simulated drive: without telling, and with."""
    drive = simulate(Scenario(layout=layout, seed=seed, duration_s=duration_s))
    found = (solve(drive, model=unseen(layout)) for solve in (untold, solved))
    before, after = (counted(drive, rtk, coupled) for rtk, _, coupled in found)
    return before, after


def counted(drive: Drive, rtk: Solution, coupled: Coupled) -> Counts:
    """Fixes of both against the drive's truth."""
    told = (rtk, coupled.solution)
    fixed = [s.quality == Quality.FIX for s in told]
    wrong = [np.linalg.norm(errors_m(s.position_m, drive), axis=1) > WRONG_M for s in told]
    both = [(int(f.sum()), int((f & w).sum())) for f, w in zip(fixed, wrong, strict=True)]
    return Counts(len(rtk), *both[0], *both[1])


def main() -> None:
    """Every city."""
    for layout in LAYOUTS:
        drives = [worth(layout, seed) for seed in SEEDS]
        for name, some in zip(("by itself", "told"), zip(*drives, strict=True), strict=True):
            c = Counts(*map(sum, zip(*some, strict=True)))
            print(
                f"{layout}, RTK {name}: {len(drives)} drives, {c.epochs} epochs, {c.fixed} fixes, "
                f"{c.wrong} wrong; believed {c.believed}, {c.believed_wrong} wrong", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
