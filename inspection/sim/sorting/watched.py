"""The simulated line, part by part: runs in simulated time until the camera is triggered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from common.drivers.plc.config import SorterSettings
from inspection.sim.sorting.belt import SortingBelt
from inspection.sim.sorting.shift import Shift
from inspection.sorting.bins import RECHECK
from inspection.sorting.sorter import Sorter
from inspection.sorting.tracker import State, Tracked

STANDS_S = 30.0  # without a part for so long the line stands for good
KEPT = 256  # parts remembered of those that landed


class Watched:
    """A belt under the real sorter and the simulated PLC program.

    look: the class of the part that the camera sees, None for no telling; called once a part, a
    second trigger of the same part gets the same answer.
    """

    def __init__(self, look: Callable[[], str | None], seed: int) -> None:
        settings = SorterSettings()
        self.belt = SortingBelt(settings, seed=seed)
        self._shift = Shift(self.belt, settings, self._looked, seed)
        self._look = look
        self._kind: str | None = None
        self._part, self._triggered = -1, 0

    @property
    def sorter(self) -> Sorter:
        """What decides; it has the tracker and the tally."""
        return self._shift.sorter

    def next_part(self) -> None:
        """Run until a part was looked at. RuntimeError when none comes any more."""
        before, until = self._triggered, self._shift.now_s + STANDS_S
        while self._triggered == before:
            if self._shift.now_s > until:
                raise RuntimeError(f"the line stands: {self.sorter.stopped}")
            self._shift.cycle()
        del self.belt.landed[:-KEPT]

    def bins(self) -> dict[str, int]:
        """Parts by bin: strokes as the PLC confirmed them; what was given up is for recheck."""
        outcomes, bins = self.sorter.tally.outcomes, self.sorter.bins
        confirmed = {name: outcomes[name] for name in bins.names}
        return {**confirmed, RECHECK: sum(self.sorter.tracker.given_up.values())}

    def states(self) -> Counter[State]:
        """How many of the tracked parts are where."""
        return Counter(tracked.state for tracked in self.sorter.tracker.parts)

    def newest(self, count: int) -> list[Tracked]:
        """The last parts, newest first."""
        return list(reversed(self.sorter.tracker.parts[-count:]))

    def _looked(self, part: int) -> str | None:
        if part != self._part:
            self._part, self._kind = part, self._look()
            self._triggered += 1
        return self._kind
