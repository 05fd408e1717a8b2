"""Receivers keep the drivers' contract: simulated, replayed, and on a serial line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers.base import ConfigError, Driver, DriverError, RecordingError, State
from common.drivers.faults import Corrupt, Drop, Duplicate, Reorder, inject
from common.drivers.gnss.config import parse
from common.drivers.gnss.counting import EpochCounter
from common.drivers.gnss.framing import MAX_UBX_BYTES, Framer, rtcm, ubx
from common.drivers.gnss.ubx import UbxDecoder
from common.drivers.recorder import Recorder
from common.drivers.registry import create, open_driver
from common.types.gnss import MAX_SIGNALS, SIGNAL, GnssEpoch

from .contract import PATIENCE_S, DriverContract, Make
from .lines import Line
from .receivers import WEEK, rawx, signal, stream, ubx_file

pytestmark = pytest.mark.common

SIM: dict[str, Any] = {"kind": "gnss", "type": "sim", "rate_hz": 50.0}
MESS = tuple(fault(rate=0.1, until=40) for fault in (Drop, Duplicate, Reorder, Corrupt))


def recording(folder: Path) -> Path:
    path = folder / "gnss.mcap"
    if not path.exists():
        with open_driver({**SIM, "realtime": False}) as receiver, Recorder(path) as recorder:
            for _ in range(60):
                recorder.write(receiver.read(PATIENCE_S), receiver.spec)
    return path


def replay(path: Path, **more: Any) -> Driver[Any]:
    return create({"kind": "gnss", "type": "replay", "path": path, **more})


RECEIVERS: dict[str, Callable[[Path], Driver[Any]]] = {
    "sim": lambda folder: create(SIM),
    "sim, not in real time": lambda folder: create({**SIM, "realtime": False}),
    "sim, behind faults": lambda folder: inject(create(SIM), MESS, seed=3),
    "replay": lambda folder: replay(recording(folder), pace="fast"),
    "replay, behind faults": lambda folder: inject(
        replay(recording(folder), pace="fast"), MESS, seed=3
    ),
    "replay, ubx": lambda folder: replay(ubx_file(folder)),
}


class TestReceiver(DriverContract):
    @pytest.fixture(params=RECEIVERS)
    def make(self, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
        return lambda: RECEIVERS[request.param](tmp_path)


class TestSerialReceiver(DriverContract):
    @pytest.fixture
    def make(self) -> Iterator[Make]:
        pytest.importorskip("serial")
        with Line() as line:
            line.play(stream(3000, 50.0), 0.02)
            config = {"kind": "gnss", "type": "serial", "port": line.port, "rate_hz": 50.0}
            yield lambda: create(config)

    def test_reopens_from_the_start(self, make: Make) -> None:
        """A live receiver's counter starts anew, whatever it did before."""
        driver = make()
        with driver:
            last = [driver.read(PATIENCE_S) for _ in range(15)][-1]
        with driver:
            assert driver.read(PATIENCE_S).seq < last.seq


def test_a_simulated_satellite_agrees_with_itself() -> None:
    """Code and phase change as the Doppler says."""
    with open_driver({**SIM, "realtime": False, "rate_hz": 1.0}) as receiver:
        first, *_, last = (receiver.read(PATIENCE_S).value for _ in range(61))
    a, b = first.signals, last.signals
    assert np.array_equal(a["satellite"], b["satellite"])
    cycles = b["phase_cycles"] - a["phase_cycles"]
    assert cycles == pytest.approx(-60 * a["doppler_hz"], abs=60 * 0.6)
    wavelength_m = 299_792_458.0 / a["frequency_hz"]
    assert b["code_m"] - a["code_m"] == pytest.approx(cycles * wavelength_m, abs=2.5)


def test_what_is_recorded_is_replayed_to_the_bit(tmp_path: Path) -> None:
    path = recording(tmp_path)
    with open_driver({**SIM, "realtime": False}) as live, replay(path, pace="fast") as again:
        for _ in range(60):
            wanted, got = live.read(PATIENCE_S).value, again.read(PATIENCE_S).value
            assert wanted.table.tobytes() == got.table.tobytes()
            assert (wanted.week, wanted.tow_s, wanted.leap_s) == (got.week, got.tow_s, got.leap_s)


