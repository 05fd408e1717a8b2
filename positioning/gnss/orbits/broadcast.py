"""Orbits and clocks from navigation messages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.navigation import Message, NavigationMessages
from positioning.gnss.orbits import glonass, kepler
from positioning.gnss.orbits.states import F64, I64, SatelliteStates
from positioning.gnss.satellite import SYSTEMS
from positioning.jit import compiled

REACH_S = {"G": 7201.0, "R": 1801.0, "E": 10801.0, "C": 7201.0, "J": 7201.0}
"""How far from its time of ephemeris a message is used."""

_GLONASS_VARIANCE_M2 = 25.0
_UNTOLD_VARIANCE_M2 = 1e4
_FNAV = int(Message.FNAV)
_SATELLITES = 100 * len(SYSTEMS)


class BroadcastOrbits:
    """GPS LNAV, Galileo I/NAV and F/NAV, BeiDou D1 and D2, QZSS LNAV, GLONASS FDMA.

    Of a satellite's messages the one whose time of ephemeris is nearest is taken. Galileo's I/NAV
    goes before its F/NAV, or after it with `fnav`; where there is only one kind, that one.
    """

    def __init__(self, messages: NavigationMessages, *, fnav: bool = False) -> None:
        self.messages = messages
        ordered = np.lexsort((messages.kepler["toe_s"], messages.kepler["satellite"]))
        self._kepler = messages.kepler[ordered]
        ordered = np.lexsort((messages.glonass["toe_s"], messages.glonass["satellite"]))
        self._glonass = messages.glonass[ordered]
        self._kepler_first = _first(self._kepler["satellite"])
        self._glonass_first = _first(self._glonass["satellite"])
        self._fnav = fnav
        self._reach = np.array([REACH_S.get(letter, 0.0) for letter in SYSTEMS])

    def states(
        self, satellite: NDArray[np.int16], week: NDArray[np.int32], tow_s: F64
    ) -> SatelliteStates:
        """States of satellites (N,) at GPS times of transmission (N,)."""
        chosen = self._chosen(satellite, week, tow_s)
        out = np.full((len(satellite), 8), np.nan)
        _evaluate(self._kepler, self._glonass, satellite, chosen, week, tow_s, out)
        variance, healthy = self._promises(satellite, chosen)
        return SatelliteStates(out[:, :3], out[:, 3:6], out[:, 6], out[:, 7], variance, healthy)

    def group_delay_s(
        self, satellite: NDArray[np.int16], week: NDArray[np.int32], tow_s: F64, carrier_hz: F64
    ) -> F64:
        """(N,) delay of the code on carriers (N,) against clock_s of `states`: a pseudorange is
        longer by this times c. 0 where the message tells of none (GLONASS), NaN without one."""
        chosen = self._chosen(satellite, week, tow_s)
        delays = np.full(len(satellite), np.nan)
        _delays(self._kepler, satellite, chosen, carrier_hz, delays)
        return delays

    def _chosen(
        self, satellite: NDArray[np.int16], week: NDArray[np.int32], tow_s: F64
    ) -> NDArray[np.int64]:
        """(N,) index of each satellite's message within its table, -1 if there is none."""
        chosen = np.full(len(satellite), -1, dtype=np.int64)
        _choose(self._kepler, self._kepler_first, self._glonass, self._glonass_first,
                self._reach, self._fnav, satellite, week, tow_s, chosen)  # fmt: skip
        return chosen

    def _promises(
        self, satellite: NDArray[np.int16], chosen: NDArray[np.int64]
    ) -> tuple[F64, NDArray[np.bool_]]:
        variance = np.full(len(satellite), np.nan)
        healthy = np.zeros(len(satellite), dtype=np.bool_)
        is_glonass = satellite // 100 == SYSTEMS.index("R")
        at = (chosen >= 0) & is_glonass
        healthy[at] = self._glonass["health"][chosen[at]] == 0
        variance[at] = _GLONASS_VARIANCE_M2
        at = (chosen >= 0) & ~is_glonass
        told = self._kepler[chosen[at]]
        accuracy = told["accuracy_m"]
        variance[at] = np.where(accuracy >= 0, accuracy**2, _UNTOLD_VARIANCE_M2)
        mask = np.where(told["satellite"] // 100 == SYSTEMS.index("J"), ~1, ~0)
        healthy[at] = ((told["health"].astype(np.int64) & mask) == 0) & (accuracy >= 0)
        return variance, healthy


def _first(satellite: NDArray[np.int16]) -> NDArray[np.int64]:
    """(satellites + 1,) where each satellite's messages begin in the ordered table."""
    return np.searchsorted(satellite, np.arange(_SATELLITES + 1)).astype(np.int64)


@compiled
def _choose(
    records: Any,
    first: I64,
    states: Any,
    states_first: I64,
    reach: F64,
    fnav: bool,
    satellite: NDArray[np.int16],
    week: NDArray[np.int32],
    tow_s: F64,
    chosen: I64,
) -> None:
    for n in range(len(satellite)):
        s = satellite[n]
        if s // 100 == 1:
            best = reach[1]
            for k in range(states_first[s], states_first[s + 1]):
                age = abs(kepler.since(week[n], tow_s[n], states[k].toe_week, states[k].toe_s))
                if age < best:
                    best, chosen[n] = age, k
            continue
        best, best_kind = reach[s // 100], False
        for k in range(first[s], first[s + 1]):
            age = abs(kepler.since(week[n], tow_s[n], records[k].toe_week, records[k].toe_s))
            kind = (records[k].message == _FNAV) == fnav
            if age < reach[s // 100] and (
                (kind and not best_kind) or (kind == best_kind and age < best)
            ):
                best, best_kind, chosen[n] = age, kind, k


@compiled
def _evaluate(
    records: Any,
    states: Any,
    satellite: NDArray[np.int16],
    chosen: I64,
    week: NDArray[np.int32],
    tow_s: F64,
    out: F64,
) -> None:
    for n in range(len(satellite)):
        if chosen[n] >= 0 and np.isfinite(tow_s[n]):
            if satellite[n] // 100 == 1:
                glonass.evaluate(states[chosen[n]], week[n], tow_s[n], out[n])
            else:
                kepler.evaluate(records[chosen[n]], week[n], tow_s[n], out[n])


@compiled
def _delays(
    records: Any, satellite: NDArray[np.int16], chosen: I64, carrier_hz: F64, delays: F64
) -> None:
    for n in range(len(satellite)):
        if chosen[n] >= 0:
            glo = satellite[n] // 100 == 1
            delays[n] = 0.0 if glo else kepler.delay(records[chosen[n]], carrier_hz[n])
