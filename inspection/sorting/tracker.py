"""Parts between camera and ejectors: a first-in first-out queue over encoder counts.

Pure: triggers, verdicts, outcomes and the encoder come in; what is to be ordered goes out. A part
is its trigger's number. A part that has no order by `decide_by` counts behind its trigger is given
up, for good: a later verdict changes nothing.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import Enum

from common.types.plc import Event, Outcome
from inspection.sorting.bins import Bins

MOST = 256  # parts remembered; a belt holds a few dozen


class State(Enum):
    """WAITING for a verdict, READY to be ordered, ORDERED; the other two are final."""

    WAITING = "waiting"
    READY = "ready"
    ORDERED = "ordered"
    DIVERTED = "diverted"
    GIVEN_UP = "given up"


LATE = ("no verdict in time", "no order in time", "late")  # why a part was too late


@dataclass(slots=True)
class Tracked:
    """A part. at: encoder count of its trigger. lane: where it goes, None for the belt's end.
    why: for what is given up."""

    part: int
    at: int
    state: State = State.WAITING
    kind: str | None = None
    lane: int | None = None
    why: str = ""


class Tracker:
    """decide_by: counts behind the trigger at which an order must have gone out. shortest: two
    triggers closer than this are one part."""

    def __init__(self, bins: Bins, decide_by: int, shortest: int) -> None:
        self._bins, self._decide_by, self._shortest = bins, decide_by, shortest
        self.given_up: Counter[str] = Counter()  # why -> parts
        self._parts: OrderedDict[int, Tracked] = OrderedDict()
        self._last_at: int | None = None

    @property
    def parts(self) -> tuple[Tracked, ...]:
        """The last parts, oldest first."""
        return tuple(self._parts.values())

    def trigger(self, part: int, at: int) -> Tracked:
        """A trigger. A second one within a part's length is the same part: it gets no order."""
        tracked = Tracked(part, at)
        if self._last_at is not None and at - self._last_at < self._shortest:
            self._give_up(tracked, "double trigger")
        else:
            self._last_at = at
        self._parts[part] = tracked
        while len(self._parts) > MOST:
            self._parts.popitem(last=False)
        return tracked

    def decide(self, part: int, kind: str | None) -> None:
        """A verdict. Of a part that is not waiting it changes nothing."""
        tracked = self._parts.get(part)
        if tracked is None or tracked.state is not State.WAITING:
            return
        tracked.kind, tracked.lane = kind, self._bins.lane(kind)
        if tracked.lane is None:
            self._give_up(tracked, "no class" if kind is None else f"no bin for {kind}")
        else:
            tracked.state = State.READY

    def due(self, encoder: int) -> list[Tracked]:
        """Parts to be ordered now, oldest first; gives up those that were not decided in time."""
        for tracked in self._parts.values():
            if encoder - tracked.at >= self._decide_by:
                if tracked.state is State.WAITING:
                    self._give_up(tracked, LATE[0])
                elif tracked.state is State.READY:
                    self._give_up(tracked, LATE[1])
        return [t for t in self._parts.values() if t.state is State.READY]

    def ordered(self, part: int) -> None:
        """The order went out."""
        self._parts[part].state = State.ORDERED

    def outcome(self, event: Event) -> None:
        """What the PLC reports of an order."""
        tracked = self._parts.get(event.part)
        if tracked is None or tracked.state is not State.ORDERED:
            return
        if event.outcome is Outcome.DIVERTED and event.lane == tracked.lane:
            tracked.state = State.DIVERTED
        else:
            self._give_up(tracked, event.outcome.name.lower().replace("_", " "))

    def flush(self, why: str) -> None:
        """Give up every part that has no order yet; those that have are the PLC's to report."""
        for tracked in self._parts.values():
            if tracked.state in (State.WAITING, State.READY):
                self._give_up(tracked, why)

    def forget(self) -> None:
        """The PLC counts from 0 again: parts known so far are given up and forgotten."""
        self._parts.clear()
        self._last_at = None

    def _give_up(self, tracked: Tracked, why: str) -> None:
        tracked.state, tracked.lane, tracked.why = State.GIVEN_UP, None, why
        self.given_up[why] += 1
