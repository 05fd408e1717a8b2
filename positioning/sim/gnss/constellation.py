"""A made-up sky: Walker constellations as broadcast messages, for machines without real ones.

Planes, heights and inclinations are those of the systems' service documents; the phases are drawn,
so that each seed has another sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.navigation import GLONASS, KEPLER, Message, NavigationMessages, Records
from positioning.gnss.satellite import SYSTEMS


@dataclass(frozen=True, slots=True)
class Walker:
    """T/P/F: satellites, planes, phasing. first: number of the first satellite."""

    letter: str
    message: Message
    axis_m: float
    inclination_rad: float
    satellites: int
    planes: int
    phasing: int
    first: int


WALKERS = (
    Walker("G", Message.LNAV, 26_559_700.0, np.radians(55.0), 30, 6, 1, 1),
    Walker("E", Message.INAV, 29_600_318.0, np.radians(56.0), 24, 3, 1, 1),
    Walker("C", Message.D1, 27_906_100.0, np.radians(55.0), 24, 3, 1, 19),
    Walker("C", Message.D1, 42_164_200.0, np.radians(55.0), 3, 3, 1, 43),
)
"""GPS expanded, Galileo 24/3/1, BeiDou-3 24/3/1 and its three inclined synchronous satellites."""

_TOE_STEP_S = 3600.0


def messages(week: int, tow_s: float, rng: np.random.Generator) -> NavigationMessages:
    """One message a satellite, its time of ephemeris the hour next to the given GPS time."""
    toe = _TOE_STEP_S * round(tow_s / _TOE_STEP_S)
    records = np.concatenate([_walker(walker, week, toe, rng) for walker in WALKERS])
    ionosphere = {
        "GPSA": np.array([1.12e-8, 1.49e-8, -5.96e-8, -1.19e-7]),
        "GPSB": np.array([1.167e5, 1.147e5, -1.311e5, -3.277e5]),
    }
    return NavigationMessages(records, np.zeros(0, GLONASS), ionosphere)


def _walker(walker: Walker, week: int, toe: float, rng: np.random.Generator) -> Records:
    count, each = walker.satellites, walker.satellites // walker.planes
    made = np.zeros(count, KEPLER)
    plane, slot = np.divmod(np.arange(count), each)
    node, phase = rng.uniform(-np.pi, np.pi, 2)
    anomaly = 2 * np.pi * (slot / each + walker.phasing * plane / count) + phase
    perigee = rng.uniform(-np.pi, np.pi, count)
    made["satellite"] = 100 * SYSTEMS.index(walker.letter) + walker.first + np.arange(count)
    made["message"] = walker.message
    made["toc_week"] = made["toe_week"] = week
    made["toc_s"] = made["toe_s"] = toe
    made["sent_s"] = toe - 600
    made["sqrt_a"] = np.sqrt(walker.axis_m + rng.normal(0, 300.0, count))
    made["eccentricity"] = rng.uniform(2e-4, 8e-3, count)
    made["i0"] = walker.inclination_rad + rng.normal(0, 0.008, count)
    made["omega0"] = _wrapped(node + 2 * np.pi * plane / walker.planes)
    made["omega"] = perigee
    made["m0"] = _wrapped(anomaly - perigee + rng.normal(0, 0.03, count))
    _perturb(made, rng)
    made["issue"] = rng.integers(1, 200, count)
    made["accuracy_m"] = 2.0 if walker.letter != "E" else 3.12
    made["delay0_s"] = rng.normal(0, 4e-9, count)
    if walker.letter == "G":
        made["source"], made["delay1_s"], made["fit"] = 1, made["issue"], 4
    else:
        made["delay1_s"] = rng.normal(0, 4e-9, count)
        made["source"] = 517 if walker.letter == "E" else 0
    return made


def _perturb(made: Records, rng: np.random.Generator) -> None:
    """Rates, harmonics and clocks of the size that the messages have."""
    count = len(made)
    made["omega_dot"] = -8.1e-9 + rng.normal(0, 2e-10, count)
    made["delta_n"] = 4.6e-9 + rng.normal(0, 3e-10, count)
    made["idot"] = rng.normal(0, 2e-10, count)
    for name, size in (
        ("cuc", 2e-6), ("cus", 5e-6), ("cic", 8e-8), ("cis", 8e-8), ("crs", 60.0), ("crc", 80.0),
    ):  # fmt: skip
        made[name] = rng.normal(0, size, count)
    made["crc"] += 230.0
    made["clock_bias_s"] = rng.normal(0, 2e-4, count)
    made["clock_drift"] = rng.normal(0, 3e-12, count)


def _wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)
