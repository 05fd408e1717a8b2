"""Radars keep the drivers' contract; TI's frames survive a bad line."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers.base import (
    ConfigError,
    CorruptSampleError,
    DisconnectedError,
    Driver,
    DriverSpec,
)
from common.drivers.faults import Corrupt, Drop, Duplicate, Reorder, inject
from common.drivers.radar import tlv
from common.drivers.radar.sim import points_spec
from common.drivers.recorder import Recorder
from common.drivers.registry import create, open_driver
from common.types.radar import CAPACITY, COLUMNS, RadarCube, RadarPoints
from common.types.stamped import Stamped
from tests.common.drivers.contract import PATIENCE_S, DriverContract, Make

pytestmark = pytest.mark.common

SIM: dict[str, Any] = {"kind": "radar", "type": "sim", "rate_hz": 100.0}
IF: dict[str, Any] = {
    "kind": "radar_if", "type": "sim", "rate_hz": 100.0, "shape": (8, 2, 2, 16),
    "parameters": {"loops": 8, "transmitters": 2, "receivers": 2, "samples": 16},
}  # fmt: skip
MESS = tuple(fault(rate=0.1, until=40) for fault in (Drop, Duplicate, Reorder, Corrupt))
SPEC: DriverSpec = points_spec("sim", "radar", 100.0)


def some_points(count: int, seed: int) -> RadarPoints:
    """Points in front of a radar."""
    rng = np.random.default_rng(seed)
    low, high = (1.0, -1.0, -0.3, -30.0, 5.0), (90.0, 1.0, 0.3, 30.0, 60.0)
    return RadarPoints.of(rng.uniform(low, high, (count, 5)))


def recording(folder: Path, count: int = 60) -> Path:
    """An MCAP of frames with 0 to 6 points, made once a folder."""
    path = folder / "radar.mcap"
    if not path.exists():
        with Recorder(path) as recorder:
            for n in range(count):
                stamp = 5_000_000_000 + n * 10_000_300, 1_760_000_000_000_000_000 + n * 10_000_000
                recorder.write(Stamped(n, *stamp, "radar", some_points(n % 7, n)), SPEC)
    return path


class Sensor:
    """A TI sensor behind two pseudo-terminals: frames at 100 Hz, numbered from 0 whenever its
    command port is told sensorStart; a profile line that begins with "bad" is refused."""

    def __init__(self, spoil: Callable[[int, bytes], bytes] = lambda n, frame: frame) -> None:
        (self._data, self._held), (self._cli, held) = os.openpty(), os.openpty()
        self.data_port, self.cli_port = os.ttyname(self._held), os.ttyname(held)
        self._ends = (self._data, self._held, self._cli, held)
        for end in self._ends:
            tty.setraw(end)
        os.set_blocking(self._data, False)
        os.set_blocking(self._cli, False)
        self._spoil = spoil
        self._number = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(0.001):
            self._obey()
            if time.monotonic() >= due:
                due += 0.01
                self._send()

    def _obey(self) -> None:
        with suppress(BlockingIOError):
            heard = os.read(self._cli, 256)
            if heard.startswith(b"sensorStart"):
                self._number = 0
            os.write(self._cli, b"Error -1\n" if heard.startswith(b"bad") else b"Done\n")

    def _send(self) -> None:
        number, self._number = self._number, self._number + 1
        cycles = (2**32 - 30_000_000 + number * 2_000_000) % 2**32  # wraps under way
        frame = tlv.build(number, cycles, some_points(number % 5, number))
        with suppress(BlockingIOError):  # nobody listens
            os.write(self._data, self._spoil(number, frame))

    def driver(self, **more: Any) -> Driver[Any]:
        """The driver on this sensor's ports."""
        ports = {"data_port": self.data_port, "cli_port": self.cli_port, "rate_hz": 100.0}
        start = {"commands": ("sensorStop", "sensorStart")}
        return create({"kind": "radar", "type": "ti"} | ports | start | more)

    def close(self) -> None:
        """Unplug."""
        self._stop.set()
        self._thread.join()
        for end in self._ends:
            os.close(end)


@pytest.fixture
def sensor() -> Iterator[Sensor]:
    """A sensor in good health."""
    found = Sensor()
    yield found
    found.close()


RADARS: dict[str, Callable[[Path], Driver[Any]]] = {
    "sim": lambda folder: create(SIM),
    "sim, not in real time": lambda folder: create({**SIM, "realtime": False}),
    "sim, behind faults": lambda folder: inject(create(SIM), MESS, seed=3),
    "samples": lambda folder: create(IF),
    "replay": lambda folder: create({"kind": "radar", "type": "replay", "path": recording(folder)}),
    "replay, fast": lambda folder: create(
        {"kind": "radar", "type": "replay", "path": recording(folder), "pace": "fast"}
    ),
}


