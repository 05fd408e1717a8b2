"""What wide lanes are worth: `python -m positioning.gnss.integrity.wide`.

Simulated development drives by RTK alone, with wide lanes told and without; whatever differs are
epochs that were not fixed and that wide lanes told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from positioning.gnss.integrity.assess import F64
from positioning.gnss.integrity.calibrate import WRONG_M
from positioning.gnss.integrity.simulated import errors_m, rtk_alone
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.solution import Quality
from positioning.gnss.variance.network import unseen, variances
from positioning.sim.gnss.scenario import Scenario, simulate

LAYOUTS = ("canyon", "avenue", "viaduct")
SEEDS = range(31, 37)
DURATION_S = 120.0


class Worth(NamedTuple):
    """One drive: epochs; how many were fixed, how many stayed float; of these told by wide lanes
    the errors without and with them (K,), m."""

    epochs: int
    fixed: int
    floats: int
    without_m: F64
    with_m: F64


def worth(layout: str, seed: int, duration_s: float = DURATION_S) -> Worth:
    """A simulated drive, solved twice."""
    drive = simulate(Scenario(layout=layout, seed=seed, duration_s=duration_s))
    orbits = BroadcastOrbits(drive.navigation)
    learned = variances(drive.rover, orbits, unseen(layout))
    plain, wide = (rtk_alone(drive, orbits, learned, wide_lanes=told)[0] for told in (False, True))
    off, near = (np.linalg.norm(errors_m(s.position_m, drive), axis=1) for s in (plain, wide))
    told = np.abs(near - off) > 0
    kinds = plain.quality
    return Worth(
        len(kinds), int((kinds == Quality.FIX).sum()), int((kinds == Quality.FLOAT).sum()),
        off[told], near[told],
    )  # fmt: skip


def main() -> None:
    """Every city."""
    for layout in LAYOUTS:
        drives = [worth(layout, seed) for seed in SEEDS]
        epochs, fixed, floats = (sum(column) for column in list(zip(*drives, strict=True))[:3])
        off, near = (np.concatenate([getattr(d, n) for d in drives]) for n in Worth._fields[3:])
        print(
            f"{layout}: {len(drives)} drives, {epochs} epochs, {fixed} fixed, {floats} float; by "
            f"wide lanes {len(near)}, {(near > WRONG_M).sum()} over {WRONG_M} m off, "
            f"{(off > WRONG_M).sum()} without", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
