"""Where satellites truly are, and what they say: the two differ, as in life.

Truth is a precise ephemeris, or what was broadcast plus an error of orbit and clock that is drawn
for each satellite. The solver is given the broadcast messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.formats import rinex_nav, sp3
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.navigation import NavigationMessages, Records
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.orbits.precise import PreciseOrbits
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS, SYSTEMS
from positioning.gnss.time import calendar
from positioning.sim.gnss import constellation
from positioning.sim.gnss.city import Array

_PERIOD_S = 43_000.0
_RADIAL_M, _ALONG_M, _ACROSS_M = 0.25, 1.0, 0.6  # RMS of broadcast orbits (Montenbruck 2018)
_CLOCK_M = 0.45
_LEAST = 12  # satellites of the whole sky: a third of it is seen
_BEFORE_S, _AFTER_S = 30.0, 900.0  # of the start, a drive needs satellites


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """messages: as broadcast. orbits: the source of truth. satellites: (S,) int16, rising, those
    with both. phase_rad, amplitude_m: (S, 4) of the drawn error along the radius, the track, across
    it, and of the clock; zero with a precise ephemeris."""

    messages: NavigationMessages
    orbits: Orbits
    satellites: NDArray[np.int16]
    phase_rad: Array
    amplitude_m: Array

    def truth(
        self, index: NDArray[np.int64], week: int, tow_s: Array
    ) -> tuple[Array, Array, Array, Array]:
        """ECEF position (N, 3) m, velocity (N, 3) m/s, clock (N,) s and its rate of satellites by
        index into `satellites`, at GPS times of transmission."""
        told = self.orbits.states(
            self.satellites[index], np.full(len(index), week, np.int32), tow_s
        )
        angle = 2 * np.pi * tow_s / _PERIOD_S + self.phase_rad[index].T
        error = self.amplitude_m[index].T * np.sin(angle)
        radial = told.position_m / np.linalg.norm(told.position_m, axis=1, keepdims=True)
        across = np.cross(radial, told.velocity_mps)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        axes = (radial, np.cross(across, radial), across)
        moved = sum(e[:, None] * axis for e, axis in zip(error[:3], axes, strict=True))
        clock = told.clock_s + error[3] / SPEED_OF_LIGHT_MPS
        return np.asarray(told.position_m + moved), told.velocity_mps, clock, told.clock_rate

    def group_delay_m(
        self, index: NDArray[np.int64], week: int, tow_s: Array, carrier_hz: Array
    ) -> Array:
        """(N,) m that the code on a carrier is late; 0 where nothing is told."""
        weeks = np.full(len(index), week, np.int32)
        told = BroadcastOrbits(self.messages)
        delay = told.group_delay_s(self.satellites[index], weeks, tow_s, carrier_hz)
        return np.asarray(np.nan_to_num(delay) * SPEED_OF_LIGHT_MPS)


def made_up(week: int, tow_s: float, rng: np.random.Generator, systems: str = "GEC") -> Sky:
    """A sky of Walker constellations."""
    return broadcast(constellation.messages(week, tow_s, rng), week, tow_s, rng, systems)


def broadcast(
    messages: NavigationMessages,
    week: int,
    tow_s: float,
    rng: np.random.Generator,
    systems: str = "GREC",
    truth: Orbits | None = None,
) -> Sky:
    """The sky of broadcast messages at a GPS time; `truth` is e.g. a PreciseOrbits, without one an
    error is drawn. Of BeiDou only its third generation is taken, of others all that are healthy.

    Of each satellite one message is kept: truth must not jump from one to the next.
    """
    messages = _nearest(messages, week, tow_s)
    told = BroadcastOrbits(messages)
    names = np.union1d(messages.kepler["satellite"], messages.glonass["satellite"])
    names = names[np.isin(names // 100, [SYSTEMS.index(s) for s in systems])]
    names = names[(names // 100 != SYSTEMS.index("C")) | (names % 100 >= 19) & (names % 100 < 59)]
    names = names.astype(np.int16)
    weeks = np.full(len(names), week, np.int32)
    usable = np.ones(len(names), np.bool_)
    for shift in (-_BEFORE_S, _AFTER_S):
        times = np.full(len(names), tow_s + shift)
        states = told.states(names, weeks, times)
        usable &= np.isfinite(states.clock_s) & states.healthy
        if truth is not None:
            usable &= np.isfinite(truth.states(names, weeks, times).clock_s)
    names = names[usable]
    sizes = np.sqrt(2) * np.array([_RADIAL_M, _ALONG_M, _ACROSS_M, _CLOCK_M])
    drawn = np.abs(rng.normal(size=(len(names), 4))) * sizes
    amplitude = drawn if truth is None else np.zeros((len(names), 4))
    phase = rng.uniform(-np.pi, np.pi, (len(names), 4))
    return Sky(messages, told if truth is None else truth, names, phase, amplitude)


def _nearest(messages: NavigationMessages, week: int, tow_s: float) -> NavigationMessages:
    """Of each satellite and kind of message the one whose time of ephemeris is nearest."""
    middle = week * 604_800.0 + tow_s + (_AFTER_S - _BEFORE_S) / 2

    def kept(records: Records, kind: NDArray[np.int64]) -> Records:
        age = np.abs(records["toe_week"] * 604_800.0 + records["toe_s"] - middle)
        order = np.argsort(age, kind="stable")
        _, first = np.unique(kind[order], return_index=True)
        return records[np.sort(order[first])]

    kepler, glonass = messages.kepler, messages.glonass
    kinds = kepler["satellite"].astype(np.int64) * 10 + kepler["message"]
    return replace(
        messages,
        kepler=kept(kepler, kinds),
        glonass=kept(glonass, glonass["satellite"].astype(np.int64)),
    )


def recorded(
    paths: Sequence[Path],
    rng: np.random.Generator,
    systems: str = "GREC",
    precise: Path | None = None,
) -> tuple[Sky, int, float]:
    """The sky of recorded navigation files about the median of their messages; week and second.

    precise: SP3 file of where the satellites truly were; without it an error is drawn. Raises
    GnssFileError where a file cannot be read or too few satellites are in both.
    """
    messages = rinex_nav.read(list(paths))
    records = messages.kepler
    if not len(records):
        raise GnssFileError(Path(paths[0]), "no message of GPS, Galileo or BeiDou in it")
    times = records["toe_week"] * 604_800.0 + records["toe_s"]
    week, tow = divmod(float(np.median(times)) + 600.0, 604_800.0)
    truth = None if precise is None else PreciseOrbits(sp3.read(precise))
    found = broadcast(messages, int(week), tow, rng, systems, truth)
    if len(found.satellites) < _LEAST:
        both = f"{len(found.satellites)} satellites told by it"
        when = "{:04d}-{:02d}-{:02d} {:02d}:{:02d}".format(*calendar(int(week), tow))
        beside = f" and by {precise}" if precise else ""
        raise GnssFileError(Path(paths[0]), f"{both}{beside} about {when}, under {_LEAST}")
    return found, int(week), tow


def line_of_sight(
    sky: Sky, index: NDArray[np.int64], week: int, receive_s: Array, receiver_m: Array
) -> tuple[Array, Array, Array, Array]:
    """What light took: range (N,) m, satellite at transmission in the Earth's frame of reception
    (N, 3), range rate (N,) without the receiver's motion, clock (N,) s at transmission.

    receiver_m: (N, 3) ECEF at GPS times receive_s. The Earth turns while the signal travels.
    """
    flight = np.full(len(index), 0.075)
    for _ in range(3):
        position, velocity, clock, rate = sky.truth(index, week, receive_s - flight)
        turned = _turned(position, flight)
        distance = np.linalg.norm(turned - receiver_m, axis=1)
        flight = distance / SPEED_OF_LIGHT_MPS
    toward = (turned - receiver_m) / distance[:, None]
    speed = np.einsum("ij,ij->i", _turned(velocity, flight), toward)
    return distance, turned, speed - SPEED_OF_LIGHT_MPS * rate, clock


def _turned(vector: Array, flight_s: Array) -> Array:
    angle = geodesy.EARTH_RATE_RADPS * flight_s
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = vector[:, 0], vector[:, 1]
    return np.column_stack((cos * x + sin * y, cos * y - sin * x, vector[:, 2]))
