"""A simulated PLC in this process: its program, its scan cycle and a clock of its own."""

from __future__ import annotations

import time
from typing import ClassVar

from common.drivers.plc.config import SimPlcConfig
from common.drivers.plc.driver import CyclicBackend, Outbox, Plc
from common.drivers.plc.machine import Machine
from common.drivers.plc.plant import EvenBelt
from common.drivers.plc.runner import Runner
from common.drivers.simulated.clock import DriftingClock
from common.types.plc import Words


class SimPlc(Plc):
    """A PLC that does what a real one would. machine: one with a plant of its own, scanned by
    whoever made it; without, connecting powers up one with an even belt."""

    Config: ClassVar[type[SimPlcConfig]] = SimPlcConfig

    def __init__(self, config: SimPlcConfig, machine: Machine | None = None) -> None:
        outbox = Outbox()
        super().__init__(config, SimBackend(config, outbox, machine), outbox)


class SimBackend(CyclicBackend):
    """The terminal strip of the simulated PLC, without a wire between."""

    def __init__(self, config: SimPlcConfig, outbox: Outbox, machine: Machine | None) -> None:
        super().__init__(config.rate_hz, outbox)
        self._config = config
        self._given = machine
        self._runner: Runner | None = None

    def reach(self) -> None:
        """Power up, unless the machine is somebody else's."""
        machine = self._given
        if machine is None:
            self._runner = Runner(powered_up(self._config))
            self._runner.start()

    def disconnect(self) -> None:
        """Power off what `reach` powered up."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.stop()

    def exchange(self, command: Words | None) -> Words:
        """Hand over the command and take the status."""
        machine = self._given or (self._runner.machine if self._runner else None)
        assert machine is not None
        if command is not None:
            machine.command(command, time.monotonic())
        return machine.status()


def powered_up(config: SimPlcConfig) -> Machine:
    """A machine with an even belt whose first scan is due now."""
    clock = DriftingClock(config.clock, config.seed)
    return Machine(
        EvenBelt(config),
        config.settings,
        lambda time_s: clock.read_ns(time_s) // 1000,
        time.monotonic(),
    )
