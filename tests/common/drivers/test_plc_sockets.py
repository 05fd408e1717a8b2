"""PLC drivers over real sockets: what is written acts, what comes back is checked, outages end."""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from common.drivers.base import ConfigError, DisconnectedError, Driver, DriverError, State
from common.drivers.plc.config import SimPlcConfig
from common.drivers.plc.driver import Plc
from common.drivers.plc.runner import Runner
from common.drivers.plc.sim import powered_up
from common.drivers.registry import create
from common.errors import MissingExtraError
from common.types.plc import COMMAND, STATUS, Mode, Outcome, PlcStatus

from .plcs import HOST, KINDS, SERVERS, Plcs, order, served

pytestmark = pytest.mark.common

pytest.importorskip("pymodbus")
pytest.importorskip("asyncua")
PATIENCE_S = 20.0


def plc(config: dict[str, Any]) -> Plc:
    driver = create(config)
    assert isinstance(driver, Plc)
    return driver


def drive(driver: Plc, until: Callable[[PlcStatus], bool]) -> PlcStatus:
    """Run the belt and order every part into lane 1 until the condition holds."""
    deadline, beat = time.monotonic() + PATIENCE_S, 0
    seen: int | None = None
    resets = driver.read(PATIENCE_S).value.one("resets") % 0xFFFF + 1  # an earlier test may trip it
    while time.monotonic() < deadline:
        status = driver.read(PATIENCE_S).value
        if until(status):
            return status
        if status.mode is Mode.TRIPPED and status.one("resets") == resets:
            resets = resets % 0xFFFF + 1
        beat += 1
        fresh = [] if seen is None else status.triggers_since(seen)
        seen = status.one("triggers")
        driver.write(order(status, beat, {part: 1 for part, _ in fresh}, resets))
    raise AssertionError(f"did not come true: {driver.health}")


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_over_the_wire_moves_the_ejector(kind: str, plcs: Plcs) -> None:
    with plc(plcs(kind)) as driver:
        known = driver.read(PATIENCE_S).value.one("outcomes")

        def diverted(status: PlcStatus) -> bool:
            events = status.events_since(known)
            return any(event.outcome is Outcome.DIVERTED and event.lane == 1 for event in events)

        assert drive(driver, diverted).mode is Mode.RUNNING


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_is_gone_stops_the_belt(kind: str, plcs: Plcs) -> None:
    config = plcs(kind)
    with plc(config) as driver:
        status = driver.read(PATIENCE_S).value
        driver.write(order(status, 1, {}, status.one("resets") % 0xFFFF + 1))
        deadline = time.monotonic() + PATIENCE_S
        while driver.read(PATIENCE_S).value.mode is not Mode.RUNNING:
            assert time.monotonic() < deadline
        while driver.read(PATIENCE_S).value.mode is not Mode.TRIPPED:  # the same command for ever
            assert time.monotonic() < deadline


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_command_is_refused(kind: str, plcs: Plcs) -> None:
    driver = plc(plcs(kind))
    with pytest.raises(DriverError):
        driver.write(COMMAND.pack())
    with driver, pytest.raises(ValueError, match="uint16"):
        driver.write(STATUS.pack())


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_a_server_that_goes_and_comes_back(kind: str) -> None:
    with Runner(powered_up(SimPlcConfig())) as runner:
        server, config = SERVERS[kind](runner.machine)
        server.start()
        driver = plc({"kind": "plc", "type": kind, **config()})
        with driver:
            driver.read(PATIENCE_S)
            server.stop()
            assert comes_true(lambda: driver.health.state is State.UNAVAILABLE)
            server.start()
            assert comes_true(lambda: driver.health.state is State.READY)
            assert driver.health.counters.reconnects >= 1
        server.stop()


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_a_port_that_is_taken_is_told(kind: str) -> None:
    with socket.create_server((HOST, 0)) as taken, Runner(powered_up(SimPlcConfig())) as runner:
        server, _ = SERVERS[kind](runner.machine)
        server.port = taken.getsockname()[1]
        with pytest.raises(DriverError, match=str(server.port)):
            server.start()


def closed_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def to_port(kind: str, port: int) -> dict[str, Any]:
    place = (
        {"host": HOST, "port": port} if kind == "modbus" else {"url": f"opc.tcp://{HOST}:{port}"}
    )
    return {"kind": "plc", "type": kind, **place}


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_nobody_there_is_disconnected(kind: str) -> None:
    driver = create(to_port(kind, closed_port()))
    with pytest.raises(DisconnectedError):
        driver.open()
    assert not driver.is_open


Answer = Callable[[bytes], bytes | None]


