"""The simulated PLC behind a Modbus TCP server, for clients of any make."""

from __future__ import annotations

import time
from typing import Any

from common.drivers.base import DriverError
from common.drivers.plc.config import RegisterMap
from common.drivers.plc.loop import Loop
from common.drivers.plc.machine import Machine
from common.drivers.plc.modbus import Registers
from common.errors import MissingExtraError
from common.types.plc import COMMAND, STATUS

START_S = 5.0
READ_INPUTS, READ_HOLDING = 4, 3


class ModbusServer:
    """Serves `machine` from `start` to `stop`; the machine is scanned by somebody else.

    port: 0 takes a free one; `port` tells which, once started.
    """

    def __init__(
        self,
        machine: Machine,
        port: int = 0,
        host: str = "127.0.0.1",
        registers: RegisterMap = RegisterMap(),  # noqa: B008 - frozen
    ) -> None:
        self.host, self.port = host, port
        self._machine = machine
        self._status = Registers(STATUS, registers.status_places, registers.word_order)
        self._command = Registers(COMMAND, registers.command_places, registers.word_order)
        self._loop: Loop | None = None
        self._server: Any = None

    def start(self) -> None:
        """Listen. DriverError when the port is taken, MissingExtraError without pymodbus."""
        _packages()
        self._loop = Loop("Modbus server")
        try:
            self._loop.call(self._serve(), START_S)
        except (RuntimeError, OSError, TimeoutError) as error:
            self._loop.stop()
            raise DriverError(f"cannot listen at {self.host}:{self.port}: {error}") from error

    def stop(self) -> None:
        """Close the port and all connections. Stopping twice does nothing."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call(self._server.shutdown(), START_S)
            loop.stop()

    async def _serve(self) -> None:
        server_module, sim = _packages()
        blank = sim.SimData(0, values=False, datatype=sim.DataType.BITS)
        blocks = ([blank], [blank], [_block(sim, self._command)], [_block(sim, self._status)])
        device = sim.SimDevice(0, simdata=blocks, action=self._accessed)
        self._server = server_module.ModbusTcpServer(device, address=(self.host, self.port))
        await self._server.serve_forever(background=True)
        self.port = self._server.transport.sockets[0].getsockname()[1]

    async def _accessed(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> None:
        """Called before a request is answered: refresh what is read, take what is written."""
        if function == READ_INPUTS:
            registers[: self._status.span] = self._status.to_block(self._machine.status())
        elif values is not None and function != READ_HOLDING:
            block = list(registers[: self._command.span])
            block[address - start : address - start + count] = [int(value) for value in values]
            command = self._command.from_block(block[: self._command.span])
            self._machine.command(command, time.monotonic())


def _block(sim: Any, registers: Registers) -> Any:
    zeros = [0] * registers.span
    return sim.SimData(registers.first, values=zeros, datatype=sim.DataType.REGISTERS)


def _packages() -> tuple[Any, Any]:
    try:
        from pymodbus import server, simulator
    except ImportError as error:
        raise MissingExtraError("pymodbus", "plc") from error
    return server, simulator