class TestRadar(DriverContract):
    @pytest.fixture(params=RADARS)
    def make(self, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
        return lambda: RADARS[request.param](tmp_path)


class TestTiRadar(DriverContract):
    @pytest.fixture
    def make(self, sensor: Sensor) -> Make:
        return sensor.driver


def test_ti_points_come_as_they_were_sent(sensor: Sensor) -> None:
    with sensor.driver() as radar:
        for _ in range(10):
            sample = radar.read(PATIENCE_S)
            sent = some_points(sample.seq % 5, sample.seq)
            assert len(sample.value) == len(sent)
            assert np.allclose(sample.value.table, sent.table, atol=0.051, equal_nan=True)


def test_ti_time_goes_on_over_the_counters_wrap(sensor: Sensor) -> None:
    with sensor.driver() as radar:
        samples = [radar.read(PATIENCE_S) for _ in range(30)]
    step = np.diff([s.device_time_ns for s in samples]) / np.diff([s.seq for s in samples])
    assert np.allclose(step, 10_000_000, atol=1)


def test_ti_damaged_frames_are_counted_and_the_others_come() -> None:
    """Every third frame has a flipped length, a lost tail or a wild point."""

    def spoil(number: int, frame: bytes) -> bytes:
        damage = {
            3: frame[:12] + b"\xff\xff\xff\x7f" + frame[16:],
            6: frame[:-40],
            9: frame.replace(tlv.RECORD.pack(1, 16 * (number % 5)), tlv.RECORD.pack(1, 7)),
        }
        return damage.get(number % 12, frame)

    spoiled = Sensor(spoil)
    try:
        with spoiled.driver() as radar:
            numbers = [radar.read(PATIENCE_S).seq for _ in range(40)]
            assert radar.health.counters.corrupt >= 4
    finally:
        spoiled.close()
    assert not {n % 12 for n in numbers} & {3, 6, 9}
    assert len({n % 12 for n in numbers}) == 9


def test_ti_profile_that_is_refused_is_named(sensor: Sensor) -> None:
    with pytest.raises(DisconnectedError, match=r"Error -1.*bad line"):
        sensor.driver(commands=("sensorStop", "bad line")).open()


def test_ti_port_that_is_not_there_is_named(tmp_path: Path) -> None:
    radar = create({"kind": "radar", "type": "ti", "data_port": str(tmp_path / "ttyACM0")})
    with pytest.raises(DisconnectedError, match="ttyACM0"):
        radar.open()


@given(st.binary(max_size=400), st.integers(1, 64))
def test_the_framer_takes_any_bytes(noise: bytes, step: int) -> None:
    """Whatever comes before, a frame behind enough good bytes is found, and memory is bounded."""
    good = tlv.build(5, 77, some_points(3, 1))
    framer, found = tlv.Framer(), []
    stream = noise + tlv.MAGIC[:5] + good + good * (tlv.MAX_FRAME_BYTES // len(good) + 1)
    for at in range(0, len(stream), 997 * step):
        framer.feed(stream[at : at + 997 * step])
        while True:
            try:
                frame = framer.next()
            except CorruptSampleError:
                continue
            if frame is None:
                break
            found.append(frame)
        assert len(framer._held) <= tlv.MAX_FRAME_BYTES + 997 * step
    assert found and all(frame.number == 5 and len(frame.points) == 3 for frame in found)


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_frame_with_one_wrong_byte_is_refused_or_sane(where: int, flip: int) -> None:
    frame = bytearray(tlv.build(5, 77, some_points(20, 2)))
    frame[where] ^= flip
    try:
        found = tlv.parse(bytes(frame))
    except CorruptSampleError:
        return
    assert len(found.points) <= 20
    assert (found.points.column("range_m") <= tlv.MAX_RANGE_M).all()


def test_recorded_points_come_back_bit_for_bit(tmp_path: Path) -> None:
    config = {"kind": "radar", "type": "replay", "path": recording(tmp_path), "pace": "fast"}
    with open_driver(config) as radar:
        for n in range(60):
            back = radar.read(PATIENCE_S).value
            assert np.array_equal(back.table, some_points(n % 7, n).table, equal_nan=True)


def test_another_reader_reads_the_recording(tmp_path: Path) -> None:
    """rosbags takes its own definition of the message."""
    rosbags = pytest.importorskip("rosbags.typesys")
    from mcap.reader import make_reader

    store = rosbags.get_typestore(rosbags.Stores.ROS2_JAZZY)
    with recording(tmp_path).open("rb") as stream:
        data = [m.data for _, c, m in make_reader(stream).iter_messages() if c.topic == "/radar"]
    cloud = store.deserialize_cdr(data[6], "sensor_msgs/msg/PointCloud2")
    names = [field.name for field in cloud.fields]
    rows = cloud.data.view("<f4").reshape(cloud.width, len(names))
    assert names == ["x", "y", "z", *COLUMNS]
    assert np.allclose(rows[:, :3], some_points(6, 6).xyz_m)


def test_two_runs_give_the_same_frames() -> None:
    config = {**SIM, "realtime": False}
    tables = []
    for _ in range(2):
        with open_driver(config) as radar:
            tables.append([radar.read(PATIENCE_S).value.table for _ in range(5)])
    assert np.array_equal(tables[0], tables[1], equal_nan=True)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (SIM | {"scene": "os:getcwd"}, "may not be loaded"),
        (SIM | {"scene": "common.drivers.radar.scenes:tone"}, "measure"),
        (IF | {"scene": "common.drivers.radar.scenes:passing", "parameters": {}}, "sample"),
        (IF | {"shape": (60_000, 9, 9, 60_000)}, "cube"),
    ],
)
def test_a_config_that_cannot_be_is_refused(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        create(config)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (np.zeros((4, 5), np.float32), "table needs"),
        (np.full((CAPACITY, 5), np.inf, np.float32), "finite"),
        (np.full((CAPACITY, 5), -1, np.float32), ">= 0"),
    ],
)
def test_points_that_cannot_be_are_refused(table: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        RadarPoints(table)


def test_a_cube_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="int16"):
        RadarCube(np.zeros((8, 2, 2, 16, 2), np.float32))  # type: ignore[arg-type]
