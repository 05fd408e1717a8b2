"""One short simulated drive for the tests of this folder and of integrity."""

from __future__ import annotations

from functools import cache

import numpy as np

from positioning.gnss.integrity.simulated import vehicle_of
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.epoch import NUMBERS
from positioning.gnss.rtk.pipeline import NOWHERE
from positioning.gnss.rtk.pipeline import solve as rtk_solve
from positioning.gnss.rtk.report import Epoch
from positioning.gnss.solution import Quality, Solution
from positioning.sim.gnss.scenario import Drive, Scenario, simulate


@cache
def drive() -> Drive:
    return simulate(Scenario(layout="trees", seed=131, duration_s=60.0))


@cache
def rtk():
    d = drive()
    return rtk_solve(d.rover, d.base, BroadcastOrbits(d.navigation), d.base_position_m)


def parts():
    d = drive()
    return d.rover, BroadcastOrbits(d.navigation), vehicle_of(d)


class Replayed:
    """RTK that tells a solution, whatever it is told; `heard` is what that was."""

    def __init__(self, solution: Solution) -> None:
        self.solution, self.heard = solution, []

    def epoch(self, e: int, told=NOWHERE) -> Epoch:
        s = self.solution
        self.heard.append(told)
        return Epoch(
            int(s.week[e]), float(s.tow_s[e]), s.position_m[e], s.covariance_m2[e],
            Quality(s.quality[e]), int(s.satellites[e]), float(s.age_s[e]), np.zeros(NUMBERS),
        )  # fmt: skip
