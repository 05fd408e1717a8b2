"""A PLC of each kind to talk to: simulated ones, behind real sockets where the kind has some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from common.drivers.plc.config import SimPlcConfig, SorterSettings
from common.drivers.plc.machine import Machine
from common.drivers.plc.runner import Runner
from common.drivers.plc.sim import powered_up
from common.types.plc import COMMAND, PlcStatus, Words

KINDS = ("sim", "modbus", "opcua")
Plcs = Callable[[str], dict[str, Any]]
PATIENT_S = 1.0  # whether a busy machine keeps a heartbeat of 200 ms is not asked here
PATIENT = SimPlcConfig(settings=SorterSettings(heartbeat_s=PATIENT_S))
HOST = "127.0.0.1"


@contextmanager
def served(kind: str, machine: Machine | None = None) -> Iterator[dict[str, Any]]:
    """The config of a PLC that runs while the block does."""
    if kind == "sim":
        yield {"kind": "plc", "type": "sim", "settings": {"heartbeat_s": PATIENT_S}}
        return
    pytest.importorskip({"modbus": "pymodbus", "opcua": "asyncua"}[kind])
    with Runner(machine or powered_up(PATIENT)) as runner:
        server, config = SERVERS[kind](runner.machine)
        server.start()
        try:
            yield {"kind": "plc", "type": kind, **config()}
        finally:
            server.stop()


def _modbus(machine: Machine) -> Any:
    from common.drivers.plc.modbus_server import ModbusServer

    server = ModbusServer(machine)
    return server, lambda: {"host": HOST, "port": server.port}


def _opcua(machine: Machine) -> Any:
    from common.drivers.plc.opcua_server import OpcUaServer

    server = OpcUaServer(machine)
    return server, lambda: {"url": server.url}


SERVERS = {"modbus": _modbus, "opcua": _opcua}


def order(status: PlcStatus, beat: int, orders: dict[int, int], resets: int | None = None) -> Words:
    """A command that runs the belt, with orders {part: lane} on top of those the PLC has taken."""
    taken = status.one("orders")
    parts, lanes = [0] * 8, [0] * 8
    for number, (part, lane) in enumerate(orders.items(), start=taken):
        parts[number % 8], lanes[number % 8] = part, lane
    words = COMMAND.pack(
        heartbeat=beat & 0xFFFF,
        run=1,
        resets=status.one("resets") or 1 if resets is None else resets,
        orders=taken + len(orders),
        order_part=parts,
        order_lane=lanes,
    )
    return np.asarray(words)
