"""Outages in real time, over real sockets: how soon a line notices, and how soon it runs again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

import numpy as np

from common.drivers.base import State
from common.drivers.gate import StoppedError
from common.drivers.plc.config import SorterSettings
from common.types.plc import Mode
from inspection.sim.sorting.station import Protocol, Rig, rig
from inspection.sorting.line import Line
from inspection.sorting.sorter import Sorter, Verdict

Kind = Literal["PLC stalled", "network cut"]
GIVE_UP_S = 5.0
LOOK_S = 0.03


class KnownParts:
    """Verdicts without a picture: the class of each part as the feed made it, after LOOK_S."""

    def __init__(self, line: Rig, kind: Callable[[int], str]) -> None:
        self._line, self._kind = line, kind
        self._pending: list[tuple[float, Verdict]] = []

    def look(self, part: int, epoch: int) -> None:
        """See `Looks`."""
        kind = self._kind(self._line.journal.pictured[part])
        self._pending.append((monotonic() + LOOK_S, Verdict(part, kind, epoch)))

    def verdicts(self) -> list[Verdict]:
        """See `Looks`."""
        now = monotonic()
        done = [verdict for due, verdict in self._pending if due <= now]
        self._pending = [(due, verdict) for due, verdict in self._pending if due > now]
        return done


@dataclass(frozen=True, slots=True)
class Drilled:
    """One outage. noticed_s: from its begin until the driver left READY; back_s: from its end
    until the driver was READY and the belt ran, the operator's reset coming at once. None where
    that did not happen within GIVE_UP_S."""

    protocol: Protocol
    kind: Kind
    noticed_s: float | None
    back_s: float | None


def drill(
    protocol: Protocol,
    settings: SorterSettings,
    seed: int,
    outages: int,
    kind_of_part: Callable[[int], str],
    tell: Callable[[int], None] = lambda _: None,
) -> tuple[list[Drilled], list[tuple[str, int]]]:
    """So many outages on one line, and (class, lane) of every part that landed meanwhile."""
    rng, done = np.random.default_rng([seed, 41]), []
    kinds: tuple[Kind, ...] = ("PLC stalled", "network cut")
    with rig(protocol, settings, seed) as place, place.plc:
        line = Line(place.plc, KnownParts(place, kind_of_part), Sorter(settings))
        line.start()
        for number in range(outages):
            calm_s, lasts_s = rng.uniform(0.6, 1.2), rng.uniform(0.6, 1.0)
            _cycle(line, monotonic() + calm_s)
            done.append(_strike(place, line, kinds[number % len(kinds)], float(lasts_s), protocol))
            tell(number + 1)
        line.halt()
        landed = [(kind_of_part(p.number), p.lane or 0) for p in place.belt.landed if not p.fallen]
    return done, landed


def _strike(place: Rig, line: Line, kind: Kind, lasts_s: float, protocol: Protocol) -> Drilled:
    began = monotonic()
    over = began + lasts_s
    if kind == "PLC stalled":
        place.machine.freeze(over)
    elif place.cable is not None:
        place.cable.cut(lasts_s)
    noticed = _watch(line, lambda: place.plc.health.state is not State.READY, began)
    _cycle(line, over)
    back = _watch(line, lambda: _runs(place, line), over)
    return Drilled(protocol, kind, noticed, back)


def _runs(place: Rig, line: Line) -> bool:
    """Whether the line works; resets it if it is stopped and may be."""
    if line.sorter.stopped:
        try:
            line.sorter.start(monotonic())
        except StoppedError:
            return False
    running = line.status is not None and line.status.mode is Mode.RUNNING
    return running and place.plc.health.state is State.READY


def _watch(line: Line, condition: Callable[[], bool], since: float) -> float | None:
    while monotonic() < since + GIVE_UP_S:
        line.cycle()
        if condition():
            return monotonic() - since
    return None


def _cycle(line: Line, until: float) -> None:
    while monotonic() < until:
        line.cycle()
