"""Time to first fix: search, synchronise, collect messages, until a position can be computed.

Events on the receiver's own clock from power-up. What is random comes from the caller's generator:
whether a search succeeds (the probabilities of acquisition.py) and whether a message is decoded
(decoding.py), both by the C/N0 that the satellite has at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coldstart import codes
from positioning.gnss.coldstart.acquisition import Search, detection_probability
from positioning.gnss.coldstart.codes import CHIP_RATE_HZ, System
from positioning.gnss.coldstart.decoding import error_rate
from positioning.gnss.coldstart.messages import LAYOUTS, Content, Layout, Message
from positioning.gnss.satellite import SYSTEMS

CONSTELLATIONS: dict[System, int] = {"G": 32, "E": 36, "C": 45}
"""Codes to try when nothing is known."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A receiver's search and tracking.

    bins: Dopplers that it correlates at once over the whole code. dwells_s: the passes, short ones
    first. doppler_hz: half the range of a cold search. pull_in_s: from found to messages.
    least_dbhz: below it tracking is lost. most_pdop: of a first fix. output_s: how often one is
    tried. loss_db: of filter, quantisation and cells missed.
    """

    bins: int = 16
    dwells_s: tuple[float, ...] = (0.02, 0.1, 0.2)
    doppler_hz: float = 5500.0
    pull_in_s: float = 0.7
    least_dbhz: float = 27.0
    most_pdop: float = 8.0
    output_s: float = 0.2
    loss_db: float = 3.0


@dataclass(frozen=True, slots=True)
class Assistance:
    """What a network tells before the start: ephemerides, the place to some km, time to seconds.

    doppler_hz: what is left of the oscillator's and the place's uncertainty.
    """

    doppler_hz: float = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the antenna gets during a start.

    satellite: (S,) int16. cn0_dbhz: (T, S) every step_s from power-up, NaN where nothing arrives.
    line: (S, 3) unit vectors to them, local axes. start_s: GPS time of power-up.
    """

    satellite: NDArray[np.int16]
    cn0_dbhz: NDArray[np.float64]
    line: NDArray[np.float64]
    start_s: float
    step_s: float

    def at(self, time_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """(S,) C/N0 at a time since power-up."""
        step = min(int(np.max(time_s) / self.step_s), len(self.cn0_dbhz) - 1)
        return np.asarray(self.cn0_dbhz[step])

    def worst(self, begin_s: float, end_s: float) -> NDArray[np.float64]:
        """(S,) mean C/N0 over a span, NaN where the signal was away at any moment of it."""
        low, high = int(begin_s / self.step_s), int(np.ceil(end_s / self.step_s))
        if high > len(self.cn0_dbhz):
            return np.full(len(self.satellite), np.nan)
        return np.asarray(self.cn0_dbhz[low:high].mean(axis=0))


def first_fix_s(
    view: View, engine: Engine, rng: np.random.Generator, assistance: Assistance | None = None
) -> float:
    """Seconds from power-up to the first position; infinite where the view ends before one."""
    found = _found_s(view, engine, rng, assistance)
    if assistance is not None:
        ready = found + engine.pull_in_s
        return _first(view, engine, ready, np.zeros_like(ready), extra=1)
    ready, timed = _ephemeris_s(view, found + engine.pull_in_s, engine, rng)
    return _first(view, engine, ready, timed, extra=0)


def _found_s(
    view: View, engine: Engine, rng: np.random.Generator, assistance: Assistance | None
) -> NDArray[np.float64]:
    """(S,) when each satellite is found; the engine tries one code after the other."""
    letters = [SYSTEMS[number // 100] for number in view.satellite]
    reach = engine.doppler_hz if assistance is None else assistance.doppler_hz
    found = np.full(len(letters), np.inf)
    now, last = 0.0, len(view.cn0_dbhz) * view.step_s
    pass_number = 0
    while now < last and not np.isfinite(found).all():
        dwell = engine.dwells_s[min(pass_number, len(engine.dwells_s) - 1)]
        pass_number += 1
        for system in CONSTELLATIONS:
            mine = [s for s, letter in enumerate(letters) if letter == system]
            absent = 0 if assistance else CONSTELLATIONS[system] - len(mine)
            cost, search, cells = _effort(system, dwell, reach, engine)
            tried = [*(s for s in mine if not np.isfinite(found[s])), *[-1] * absent]
            for s in rng.permutation(tried) if tried else ():
                now += cost
                if s >= 0 and rng.random() < _chance(
                    view.at(now)[s], system, search, cells, engine
                ):
                    found[s] = now
    return found


def _effort(
    system: System, dwell_s: float, reach_hz: float, engine: Engine
) -> tuple[float, Search, int]:
    """Seconds that one code takes, its search, and the cells in it."""
    coherent_s = codes.LENGTHS[system] / CHIP_RATE_HZ
    bins = 2 * int(np.ceil(2 * reach_hz * coherent_s)) + 1
    blocks = max(1, round(dwell_s / coherent_s))
    cost = blocks * coherent_s * -(-bins // engine.bins)
    return cost, Search(reach_hz, blocks=blocks), bins * 2 * codes.LENGTHS[system]


def _chance(cn0_dbhz: float, system: System, search: Search, cells: int, engine: Engine) -> float:
    if not cn0_dbhz >= engine.least_dbhz:
        return 0.0
    coherent_s = codes.LENGTHS[system] / CHIP_RATE_HZ
    return detection_probability(float(cn0_dbhz), coherent_s, search, cells, engine.loss_db)


def _ephemeris_s(
    view: View, tracked_s: NDArray[np.float64], engine: Engine, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(S,) when each satellite's ephemeris is whole, and when it first told the time."""
    whole, timed = (np.full(len(view.satellite), np.inf) for _ in range(2))
    letters = np.array([SYSTEMS[number // 100] for number in view.satellite])
    for system, layout in LAYOUTS.items():
        mine = np.flatnonzero(letters == system)
        if len(mine):
            parts: list[set[int]] = [set() for _ in mine]
            for begin_s, message in _broadcast(layout, view):
                end_s = begin_s + message.end_s - message.start_s
                cn0 = view.worst(begin_s, end_s)[mine]
                heard = (begin_s >= tracked_s[mine]) & (cn0 >= engine.least_dbhz)
                lost = error_rate(layout.coding, np.where(heard, cn0, 0.0))
                right = heard & (rng.random(len(mine)) >= lost)
                _collect(message, layout, right, end_s, mine, parts, whole, timed)
    return whole, timed


def _collect(
    message: Message,
    layout: Layout,
    right: NDArray[np.bool_],
    end_s: float,
    mine: NDArray[np.int64],
    parts: Sequence[set[int]],
    whole: NDArray[np.float64],
    timed: NDArray[np.float64],
) -> None:
    """Take one message of those satellites that were decoded rightly."""
    for index, s in ((int(i), int(mine[i])) for i in np.flatnonzero(right)):
        if message.has_time:
            timed[s] = min(timed[s], end_s)
        if message.content is Content.PART:
            parts[index].add(message.part)
        if message.content is Content.WHOLE or len(parts[index]) >= layout.needs:
            whole[s] = min(whole[s], end_s)


def _broadcast(layout: Layout, view: View) -> list[tuple[float, Message]]:
    """Messages of a system in their order, with their beginnings since power-up."""
    cycle = layout.cycle_s
    begin_s = -((view.start_s - layout.shift_s) % cycle)
    last_s, out = len(view.cn0_dbhz) * view.step_s, []
    while begin_s < last_s:
        out += [(begin_s + m.start_s, m) for m in layout.messages if begin_s + m.start_s >= 0]
        begin_s += cycle
    return out


def _first(
    view: View,
    engine: Engine,
    ready_s: NDArray[np.float64],
    timed_s: NDArray[np.float64],
    extra: int,
) -> float:
    """When the satellites that are ready, in sight and timed give a position.

    One satellite's time of week serves all. A system more is an unknown more; `extra` is 1 where
    the time itself is an unknown (coarse-time navigation; van Diggelen, A-GPS, 2009).
    """
    start = max(float(np.min(timed_s)), 0.0)
    last = len(view.cn0_dbhz) * view.step_s
    if not np.isfinite(start):
        return np.inf
    for now in np.arange(start, last, engine.output_s):
        use = (ready_s <= now) & (view.at(float(now)) >= engine.least_dbhz)
        systems = np.unique(view.satellite[use] // 100)
        if use.sum() < 3 + len(systems) + extra or len(systems) == 0:
            continue
        if _pdop(view.line[use], view.satellite[use] // 100) <= engine.most_pdop:
            return float(now)
    return np.inf


def _pdop(line: NDArray[np.float64], system: NDArray[np.int16]) -> float:
    clocks = (system[:, None] == np.unique(system)[None, :]).astype(np.float64)
    design = np.hstack([-line, clocks])
    try:
        cofactor = np.linalg.inv(design.T @ design)
    except np.linalg.LinAlgError:
        return np.inf
    spread = float(np.trace(cofactor[:3, :3]))
    return float(np.sqrt(spread)) if spread > 0 else np.inf
