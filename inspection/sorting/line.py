"""A line in real time: the thin loop around the sorter."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from common.drivers.base import DisconnectedError, DriverTimeoutError
from common.drivers.gate import StoppedError
from common.drivers.plc.driver import Plc
from common.types.plc import Mode, PlcStatus
from inspection.sorting.sorter import Sorter, Verdict

CYCLE_S = 0.05  # the longest time without a step, and so without a look at the clock
START_S = 5.0
HALT_S = 1.0


class Looks(Protocol):
    """What a line needs of its camera; see `Eye`."""

    def look(self, part: int, epoch: int) -> None:
        """Take a picture of the part that is at the camera now."""
        ...

    def verdicts(self) -> list[Verdict]:
        """Those that came since the last call."""
        ...


class Line:
    """An open PLC, an eye and a sorter. All methods are called by one thread."""

    def __init__(self, plc: Plc, eye: Looks, sorter: Sorter) -> None:
        self.sorter = sorter
        self.status: PlcStatus | None = None
        self.looked: list[int] = []  # parts in the order of their pictures
        self._plc, self._eye = plc, eye

    def cycle(self) -> None:
        """Wait for a status, or CYCLE_S, and answer it."""
        try:
            status: PlcStatus | None = self._plc.read(CYCLE_S).value
            self.status = status
        except DriverTimeoutError:
            status = None
        command = self.sorter.step(status, self._eye.verdicts(), monotonic())
        for part, _ in self.sorter.fresh:
            self._eye.look(part, self.sorter.epoch)
            self.looked.append(part)
        self._plc.write(command)

    def run(self, until: Callable[[], bool]) -> None:
        """Cycle until the condition holds."""
        while not until():
            self.cycle()

    def start(self) -> None:
        """Reset and start the belt. DisconnectedError when the PLC does not follow."""
        self._wait(self._reset, START_S)
        if not self._wait(lambda: self._mode is Mode.RUNNING, START_S):
            self.halt()
            raise DisconnectedError(f"the PLC does not start: {self.sorter.stopped or 'no answer'}")

    def halt(self, reason: str = "stopped by the operator") -> bool:
        """Stop the belt through the gate; whether the PLC confirmed it in time."""
        self.sorter.stop(reason)
        return self._wait(lambda: self._mode in (Mode.STOPPED, Mode.TRIPPED), HALT_S)

    @property
    def _mode(self) -> Mode | None:
        return None if self.status is None else self.status.mode

    def _reset(self) -> bool:
        try:
            self.sorter.start(monotonic())
        except StoppedError:
            return False
        return True

    def _wait(self, condition: Callable[[], bool], limit_s: float) -> bool:
        until = monotonic() + limit_s
        while not condition():
            if monotonic() > until:
                return False
            self.cycle()
        return True
