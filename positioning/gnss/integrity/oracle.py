"""What an estimate in real time could be at best, if it knew which satellites are reflected.

`python -m positioning.gnss.integrity.oracle` solves simulated development drives in real time
twice: as they are, and without any signal that a wall or a deck hides, as only an oracle can tell.
What the second cannot do, no test of reflections can.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.errors import CoupledError
from positioning.gnss.integrity.assess import F64
from positioning.gnss.integrity.simulated import errors_m, solved
from positioning.gnss.rtk.errors import RtkError
from positioning.gnss.single.solve import NoPositionError
from positioning.gnss.solution import Quality
from positioning.gnss.variance.network import unseen
from positioning.sim.gnss.scenario import Drive, Scenario, simulate

LAYOUTS = ("canyon", "avenue", "viaduct")
SEEDS = range(31, 35)
DURATION_S = 40.0
MISSING_M = 1e3


class Start(NamedTuple):
    """One drive. direct: (E,) satellites in direct sight; enough: (E,) whether they alone tell a
    place, 3 coordinates and a clock for each system. told_m, oracle_m: (E,) horizontal errors in
    real time as it is, and to an oracle. first_s: of the first fix of each, inf without."""

    direct: F64
    enough: F64
    told_m: F64
    oracle_m: F64
    first_s: tuple[float, float]


def start(layout: str, seed: int, duration_s: float = DURATION_S) -> Start:
    """A simulated drive, solved twice."""
    drive = simulate(Scenario(layout=layout, seed=seed, duration_s=duration_s))
    direct, enough = in_sight(drive)
    told_m, first_s = _solved(drive, drive)
    oracle_m, oracle_s = _solved(only_direct(drive), drive)
    return Start(direct, enough, told_m, oracle_m, (first_s, oracle_s))


def in_sight(drive: Drive) -> tuple[F64, F64]:
    """(E,) satellites in direct sight, and 1 where they alone tell a place."""
    epochs, seen = len(drive.rover), drive.truth.line_of_sight
    epoch, satellite = drive.rover.epoch_of_row[seen], drive.rover.satellite[seen]
    count = np.bincount(epoch, minlength=epochs)
    systems = np.unique(np.column_stack((epoch, satellite // 100)), axis=0)[:, 0]
    clocks = np.bincount(systems, minlength=epochs)
    return count.astype(np.float64), (count >= 3 + clocks).astype(np.float64)


def only_direct(drive: Drive) -> Drive:
    """The drive without the rover's rows that are hidden; its truth stays of all rows."""
    return replace(drive, rover=drive.rover.where(drive.truth.line_of_sight))


def _solved(told: Drive, drive: Drive) -> tuple[F64, float]:
    """(E,) horizontal errors in real time, and when the first fix came."""
    try:
        _, _, coupled = solved(told, "realtime", unseen(drive.scenario.layout))
    except (RtkError, CoupledError, NoPositionError):  # never satellites enough
        return np.full(len(drive.rover), MISSING_M), np.inf
    off = errors_m(coupled.solution.position_m, drive)
    flat = np.nan_to_num(np.hypot(off[:, 0], off[:, 1]), nan=MISSING_M)
    fixed = np.flatnonzero(coupled.solution.quality == Quality.FIX)
    return flat, float(drive.truth.time_s[fixed[0]]) if len(fixed) else np.inf


def told(found: Start) -> str:
    """A drive in a line."""
    before = drive_before(found)
    return (
        f"95 % within {np.quantile(found.told_m, 0.95):8.2f} m, oracle "
        f"{np.quantile(found.oracle_m, 0.95):8.2f} m; first fix {found.first_s[0]:5.1f} s, oracle "
        f"{found.first_s[1]:5.1f} s; before it {np.median(found.direct[before]):4.1f} satellites "
        f"in sight, enough in {found.enough[before].mean():4.0%} of epochs; "
        f"{blind(found).mean():4.0%} of all come before there ever were enough"
    )


def blind(found: Start) -> NDArray[np.bool_]:
    """(E,) epochs up to which direct signals, all together, never told a place."""
    return np.asarray(np.cumsum(found.enough) == 0)


def drive_before(found: Start) -> slice:
    """The epochs before the first fix as it is, or the first one alone."""
    rate = len(found.direct) / DURATION_S
    return slice(0, max(1, int(min(found.first_s[0], DURATION_S) * rate)))


def main() -> None:
    """Every drive, and all of them."""
    every = []
    for layout in LAYOUTS:
        for seed in SEEDS:
            every.append(start(layout, seed))
            print(f"{layout} {seed}: {told(every[-1])}", flush=True)
    as_is, oracle = (np.concatenate([getattr(s, n) for s in every]) for n in ("told_m", "oracle_m"))
    print(f"all: 95 % within {np.quantile(as_is, 0.95):.2f} m, "
          f"oracle {np.quantile(oracle, 0.95):.2f} m; "
          f"{np.concatenate([blind(s) for s in every]).mean():.1%} of {len(oracle)} epochs come "
          "before there were satellites enough in sight")  # fmt: skip


if __name__ == "__main__":
    main()
