"""The simulated sorting line in real time, behind the PLC of any type, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from common.drivers.plc.config import ModbusPlcConfig, OpcUaPlcConfig, SimPlcConfig, SorterSettings
from common.drivers.plc.driver import Plc
from common.drivers.plc.machine import Machine, What
from common.drivers.plc.runner import Runner
from common.drivers.simulated.clock import DriftingClock
from inspection.sim.sorting.belt import Mechanics, SortingBelt
from inspection.sim.sorting.cable import Cable
from inspection.sim.sorting.feed import Feed

if TYPE_CHECKING:
    from common.drivers.plc.modbus_server import ModbusServer
    from common.drivers.plc.opcua_server import OpcUaServer

    Server = ModbusServer | OpcUaServer

Protocol = Literal["sim", "modbus", "opcua"]


class Journal:
    """What really happened. pictured: the part on the belt that the camera sees at each trigger, by
    the PLC's number of the trigger. The others: part -> monotonic seconds."""

    def __init__(self, belt: SortingBelt) -> None:
        self._belt = belt
        self.pictured: dict[int, int] = {}
        self.triggers: dict[int, float] = {}
        self.orders: dict[int, float] = {}
        self.strokes: dict[int, float] = {}

    def tell(self, what: What, part: int, now_s: float) -> None:
        """For `Machine.tell`."""
        if what == "trigger":
            self.pictured[part] = self._belt.at_camera
        book = {"trigger": self.triggers, "order": self.orders, "stroke": self.strokes}[what]
        book[part] = now_s


@dataclass(frozen=True, slots=True)
class Rig:
    """plc: the driver, not opened. cable: between PLC and host; None in-process."""

    plc: Plc
    machine: Machine
    belt: SortingBelt
    cable: Cable | None
    journal: Journal


def machine(
    settings: SorterSettings,
    seed: int,
    mechanics: Mechanics | None = None,
    feed: Feed | None = None,
) -> tuple[Machine, SortingBelt]:
    """A PLC with a sorting belt whose first scan is due now."""
    belt = SortingBelt(settings, feed or Feed(), mechanics or Mechanics(), seed)
    clock = DriftingClock(SimPlcConfig().clock, seed)

    def clock_us(time_s: float) -> int:
        return clock.read_ns(time_s) // 1000

    return Machine(belt, settings, clock_us, time.monotonic()), belt


@contextmanager
def rig(
    protocol: Protocol,
    settings: SorterSettings,
    seed: int,
    mechanics: Mechanics | None = None,
    feed: Feed | None = None,
) -> Iterator[Rig]:
    """A running line. MissingExtraError when the protocol's package is not installed."""
    plc, belt = machine(settings, seed, mechanics, feed)
    journal = Journal(belt)
    plc.tell = journal.tell
    with Runner(plc):
        if protocol == "sim":
            from common.drivers.plc.sim import SimPlc

            yield Rig(SimPlc(SimPlcConfig(settings=settings), plc), plc, belt, None, journal)
        else:
            server = serve(protocol, plc)
            try:
                with Cable(server.port) as cable:
                    yield Rig(_client(protocol, cable.port), plc, belt, cable, journal)
            finally:
                server.stop()


def serve(protocol: str, plc: Machine, port: int = 0, host: str = "127.0.0.1") -> Server:
    """A server over the PLC, started. ValueError for a protocol that is not one."""
    if protocol == "modbus":
        from common.drivers.plc.modbus_server import ModbusServer

        server: Server = ModbusServer(plc, port, host)
    elif protocol == "opcua":
        from common.drivers.plc.opcua_server import OpcUaServer

        server = OpcUaServer(plc, port, host)
    else:
        raise ValueError(f"protocol is modbus or opcua, got {protocol!r}")
    server.start()
    return server


def _client(protocol: str, port: int) -> Plc:
    if protocol == "modbus":
        from common.drivers.plc.modbus import ModbusPlc

        return ModbusPlc(ModbusPlcConfig(host="127.0.0.1", port=port))
    from common.drivers.plc.opcua import OpcUaPlc

    return OpcUaPlc(OpcUaPlcConfig(url=f"opc.tcp://127.0.0.1:{port}/sorter"))
