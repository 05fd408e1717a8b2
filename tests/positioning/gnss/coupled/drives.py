"""One short simulated drive for the tests of this folder and of integrity."""

from __future__ import annotations

from functools import cache

from positioning.gnss.integrity.simulated import vehicle_of
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.pipeline import solve as rtk_solve
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
