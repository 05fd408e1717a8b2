"""A drive: a city, a sky, a car with its sensors, and a base station, all from one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.navigation import NavigationMessages
from positioning.gnss.observations import Observations
from positioning.sim.gnss import air as atmosphere
from positioning.sim.gnss import clocks, imu, place, rays, sky, vehicle, wheel
from positioning.sim.gnss.antenna import CHOKE_RING, IDEAL, RING_CENTRE, PhaseCentre
from positioning.sim.gnss.city import Array, City
from positioning.sim.gnss.imu import ImuGrade, ImuRecord
from positioning.sim.gnss.layouts import LAYOUTS, build
from positioning.sim.gnss.place import Place
from positioning.sim.gnss.receiver import Receiver, Truth, observe
from positioning.sim.gnss.sky import Sky
from positioning.sim.gnss.tracking import Loops
from positioning.sim.gnss.wheel import WheelGrade, WheelRecord

KINDS = ("open", "street", "canyon", "trees", "viaduct")
"""Of surroundings; the index is the number in Drive.kind."""

_MAST_M = 1.5  # the base's antenna over its roof
_BASE_LOOPS = Loops(code_hz=0.25, carrier_hz=10.0, lose_dbhz=28.0, acquire_dbhz=32.0)
BASE = Receiver(
    rate_hz=1.0, pattern=CHOKE_RING, centre=RING_CENTRE, loops=_BASE_LOOPS, strength_db=0.5
)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What is simulated; all draws follow from `seed`.

    layout: name in layouts.LAYOUTS. origin_deg: latitude, longitude of the city. start: GPS week
    and second. lever_m: of the antenna from the rear axle, body axes. base_m: east, north, up of
    the station from the city's middle. systems: RINEX letters. sky: a source of satellites (the
    made-up one without it). is_moving, air, noise: for what needs less than life.
    """

    layout: str = "canyon"
    seed: int = 0
    duration_s: float = 300.0
    origin_deg: tuple[float, float] = (23.13, 113.32)
    start: tuple[int, float] = (2320, 115_200.0)
    systems: str = "GEC"
    rover: Receiver = field(default_factory=Receiver)
    base: Receiver = BASE
    base_m: tuple[float, float, float] = (-2900.0, 2100.0, 60.0)
    lever_m: tuple[float, float, float] = (0.9, 0.12, 1.05)
    imu: ImuGrade = field(default_factory=ImuGrade)
    wheel: WheelGrade = field(default_factory=WheelGrade)
    sky: Sky | None = None
    is_moving: bool = True
    has_air: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """A simulated drive: what the sensors told, and the truth.

    kind: (E,) int8 index into KINDS, surroundings of each rover epoch. open_sky: (E,) share of the
    hemisphere's directions that are free. base_position_m: (3,) ECEF of the base's antenna.
    """

    scenario: Scenario
    city: City
    place: Place
    motion: vehicle.Motion
    navigation: NavigationMessages
    rover: Observations
    truth: Truth
    base: Observations
    base_truth: Truth
    base_position_m: Array
    imu: ImuRecord
    wheel: WheelRecord
    kind: NDArray[np.int8]
    open_sky: Array


def simulate(scenario: Scenario) -> Drive:
    """The drive of a scenario; the same scenario gives the same numbers."""
    draw = _generators(scenario.seed)
    city = build(LAYOUTS[scenario.layout], draw("city"))
    here = place.at(*scenario.origin_deg, 20.0)
    above = scenario.sky or sky.made_up(*scenario.start, draw("sky"), scenario.systems)
    air = atmosphere.draw(draw("air")) if scenario.has_air else atmosphere.Air(is_on=False)
    motion = (
        vehicle.drive(city, scenario.duration_s, draw("motion"))
        if scenario.is_moving
        else vehicle.standing(np.array([0.0, 0.0, 0.5]), scenario.duration_s)
    )
    base_position = here.ecef(np.array(scenario.base_m))
    station = vehicle.standing(np.array([0.0, 0.0, _MAST_M]), scenario.duration_s)
    roof = Place(base_position - _MAST_M * here.axes[2], here.axes)
    lever, none = np.array(scenario.lever_m), np.zeros(3)
    common = (above, air, scenario.start, scenario.duration_s)
    rover, truth = observe(scenario.rover, motion, lever, city, here, *common, draw("rover"))
    base = replace(scenario.base, pair=scenario.rover.pair)
    free = build(LAYOUTS["open"], draw("roof"))
    told, base_truth = observe(base, station, none, free, roof, *common, draw("base"))
    share, kind = surroundings(city, motion.point(truth.time_s, lever))
    return Drive(
        scenario, city, here, motion, above.messages, rover, truth,
        replace(told, approx_position_m=base_position), base_truth, base_position,
        imu.sense(scenario.imu, motion, here, scenario.duration_s, draw("imu")),
        wheel.sense(scenario.wheel, motion, scenario.duration_s, draw("wheel")),
        kind, share,
    )  # fmt: skip


def without_errors(receiver: Receiver) -> Receiver:
    """The receiver with perfect loops, clock and antenna: geometry alone is left."""
    loops = replace(receiver.loops, noise=False, step_dbhz=0.0)
    return replace(
        receiver, loops=loops, clock=clocks.PERFECT, pattern=IDEAL, centre=PhaseCentre(),
        strength_db=0.0,
    )  # fmt: skip


def surroundings(city: City, point_m: Array) -> tuple[Array, NDArray[np.int8]]:
    """(E,) share of the sky that is free, and kind, at points (E, 3)."""
    ring = _hemisphere(8, 24)
    share = rays.visible(city, point_m, ring).mean(axis=1)
    kind = np.full(len(point_m), KINDS.index("open"), np.int8)
    kind[share < 0.93] = KINDS.index("street")
    kind[share < 0.6] = KINDS.index("canyon")
    kind[_under_leaves(city, point_m)] = KINDS.index("trees")
    kind[~rays.visible(city, point_m, np.array([[0.0, 0.0, 1.0]]))[:, 0]] = KINDS.index("viaduct")
    return share, kind


def _under_leaves(city: City, point_m: Array) -> NDArray[np.bool_]:
    """Whether a crown stands within some metres of each point, (E,)."""
    if not len(city.canopies):
        return np.zeros(len(point_m), np.bool_)
    from scipy.spatial import cKDTree

    away, nearest = cKDTree(city.canopies.centre_m[:, :2]).query(point_m[:, :2])
    return np.asarray(away < city.canopies.radius_m[nearest] + 3.0)


def _hemisphere(rings: int, around: int) -> Array:
    """(rings around, 3) directions that share the upper half evenly."""
    up = (np.arange(rings) + 0.5) / rings
    azimuth = 2 * np.pi * (np.arange(around) + 0.5) / around
    z, a = (grid.ravel() for grid in np.meshgrid(up, azimuth, indexing="ij"))
    flat = np.sqrt(1 - z**2)
    return np.column_stack((flat * np.sin(a), flat * np.cos(a), z))


def _generators(seed: int) -> Callable[[str], np.random.Generator]:
    """A stream of draws for each part: more of one leaves the others as they were."""

    def draw(part: str) -> np.random.Generator:
        return np.random.default_rng([seed, *part.encode()])

    return draw