def test_navigation_frames_survive_a_recording(tmp_path: Path) -> None:
    subframe = ubx(0x02, 0x13, bytes(range(48)))
    path = tmp_path / "with_nav.ubx"
    path.write_bytes(subframe + rawx(1000.0) + rawx(1001.0) + subframe + rawx(1002.0))
    kept = tmp_path / "with_nav.mcap"
    with replay(path, pace="fast") as source, Recorder(kept) as recorder:
        for _ in range(3):
            recorder.write(source.read(PATIENCE_S), source.spec)
    with replay(kept, pace="fast") as again:
        got = [again.read(PATIENCE_S).value.navigation for _ in range(3)]
    assert got == [(subframe,), (), (subframe,)]


def test_a_live_receiver_is_read_and_its_losses_are_counted() -> None:
    pytest.importorskip("serial")
    epochs = stream(40, 20.0)
    damaged = bytearray(epochs[11])
    damaged[40] ^= 1
    pieces = [*epochs[:11], bytes(damaged), *epochs[12:20], *epochs[23:]]
    with Line() as line:
        config = {"kind": "gnss", "type": "serial", "port": line.port, "rate_hz": 20.0}
        with open_driver(config) as receiver:
            line.play(pieces, 0.05)
            got = [receiver.read(PATIENCE_S) for _ in range(len(pieces) - 1)]
            counters = receiver.health.counters
    assert [s.value.tow_s for s in got] == pytest.approx(
        [1000 + k / 20 for k in range(40) if k not in (11, 20, 21, 22)]
    )
    assert counters.dropped == 4 and counters.corrupt >= 1
    assert got[0].value.signals["satellite"].tolist() == [b"G05", b"G12", b"G25"]
    assert got[0].device_time_ns == (WEEK * 604_800 + 1000) * 10**9


def test_a_receiver_that_is_unplugged_comes_back(tmp_path: Path) -> None:
    pytest.importorskip("serial")
    port = tmp_path / "port"
    config = {"kind": "gnss", "type": "serial", "port": str(port), "rate_hz": 20.0}
    with Line() as first:
        port.symlink_to(first.port)
        receiver = create(config)
        receiver.open()
        first.play(stream(1000, 20.0), 0.05)
        receiver.read(PATIENCE_S)
        port.unlink()
    with Line() as second:
        assert _comes_true(lambda: receiver.health.state is State.UNAVAILABLE)
        port.symlink_to(second.port)
        second.play(stream(1000, 20.0), 0.05)
        assert receiver.read(PATIENCE_S).value.count == 3
        assert receiver.health.counters.reconnects >= 1
        receiver.close()


def test_a_receiver_is_configured_and_must_agree() -> None:
    pytest.importorskip("serial")
    pytest.importorskip("pyubx2")
    for verdict, is_taken in ((1, True), (0, False)):

        def answer(told: bytes, verdict: int = verdict) -> bytes:
            return ubx(0x05, verdict, b"\x06\x8a") * told.count(b"\xb5\x62\x06\x8a")

        with Line(answer) as line:
            config = {"kind": "gnss", "type": "serial", "port": line.port, "rate_hz": 5.0,
                      "configure": True}  # fmt: skip
            receiver = create(config)
            if is_taken:
                with receiver:
                    pass
                assert b"\x01\x00\x21\x30\xc8\x00" in line.received  # CFG-RATE-MEAS = 200 ms
            else:
                with pytest.raises(DriverError, match="refused"):
                    receiver.open()


def test_a_silent_receiver_is_told_when_it_should_be_configured() -> None:
    pytest.importorskip("serial")
    pytest.importorskip("pyubx2")
    with Line() as line:
        config = {"kind": "gnss", "type": "serial", "port": line.port, "configure": True}
        with pytest.raises(DriverError, match="no answer"):
            create(config).open()


