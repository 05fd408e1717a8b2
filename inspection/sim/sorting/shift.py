"""A shift of the simulated line in simulated time: belt, PLC and host in lockstep.

What the sorter decides on comes as `Looks`; how long that takes is drawn, with a share of verdicts
that come too late and some that never come. Outages are laid on the link and on both programs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from common.drivers.gate import StoppedError
from common.drivers.plc.config import SorterSettings
from common.drivers.plc.machine import Machine, What
from common.types.plc import PlcStatus
from inspection.sim.sorting.belt import SortingBelt
from inspection.sorting.sorter import Sorter, Verdict

CYCLE_S = 0.02
Look = Callable[[int], str | None]  # physical part -> class as decided


class Trouble(Enum):
    """STALL: the PLC's program hangs. CUT: no image passes either way. DEAF: commands do not
    arrive. HANG: the host's program hangs. RESTART: the PLC loses its memory."""

    STALL = "PLC stalled"
    CUT = "network cut"
    DEAF = "heartbeat lost"
    HANG = "host hangs"
    RESTART = "PLC restarted"


@dataclass(frozen=True, slots=True)
class Outage:
    """Trouble from `at_s` for `lasts_s`."""

    trouble: Trouble
    at_s: float
    lasts_s: float

    def covers(self, now_s: float) -> bool:
        """Whether it lasts at `now_s`."""
        return self.at_s <= now_s < self.at_s + self.lasts_s


@dataclass(frozen=True, slots=True)
class Delays:
    """Time from trigger to verdict: `least_s` plus an exponential of mean `more_s`; `late` of them
    come `late_s` later, `never` do not come."""

    least_s: float = 0.03
    more_s: float = 0.02
    late: float = 0.002
    late_s: float = 0.5
    never: float = 0.001


class Shift:
    """Runs a line until so many parts have landed. The operator resets `reset_s` after a stop."""

    def __init__(
        self,
        belt: SortingBelt,
        settings: SorterSettings,
        look: Look,
        seed: int,
        delays: Delays = Delays(),
        outages: Sequence[Outage] = (),
        reset_s: float = 0.3,
    ) -> None:
        self.belt, self.sorter = belt, Sorter(settings)
        self.machine = Machine(belt, settings)
        self.machine.tell = self._see
        self.now_s = 0.0
        self._look, self._delays, self._reset_s = look, delays, reset_s
        self._rng = np.random.default_rng([seed, 31])
        self._todo = sorted(outages, key=lambda outage: outage.at_s)
        self._verdicts: list[tuple[float, int, str, int]] = []
        self._stopped_s = 0.0

    def run(self, parts: int, tell: Callable[[int], None] = lambda _: None) -> None:
        """RuntimeError when the line stands for good."""
        while len(self.belt.landed) < parts:
            self.cycle()
            tell(len(self.belt.landed))
            if self.now_s > 10.0 + 2.0 * parts:
                raise RuntimeError(f"the line stands: {self.sorter.stopped}")

    def cycle(self) -> None:
        """One exchange of images, and what the belt does until then."""
        self.now_s += CYCLE_S
        now = self.now_s
        troubles = {o.trouble for o in self._todo if o.covers(now)}
        self._begin()
        self.machine.advance(now)
        if Trouble.HANG in troubles:
            return
        cut = Trouble.CUT in troubles
        status = None if cut else PlcStatus(self.machine.status())
        command = self.sorter.step(status, self._decided(), now)
        if not cut and Trouble.DEAF not in troubles:
            self.machine.command(command, now)
        self._operate()

    def _begin(self) -> None:
        for outage in self._todo:
            if self.now_s - CYCLE_S < outage.at_s <= self.now_s:
                if outage.trouble is Trouble.STALL:
                    self.machine.freeze(outage.at_s + outage.lasts_s)
                elif outage.trouble is Trouble.RESTART:
                    self.machine.restart()
        self._todo = [o for o in self._todo if o.at_s + o.lasts_s > self.now_s]

    def _see(self, what: What, part: int, _: float) -> None:
        """The PLC triggers the camera; the verdict comes when it comes."""
        if what != "trigger":
            return
        draws = self._rng.random(2)
        more = float(self._rng.exponential(self._delays.more_s))
        late = self._delays.late_s if draws[1] < self._delays.late else 0.0
        if draws[0] >= self._delays.never:
            at = self.now_s + self._delays.least_s + more + late
            kind = self._look(self.belt.at_camera) or ""
            heapq.heappush(self._verdicts, (at, part, kind, self.sorter.epoch))

    def _decided(self) -> list[Verdict]:
        done = []
        while self._verdicts and self._verdicts[0][0] <= self.now_s:
            _, number, kind, epoch = heapq.heappop(self._verdicts)
            done.append(Verdict(number, kind or None, epoch))
        return done

    def _operate(self) -> None:
        """Somebody resets the line some time after it stopped."""
        if not self.sorter.stopped:
            self._stopped_s = self.now_s
        elif self.now_s - self._stopped_s >= self._reset_s:
            try:
                self.sorter.start(self.now_s)
            except StoppedError:
                self._stopped_s = self.now_s
