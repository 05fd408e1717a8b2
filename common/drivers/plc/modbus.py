"""A PLC over Modbus TCP (Modbus Application Protocol V1.1b3), through pymodbus."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import numpy as np

from common.drivers.base import ConfigError, CorruptSampleError, DisconnectedError
from common.drivers.plc.config import ModbusPlcConfig
from common.drivers.plc.driver import CyclicBackend, Outbox, Plc
from common.errors import MissingExtraError
from common.types.plc import COMMAND, STATUS, Layout, Words

OUR_MISTAKE = {1, 2, 3}  # illegal function, address or value: asking again will not help


class ModbusPlc(Plc):
    """Reads input registers (function 4), writes holding registers (function 16)."""

    Config: ClassVar[type[ModbusPlcConfig]] = ModbusPlcConfig

    def __init__(self, config: ModbusPlcConfig) -> None:
        outbox = Outbox()
        super().__init__(config, ModbusBackend(config, outbox), outbox)


class ModbusBackend(CyclicBackend):
    """One connection; any error ends it, and the driver connects anew after a pause."""

    def __init__(self, config: ModbusPlcConfig, outbox: Outbox) -> None:
        super().__init__(config.rate_hz, outbox)
        self._config = config
        self._client: Any = None
        registers = config.registers
        self._status = Registers(STATUS, registers.status_places, registers.word_order)
        self._command = Registers(COMMAND, registers.command_places, registers.word_order)

    def reach(self) -> None:
        """Open the connection. DisconnectedError when nobody listens there."""
        client_class = _client_class()
        config = self._config
        self._client = client_class(
            config.host, port=config.port, timeout=config.timeout_s, retries=0
        )
        if not self._client.connect():
            raise DisconnectedError(f"{self._name()} is not reachable")

    def disconnect(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def exchange(self, command: Words | None) -> Words:
        """Write, then read; one request each where the map has no gaps."""
        if command is not None:
            for first, values in self._command.runs(command):
                self._ask("write_registers", first, values)
        answer = self._ask("read_input_registers", self._status.first, count=self._status.span)
        registers = answer.registers
        if len(registers) != self._status.span:
            raise CorruptSampleError(
                f"{self._name()} sent {len(registers)} registers, {self._status.span} were asked"
            )
        return self._status.from_block(registers)

    def _ask(self, what: str, *values: Any, **more: Any) -> Any:
        from pymodbus.exceptions import ModbusException

        device_id = self._config.registers.device_id
        try:
            answer = getattr(self._client, what)(*values, **more, device_id=device_id)
        except (ModbusException, OSError, ValueError, IndexError) as error:
            # the library raises all of these on frames that are not Modbus
            raise DisconnectedError(f"{self._name()}: {error}") from error
        if answer.isError():
            code = getattr(answer, "exception_code", 0)
            told = f"{self._name()} refused {what} at register {values[0]}, exception {code}"
            if code in OUR_MISTAKE:
                raise ConfigError(f"{told}: does the register map fit this PLC?")
            raise DisconnectedError(told)
        return answer

    def _name(self) -> str:
        return f"modbus://{self._config.host}:{self._config.port}"


class Registers:
    """Where the signals of a layout lie in one block of registers."""

    def __init__(self, layout: Layout, places: dict[str, int], word_order: str) -> None:
        self._layout, self._little = layout, word_order == "little"
        self.first = min(places.values())
        self.span = max(places[s.name] + s.total for s in layout.signals) - self.first
        self._at = [(s, layout.place(s.name)[1], places[s.name] - self.first)
                    for s in layout.signals]  # fmt: skip
        self._orders_at = places["orders"] - self.first

    def from_block(self, block: list[int]) -> Words:
        """The layout's words, from registers."""
        words = np.zeros(self._layout.words, np.uint16)
        for signal, to, at in self._at:
            words[to : to + signal.total] = self._turned(
                block[at : at + signal.total], signal.words
            )
        return words

    def to_block(self, words: Words) -> list[int]:
        """Registers from the layout's words; those of no signal are 0."""
        block = [0] * self.span
        for signal, start, at in self._at:
            mine = words[start : start + signal.total].tolist()
            block[at : at + signal.total] = self._turned(mine, signal.words)
        return block

    def runs(self, words: Words) -> list[tuple[int, list[int]]]:
        """(first register, values) of each gapless run: a gap belongs to somebody else.

        The run with the count of orders comes last, so that the orders are there when it rises.
        """
        block, spans = self.to_block(words), list[list[int]]()
        for start, end in sorted((at, at + signal.total) for signal, _, at in self._at):
            if spans and spans[-1][1] == start:
                spans[-1][1] = end
            else:
                spans.append([start, end])
        spans.sort(key=lambda span: span[0] <= self._orders_at < span[1])
        return [(self.first + start, block[start:end]) for start, end in spans]

    def _turned(self, words: list[int], each: int) -> list[int]:
        if not self._little or each == 1:
            return words
        return [word for k in range(0, len(words), each) for word in words[k : k + each][::-1]]


def _client_class() -> Any:
    try:
        from pymodbus.client import ModbusTcpClient
    except ImportError as error:
        raise MissingExtraError("pymodbus", "plc") from error
    logging.getLogger("pymodbus").addHandler(logging.NullHandler())
    return ModbusTcpClient