@given(
    cuts=st.lists(st.integers(0, 1200), max_size=8),
    junk=st.binary(max_size=60),
)
def test_frames_come_whole_however_the_stream_is_cut(cuts: list[int], junk: bytes) -> None:
    junk = junk.translate(None, b"\xb5\xd3$")
    frames = [rawx(7.0), rtcm(b"\x3e\xd0" + bytes(17)), b"$GPGGA,1*4B\r\n", rawx(8.0)]
    data = junk.join([b"", *frames, b""])
    framer, got = Framer(), []
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for begin, end in pairwise(edges):
        got += [frame.data for frame in framer.feed(data[begin:end])]
    framer.finish()
    assert got == frames
    assert framer.counts.skipped_bytes == 5 * len(junk)


@given(data=st.binary(max_size=400), at=st.integers(0, 200), bit=st.integers(0, 7))
def test_no_bytes_break_the_readers(data: bytes, at: int, bit: int) -> None:
    damaged = bytearray(rawx(7.0))
    damaged[at % len(damaged)] ^= 1 << bit
    framer, decoder = Framer(), UbxDecoder()
    past = bytes(MAX_UBX_BYTES + 8)  # more than any length that was made up can wait for
    stream = data + bytes(damaged) + ubx(0x02, 0x15, data) + past + rawx(9.0)
    frames = list(framer.feed(stream))
    for frame in frames:
        try:
            epochs = decoder.decode(frame)
        except DriverError:
            continue
        assert all(epoch.count <= MAX_SIGNALS for epoch in epochs)
    assert frames[-1].data == rawx(9.0)


def test_a_flag_is_what_the_interface_description_says() -> None:
    rows = (
        signal(1, 2.1e7),
        signal(2, 2.2e7, status=1 | 4),
        signal(3, 2.3e7, status=2),
        signal(210, 2.4e7),
        signal(7, 2.5e7, gnss=2, sig=6),
        signal(9, 2.5e7, gnss=2, sig=7),
    )
    (frame,) = Framer().feed(rawx(5.0, rows))
    (epoch,) = UbxDecoder().decode(frame)
    told = epoch.signals
    assert told["satellite"].tolist() == [b"G01", b"G02", b"G03", b"E07"]
    assert told["signal"].tolist() == [b"1C", b"1C", b"1C", b"7Q"]
    assert np.isnan(told["phase_cycles"]).tolist() == [False, True, False, False]
    assert np.isnan(told["code_m"]).tolist() == [False, False, True, False]
    assert told["half_cycle"].tolist() == [False, False, True, False]
    assert told["frequency_hz"][3] == 1207.14e6


def test_an_epoch_counter_tells_gaps_repeats_and_steps() -> None:
    counter = EpochCounter(10.0)
    times_s = [5.0, 5.1, 5.1, 5.4, 5.5, 1e6, 1e6 + 0.1, 3.0]
    assert [counter.step(int(t * 1e9)) for t in times_s] == [0, 1, 1, 4, 5, 6, 7, 8]


def test_no_epoch_has_more_signals_than_allowed() -> None:
    rows = np.zeros(MAX_SIGNALS + 1, SIGNAL)
    rows["satellite"] = b"G01"
    with pytest.raises(ValueError, match="256"):
        GnssEpoch.make(1, 0.0, rows)
    with pytest.raises(ValueError, match="name"):
        GnssEpoch.make(1, 0.0, np.zeros(3, SIGNAL))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"type": "serial", "port": "x", "baud": 1}, "baud"),
        ({"type": "serial"}, "port"),
        ({"type": "sim", "rate_hz": 0}, "rate_hz"),
        ({"type": "laser"}, "laser"),
    ],
)
def test_a_wrong_config_is_named(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse({"kind": "gnss", **config})


def test_a_file_without_epochs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.ubx"
    path.write_bytes(b"nothing here")
    with pytest.raises(RecordingError, match=r"none\.ubx"):
        replay(path)
    with pytest.raises(RecordingError, match=r"gone\.ubx"):
        replay(tmp_path / "gone.ubx")


def test_a_config_needs_no_library() -> None:
    code = (
        "import sys, common.drivers.gnss.config, common.drivers.imu.config\n"
        "sys.exit(any(name in sys.modules for name in ('serial', 'pyubx2', 'pyrtcm')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_library_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(DriverError.__base__, match=r"lingnan\[gnss\]"):  # type: ignore[arg-type]
        create({"kind": "gnss", "type": "serial", "port": "/dev/ttyACM0"})


def _comes_true(condition: Callable[[], bool]) -> bool:
    import time

    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()
