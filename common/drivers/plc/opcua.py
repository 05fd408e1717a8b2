"""A PLC over OPC UA (IEC 62541), through asyncua."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from common.drivers.base import ConfigError, CorruptSampleError, DisconnectedError
from common.drivers.plc.config import OpcUaPlcConfig
from common.drivers.plc.driver import CyclicBackend, Outbox, Plc
from common.drivers.plc.loop import Loop
from common.errors import MissingExtraError
from common.types.plc import COMMAND, STATUS, Signal, Words

T = TypeVar("T")
SLACK_S = 0.5  # on top of the library's own time-out, which is to come first
MODES = {"sign": "Sign", "sign-and-encrypt": "SignAndEncrypt"}


class OpcUaPlc(Plc):
    """Reads and writes one node a signal, all of them in one request."""

    Config: ClassVar[type[OpcUaPlcConfig]] = OpcUaPlcConfig

    def __init__(self, config: OpcUaPlcConfig) -> None:
        outbox = Outbox()
        super().__init__(config, OpcUaBackend(config, outbox), outbox)


class OpcUaBackend(CyclicBackend):
    """One session; any error ends it, and the driver connects anew after a pause.

    Nodes that hold what they were told are not written again. The count of orders goes last within
    a request, so that the orders are there when it rises.
    """

    def __init__(self, config: OpcUaPlcConfig, outbox: Outbox) -> None:
        super().__init__(config.rate_hz, outbox)
        self._config = config
        self._loop: Loop | None = None
        self._client: Any = None
        self._status_nodes: list[Any] = []
        self._command_nodes: dict[str, Any] = {}
        self._written: dict[str, list[int]] = {}

    def reach(self) -> None:
        """Open a session. DisconnectedError, or ConfigError when a node does not exist."""
        ua, client_class = _packages()
        self._loop = Loop("OPC UA client")
        try:
            self._run(self._open(client_class), self._config.connect_timeout_s)
        except (ua.UaError, OSError, TimeoutError, asyncio.CancelledError) as error:
            raise DisconnectedError(f"{self._config.url}: {_told(error)}") from error

    def disconnect(self) -> None:
        """Close the session."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._client is not None:
            with suppress(Exception):
                loop.call(self._client.disconnect(), self._config.timeout_s + SLACK_S)
        self._client = None
        loop.stop()

    def exchange(self, command: Words | None) -> Words:
        """One Write request with what changed, then one Read request with all signals."""
        ua, _ = _packages()
        try:
            if command is not None:
                self._run(self._write(ua, command), self._config.timeout_s)
            read = self._client.read_attributes(self._status_nodes, ua.AttributeIds.Value)
            answers = self._run(read, self._config.timeout_s)
        except (ua.UaError, OSError, TimeoutError, asyncio.CancelledError) as error:
            raise DisconnectedError(f"{self._config.url}: {_told(error)}") from error
        except Exception as error:  # what the library's decoder raises on strange bytes
            raise DisconnectedError(
                f"{self._config.url} sent what is no OPC UA: {error}"
            ) from error
        if len(answers) != len(STATUS.signals):
            raise CorruptSampleError(f"{len(answers)} of {len(STATUS.signals)} values came")
        pairs = zip(STATUS.signals, answers, strict=True)
        values = {signal.name: _numbers(signal, answer) for signal, answer in pairs}
        try:
            return STATUS.pack(**values)
        except OverflowError as error:
            raise CorruptSampleError(str(error)) from error

    def _run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        assert self._loop is not None
        return self._loop.call(asyncio.wait_for(work, timeout_s), timeout_s + SLACK_S)

    async def _open(self, client_class: Any) -> None:
        config = self._config
        client = client_class(config.url, timeout=config.timeout_s)
        if config.user is not None:
            client.set_user(config.user)
            client.set_password(config.password.get_secret_value() if config.password else "")
        if config.security != "none":
            await client.set_security_string(
                f"Basic256Sha256,{MODES[config.security]},{config.certificate},{config.private_key}"
            )
        await client.connect()
        self._client = client
        self._status_nodes = [client.get_node(i) for i in config.nodes(STATUS).values()]
        self._command_nodes = {k: client.get_node(i) for k, i in config.nodes(COMMAND).items()}
        self._written = {}
        nodes = [*self._status_nodes, *self._command_nodes.values()]
        for node, answer in zip(nodes, await client.read_attributes(nodes), strict=True):
            if not answer.StatusCode.is_good():
                raise ConfigError(f"{config.url}: {node.nodeid.to_string()} cannot be read there")

    async def _write(self, ua: Any, command: Words) -> None:
        wanted = {s.name: COMMAND.get(command, s.name) for s in COMMAND.signals}
        changed = [s for s in COMMAND.signals if self._written.get(s.name) != wanted[s.name]]
        changed.sort(key=lambda signal: signal.name == "orders")
        if not changed:
            return
        nodes = [self._command_nodes[signal.name] for signal in changed]
        values = [_variant(ua, signal, wanted[signal.name]) for signal in changed]
        self._written = {}
        await self._client.write_values(nodes, values)
        self._written = wanted


def _variant(ua: Any, signal: Signal, numbers: list[int]) -> Any:
    kind = {1: ua.VariantType.UInt16, 2: ua.VariantType.UInt32, 4: ua.VariantType.UInt64}
    value: Any = numbers if signal.count > 1 else numbers[0]
    return ua.DataValue(ua.Variant(value, kind[signal.words]))


def _numbers(signal: Signal, answer: Any) -> list[int]:
    """The value of a node, checked: as many unsigned integers as the signal has."""
    if not answer.StatusCode.is_good():
        raise CorruptSampleError(f"{signal.name}: {answer.StatusCode.name}")
    value = answer.Value.Value if answer.Value is not None else None
    numbers: list[Any] = value if isinstance(value, list) else [value]
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers)
    if not whole or len(numbers) != signal.count:
        raise CorruptSampleError(f"{signal.name}: {signal.count} unsigned numbers were asked")
    return numbers


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _packages() -> tuple[Any, Any]:
    try:
        from asyncua import ua
        from asyncua.client.client import Client
    except ImportError as error:
        raise MissingExtraError("asyncua", "plc") from error
    logging.getLogger("asyncua").addHandler(logging.NullHandler())
    return ua, Client