@contextmanager
def stranger(answer: Answer) -> Iterator[int]:
    """A server that answers each packet as it likes; None closes the connection. Its port."""
    over = threading.Event()

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(0.05)
            while not over.is_set():
                try:
                    packet = client.recv(4096)
                except TimeoutError:
                    continue
                said = answer(packet) if packet else None
                if said is None:
                    return
                client.sendall(said)

    def accept() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                client, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(client,)))
                threads[-1].start()

    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(0.05)
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            for thread in list(threads):
                thread.join()


def modbus(packet: bytes, pdu: bytes) -> bytes:
    return packet[:2] + struct.pack(">HHB", 0, len(pdu) + 1, packet[6]) + pdu


def registers(packet: bytes, words: Any) -> bytes:
    data = struct.pack(f">{len(words)}H", *map(int, words))
    return modbus(packet, bytes([4, len(data) & 0xFF]) + data)


BAD_MODBUS: dict[str, Answer] = {
    "nothing": lambda packet: b"",
    "hangs up": lambda packet: None,
    "noise": lambda packet: bytes(range(255)),
    "another function": lambda packet: modbus(packet, b"\x03\x02\x00\x00"),
    "another transaction": lambda packet: b"\xff\xff" + registers(packet, STATUS.pack())[2:],
    "another unit": lambda packet: registers(packet[:6] + b"\x63" + packet[7:], STATUS.pack()),
    "too few registers": lambda packet: registers(packet, STATUS.pack()[:-1]),
    "too many registers": lambda packet: registers(packet, [0] * 120),
    "half a frame": lambda packet: registers(packet, STATUS.pack())[:40],
    "a length that lies": lambda packet: modbus(packet, b"\x04\xfe\x00\x00"),
    "busy": lambda packet: modbus(packet, b"\x84\x06"),
    "an unknown mode": lambda packet: registers(packet, STATUS.pack(mode=9, clock_us=1)),
    "a clock of centuries": lambda packet: registers(packet, STATUS.pack(clock_us=1 << 60)),
}


@pytest.mark.parametrize("name", BAD_MODBUS)
def test_a_modbus_server_that_sends_nonsense_is_never_believed(name: str) -> None:
    with stranger(BAD_MODBUS[name]) as port:
        driver = create(to_port("modbus", port))
        with driver:
            assert comes_true(lambda: driver.health.state is not State.READY)
            time.sleep(0.4)
            assert driver.health.counters.received == 0
            assert driver.health.state is not State.READY
            assert driver.health.reason


@pytest.mark.parametrize("code", [1, 2, 3])
def test_a_register_map_that_does_not_fit_ends_the_stream_with_its_cause(code: int) -> None:
    with stranger(lambda packet: modbus(packet, bytes([0x84, code]))) as port:
        driver = create(to_port("modbus", port))
        with driver, pytest.raises(ConfigError, match="register map"):
            driver.read(PATIENCE_S)


@pytest.mark.parametrize("answer", [b"", None, b"ACKF\x08\x00\x00\x00", b"\x00" * 64])
def test_an_opcua_server_that_sends_nonsense_is_disconnected(answer: bytes | None) -> None:
    with stranger(lambda packet: answer) as port:
        driver = create({**to_port("opcua", port), "connect_timeout_s": 0.6})
        with pytest.raises(DisconnectedError):
            driver.open()


def test_a_node_that_is_not_there_is_named(plcs: Plcs) -> None:
    driver = create({**plcs("opcua"), "status": {"encoder": "ns=2;s=Status.nowhere"}})
    with pytest.raises(ConfigError, match=r"Status\.nowhere"):
        driver.open()


def test_a_node_of_another_shape_is_corrupt(plcs: Plcs) -> None:
    driver = create({**plcs("opcua"), "status": {"encoder": "ns=2;s=Status.trigger_at"}})
    with driver:
        assert comes_true(lambda: driver.health.counters.corrupt >= 1)
        assert driver.health.counters.received == 0


def test_a_program_that_hangs_shows_as_silent_though_it_answers() -> None:
    machine = powered_up(SimPlcConfig())
    with served("modbus", machine) as config, plc(config) as driver:
        driver.read(PATIENCE_S)
        assert comes_true(lambda: driver.health.state is State.READY)
        began = time.monotonic()
        machine.freeze(began + 1.0)
        assert comes_true(lambda: driver.health.state is State.DEGRADED)
        assert driver.health.counters.reconnects == 0
        assert comes_true(lambda: driver.health.state is State.READY)
        assert time.monotonic() - began > 0.9


@pytest.mark.parametrize(("kind", "package"), [("modbus", "pymodbus"), ("opcua", "asyncua")])
def test_a_missing_package_names_its_extra(
    kind: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    driver: Driver[Any] = create(to_port(kind, 9))
    with pytest.raises(MissingExtraError, match=r"lingnan\[plc\]"):
        driver.open()


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()
