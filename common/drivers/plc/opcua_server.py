"""The simulated PLC behind an OPC UA server, for clients of any make."""

from __future__ import annotations

import logging
import socket
import time
from functools import partial
from typing import Any

from common.drivers.base import DriverError
from common.drivers.plc.loop import Loop
from common.drivers.plc.machine import Machine
from common.errors import MissingExtraError
from common.types.plc import COMMAND, STATUS, Signal, Words

START_S = 30.0
NAMESPACE = "urn:lingnan:sorter"


class OpcUaServer:
    """Serves `machine` from `start` to `stop`; the machine is scanned by somebody else.

    A folder Status with one read-only variable a signal, a folder Command with writable ones.
    port: 0 takes a free one; `url` tells where, once started.
    """

    def __init__(self, machine: Machine, port: int = 0, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, port
        self._machine = machine
        self._loop: Loop | None = None
        self._server: Any = None
        self._image: tuple[float, Words] | None = None
        self._command: dict[str, int | list[int]] = {s.name: [0] * s.count for s in COMMAND.signals}

    @property
    def url(self) -> str:
        """Of the endpoint."""
        return f"opc.tcp://{self.host}:{self.port}/sorter"

    def start(self) -> None:
        """Listen. DriverError when the port is taken, MissingExtraError without asyncua."""
        _packages()
        try:
            self.port = _free_port(self.host, self.port)
            self._loop = Loop("OPC UA server")
            self._loop.call(self._serve(), START_S)
        except (RuntimeError, OSError, TimeoutError) as error:
            if self._loop is not None:
                self._loop.stop()
            raise DriverError(f"cannot listen at {self.url}: {error}") from error

    def stop(self) -> None:
        """Close the port and all sessions. Stopping twice does nothing."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call(self._server.stop(), START_S)
            loop.stop()

    async def _serve(self) -> None:
        ua, server_class = _packages()
        server = self._server = server_class()
        await server.init()
        server.set_endpoint(self.url)
        server.set_server_name("Simulated sorting PLC")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await server.register_namespace(NAMESPACE)
        status = await server.nodes.objects.add_object(index, "Status")
        for signal in STATUS.signals:
            node = await _variable(ua, status, index, f"Status.{signal.name}", signal)
            read = partial(self._read, ua, signal)
            server.iserver.set_attribute_value_callback(node.nodeid, read)
        command = await server.nodes.objects.add_object(index, "Command")
        for signal in COMMAND.signals:
            node = await _variable(ua, command, index, f"Command.{signal.name}", signal)
            await node.set_writable()
            server.iserver.set_attribute_value_setter(node.nodeid, partial(self._wrote, signal))
        await server.start()

    def _read(self, ua: Any, signal: Signal, *_: Any) -> Any:
        """All nodes of a request come from one image, as long as answering takes under a scan."""
        now = time.monotonic()
        if self._image is None or now - self._image[0] > self._machine.settings.scan_s:
            self._image = (now, self._machine.status())
        numbers = STATUS.get(self._image[1], signal.name)
        return ua.DataValue(
            ua.Variant(numbers if signal.count > 1 else numbers[0], _kind(ua, signal))
        )

    def _wrote(self, signal: Signal, node: Any, attribute: Any, written: Any) -> None:
        """A client's value; its type was checked by the library, its length is checked here."""
        value = written.Value.Value
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) != signal.count:
            raise ValueError(f"{signal.name} has {signal.count} numbers, {len(numbers)} came")
        self._command[signal.name] = numbers
        self._machine.command(COMMAND.pack(**self._command), time.monotonic())


async def _variable(ua: Any, folder: Any, index: int, name: str, signal: Signal) -> Any:
    zero: Any = [0] * signal.count if signal.count > 1 else 0
    node_id = ua.NodeId(name, index)
    return await folder.add_variable(node_id, signal.name, ua.Variant(zero, _kind(ua, signal)))


def _kind(ua: Any, signal: Signal) -> Any:
    kinds = {1: ua.VariantType.UInt16, 2: ua.VariantType.UInt32, 4: ua.VariantType.UInt64}
    return kinds[signal.words]


def _free_port(host: str, port: int) -> int:
    """The port, or any for 0, if nobody listens there: the library takes seconds to find out, and
    must know its own port before it listens."""
    with socket.create_server((host, port)) as probe:
        free: int = probe.getsockname()[1]
    return free


def _packages() -> tuple[Any, Any]:
    try:
        from asyncua import ua
        from asyncua.server.server import Server
    except ImportError as error:
        raise MissingExtraError("asyncua", "plc") from error
    logging.getLogger("asyncua").addHandler(logging.NullHandler())
    return ua, Server
