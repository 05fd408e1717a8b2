"""From a PLC's status and the camera's verdicts to the PLC's next command. Pure: no I/O, no clock.

Every order passes the gate. The gate stops when the PLC is silent, trips or starts anew; then the
belt is told to stand, parts without an order are given up, and nothing moves before `start`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from common.drivers.gate import Gate, GateError
from common.drivers.plc.config import SorterSettings
from common.types.plc import COMMAND, RING, Event, Mode, Outcome, PlcStatus, Words
from inspection.sorting.bins import Bins
from inspection.sorting.tracker import Tracker

MOST_ORDERS_HZ = 50
GUARD_MM = 5.0  # belt travel that an order may spend on its way


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class of the part that trigger number `part` showed; None when there is no telling.
    epoch: the sorter's when the picture was asked for."""

    part: int
    kind: str | None
    epoch: int


@dataclass(slots=True)
class Tally:
    """What happened so far: parts triggered, and the outcomes of orders."""

    parts: int = 0
    lost: int = 0  # triggers that nobody read in time
    orders: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    stops: list[str] = field(default_factory=list)


class Sorter:
    """One line. `step` is called for every status, and now and then without one."""

    def __init__(self, settings: SorterSettings, bins: Bins | None = None) -> None:
        before_second = settings.second_mm - settings.tolerance_mm - GUARD_MM
        self.bins = bins or Bins()
        self.epoch = 0  # one more whenever parts are counted anew
        self.tally = Tally()
        self.tracker = Tracker(
            self.bins, settings.counts(before_second), settings.counts(settings.shortest_mm)
        )
        self._gate = Gate(
            {
                "lane": (1, len(settings.lanes_mm)),
                "travelled": (0, settings.counts(before_second)),
            },
            MOST_ORDERS_HZ,
            settings.heartbeat_s,
        )
        self._status: PlcStatus | None = None
        self._beat = self._resets = 0
        self._triggers = self._events = self._orders = 0
        self._synced = False
        self._parts, self._lanes = [0] * RING, [0] * RING
        self.fresh: list[tuple[int, int]] = []  # (part, encoder) of the last step's triggers

    @property
    def stopped(self) -> str:
        """Why the line stands, "" when it may run."""
        return self._gate.reason

    def start(self, now: float) -> None:
        """The operator's reset: open the gate and lift the PLC's trip. StoppedError without PLC."""
        self._gate.reset(now)
        assert self._status is not None  # a heartbeat came with it
        self._resets = self._status.one("resets") % 0xFFFF + 1  # never 0, as after power-up
        self._synced = False

    def stop(self, reason: str) -> None:
        """Stop the belt, until `start`."""
        if not self._gate.reason:
            self.tally.stops.append(reason)
        self._gate.stop(reason)

    def step(self, status: PlcStatus | None, verdicts: Iterable[Verdict], now: float) -> Words:
        """The command that answers a status (None: there is no new one) at time `now`, seconds."""
        self.fresh = []
        if status is not None:
            self._take(status, now)
        for verdict in verdicts:
            if verdict.epoch == self.epoch:  # else the number may be another part's by now
                self.tracker.decide(verdict.part, verdict.kind)
        was_open = not self._gate.reason
        if not self._gate.watch(now):
            if was_open:
                self.tally.stops.append(self._gate.reason)
            self.tracker.flush("line stopped")
        elif self._synced and self._status is not None:
            self._order(self._status, now)
        self._beat = (self._beat + 1) & 0xFFFF
        return COMMAND.pack(
            heartbeat=self._beat,
            run=int(not self._gate.reason),
            resets=self._resets,
            orders=self._orders,
            order_part=self._parts,
            order_lane=self._lanes,
        )

    def _take(self, status: PlcStatus, now: float) -> None:
        first, self._status = self._status is None, status
        if first:
            self._resets = status.one("resets")
        self._gate.beat(status.one("heartbeat"), now)
        obeyed = status.one("resets") == self._resets
        if self._synced and not obeyed:
            self.stop("the PLC started anew")
        elif obeyed and status.mode is Mode.TRIPPED:
            self.stop(f"the PLC tripped: {status.alarms.name or 'no alarm'}")
        if self._synced and obeyed:
            self._follow(status)
        else:
            self._synced = False
            if obeyed and not self._gate.reason:
                self._sync(status)

    def _sync(self, status: PlcStatus) -> None:
        """Count from here: what is on the belt already goes to its end."""
        self.epoch += 1
        self.tracker.forget()
        self._triggers, self._events = status.one("triggers"), status.one("outcomes")
        self._orders = status.one("orders")
        self._synced = True

    def _follow(self, status: PlcStatus) -> None:
        """New triggers and outcomes."""
        triggers = self.fresh = status.triggers_since(self._triggers)
        self.tally.parts += len(triggers)
        self.tally.lost += status.one("triggers") - self._triggers - len(triggers)
        self._triggers = status.one("triggers")
        for part, at in triggers:
            self.tracker.trigger(part, at)
        for event in status.events_since(self._events):
            self._count(event)
        self._events = status.one("outcomes")

    def _count(self, event: Event) -> None:
        told = event.outcome is Outcome.DIVERTED
        self.tally.outcomes[self.bins.name(event.lane) if told else event.outcome.name] += 1
        self.tracker.outcome(event)

    def _order(self, status: PlcStatus, now: float) -> None:
        encoder = status.one("encoder")
        for tracked in self.tracker.due(encoder):
            if self._orders - status.one("orders") >= RING or tracked.lane is None:
                return
            try:
                values = {"lane": tracked.lane, "travelled": encoder - tracked.at}
                self._gate.check(values, now)
            except GateError:
                return  # it waits for the next step, or until it is too late
            slot = self._orders % RING
            self._parts[slot], self._lanes[slot] = tracked.part, tracked.lane
            self._orders += 1
            self.tally.orders += 1
            self.tracker.ordered(tracked.part)
