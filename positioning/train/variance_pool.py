"""Simulated drives to learn variances from: signs of each signal, and how far off it was.

Receivers differ from drive to drive in rate, loops and filters, for no two makers' are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.variance.signs import Watcher
from positioning.sim.gnss.receiver import Receiver
from positioning.sim.gnss.scenario import Drive, Scenario, simulate
from positioning.sim.gnss.signals import PAIRS
from positioning.sim.gnss.tracking import Loops

F32 = NDArray[np.float32]

CITIES = ("open", "avenue", "canyon", "old-town", "trees", "viaduct")
FIRST_SEED = 2_000_000
_KEPT = 20_000  # rows of a drive: more of them tell the same


class Pool(NamedTuple):
    """signs: (M, SIGNS). error_m: (M, 2) of code and phase. city: (M,) index into CITIES."""

    signs: F32
    error_m: F32
    city: NDArray[np.int8]

    def of(self, cities: Sequence[str]) -> Pool:
        """Rows of some cities."""
        here = np.isin(self.city, [CITIES.index(name) for name in cities])
        return Pool(self.signs[here], self.error_m[here], self.city[here])


def drives(each: int, duration_s: float, seed: int) -> Iterator[tuple[str, Drive]]:
    """`each` drives of every kind of city."""
    for k in range(each):
        for name in CITIES:
            number = FIRST_SEED + 10_000 * seed + 100 * k + CITIES.index(name)
            rover = _receiver(np.random.default_rng([number, 5]))
            scenario = Scenario(layout=name, seed=number, duration_s=duration_s, rover=rover)
            yield name, simulate(scenario)


def pool(each: int, duration_s: float, seed: int) -> Pool:
    """What drives of all cities say; the error is what came out of the loops, with no bias that
    all of an epoch's signals share taken off."""
    parts = []
    rng = np.random.default_rng([seed, 9])
    for name, drive in drives(each, duration_s, seed):
        told = Watcher(BroadcastOrbits(drive.navigation)).signs(drive.rover)
        if told is None:
            continue
        slots = list(PAIRS[drive.scenario.rover.pair])
        has = np.isfinite(drive.rover.code_m[:, slots])
        error = np.stack((drive.truth.code_error_m[has], drive.truth.carrier_error_m[has]), 1)
        rows = np.flatnonzero(np.isfinite(error).all(axis=1))
        rows = rng.choice(rows, min(_KEPT, len(rows)), replace=False)
        city = np.full(len(rows), CITIES.index(name), np.int8)
        parts.append(Pool(told[:, slots][has][rows], error[rows].astype(np.float32), city))
    return Pool(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def _receiver(rng: np.random.Generator) -> Receiver:
    loops = Loops(
        code_hz=float(rng.uniform(0.25, 1.5)), carrier_hz=float(rng.uniform(10, 18)),
        memory_s=float(rng.uniform(0.2, 1.0)), lose_dbhz=float(rng.uniform(18, 25)),
        acquire_dbhz=float(rng.uniform(25, 30)),
    )  # fmt: skip
    return Receiver(
        rate_hz=float(rng.choice([1.0, 5.0, 5.0])), pair=str(rng.choice(["L1L2", "L1L5"])),
        loops=loops, rounding_m=(float(rng.uniform(6, 20)), float(rng.uniform(3, 8))),
    )  # fmt: skip
