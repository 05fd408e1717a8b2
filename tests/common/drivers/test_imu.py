"""IMUs keep the drivers' contract, and the simulated one has the errors that it states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.drivers.base import Driver
from common.drivers.faults import Corrupt, Drop, Duplicate, Reorder, inject
from common.drivers.imu.witmotion import WitMotionDecoder
from common.drivers.recorder import Recorder
from common.drivers.registry import create, open_driver
from common.types.imu import ImuSample

from .contract import PATIENCE_S, DriverContract, Make
from .lines import Line
from .receivers import wit

pytestmark = pytest.mark.common

SIM: dict[str, Any] = {"kind": "imu", "type": "sim", "rate_hz": 100.0}
FAST: dict[str, Any] = {**SIM, "realtime": False}
MESS = tuple(fault(rate=0.1, until=40) for fault in (Drop, Duplicate, Reorder, Corrupt))


def recording(folder: Path) -> Path:
    path = folder / "imu.mcap"
    if not path.exists():
        with open_driver(FAST) as imu, Recorder(path) as recorder:
            for _ in range(60):
                recorder.write(imu.read(PATIENCE_S), imu.spec)
    return path


def replay(folder: Path) -> Driver[Any]:
    return create({"kind": "imu", "type": "replay", "path": recording(folder), "pace": "fast"})


IMUS: dict[str, Callable[[Path], Driver[Any]]] = {
    "sim": lambda folder: create(SIM),
    "sim, not in real time": lambda folder: create(FAST),
    "sim, behind faults": lambda folder: inject(create(SIM), MESS, seed=3),
    "replay": replay,
}


class TestImu(DriverContract):
    @pytest.fixture(params=IMUS)
    def make(self, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
        return lambda: IMUS[request.param](tmp_path)


class TestSerialImu(DriverContract):
    @pytest.fixture
    def make(self) -> Iterator[Make]:
        pytest.importorskip("serial")
        with Line() as line:
            line.play((wit((0, 0, 2048), (k, 0, 0)) for k in range(6000)), 0.01)
            yield lambda: create({"kind": "imu", "type": "serial", "port": line.port})


def samples(count: int, **config: Any) -> np.ndarray[Any, Any]:
    """(count, 2, 3)."""
    with open_driver({**FAST, **config}) as imu:
        return np.stack([imu.read(PATIENCE_S).value.measured for _ in range(count)])


def test_at_rest_it_feels_gravity_upwards() -> None:
    mean = samples(2000).mean(axis=0)
    assert mean[1] == pytest.approx([0, 0, 9.80665], abs=5 * 0.05)
    assert mean[0] == pytest.approx([0, 0, 0], abs=5 * 3e-3)


def test_white_noise_has_the_stated_density() -> None:
    """A mean over T seconds has the standard deviation density / sqrt(T)."""
    axis = {
        "noise_density": 1e-3, "bias_sigma": 0.0, "bias_walk": 0.0, "full_scale": 50.0,
        "resolution": 1e-9,
    }  # fmt: skip
    told = samples(20_000, gyro=axis)[:, 0]
    assert told.std(axis=0) == pytest.approx(1e-3 * 10, rel=0.05)
    blocks = told.reshape(200, 100, 3).mean(axis=1)
    assert blocks.std(axis=0) == pytest.approx(1e-3, rel=0.15)


def test_on_a_circle_turn_and_force_belong_together() -> None:
    quiet = {
        "noise_density": 0.0, "bias_sigma": 0.0, "bias_walk": 0.0, "full_scale": 50.0,
        "resolution": 1e-9,
    }  # fmt: skip
    told = samples(
        1000, gyro=quiet, accelerometer=quiet, scene="common.drivers.imu.scenes:circle",
        parameters={"speed_mps": 12.0, "radius_m": 40.0},
    )  # fmt: skip
    speed = np.cumsum(told[:, 1, 0]) / 100
    assert told[600:, 0, 2] == pytest.approx(12.0 / 40.0)
    assert speed[-1] == pytest.approx(12.0, rel=0.01)
    assert told[600:, 1, 1] == pytest.approx(12.0**2 / 40.0)


def test_it_saturates_at_full_scale() -> None:
    axis = {"noise_density": 0, "bias_sigma": 0, "bias_walk": 0, "full_scale": 5.0,
            "resolution": 0.5}  # fmt: skip
    assert np.all(samples(5, accelerometer=axis)[:, 1, 2] == 5.0)


def test_what_is_recorded_is_replayed(tmp_path: Path) -> None:
    with open_driver(FAST) as live, replay(tmp_path) as again:
        for _ in range(60):
            wanted, got = live.read(PATIENCE_S), again.read(PATIENCE_S)
            assert np.array_equal(wanted.value.measured, got.value.measured)
            assert wanted.value.temperature_c == got.value.temperature_c == 31.0
            assert wanted.device_time_ns == got.device_time_ns


def test_frames_of_the_line_are_read_in_si_units() -> None:
    decoder = WitMotionDecoder()
    good = wit((0, -2048, 2048), (16_384, 0, -16_384), 36.5)
    (sample,) = decoder.feed(good)
    assert sample.specific_force_mps2 == pytest.approx([0, -9.8, 9.8])
    assert sample.angular_velocity_radps == pytest.approx(np.deg2rad([1000, 0, -1000]))
    assert sample.temperature_c == 36.5
    damaged = bytearray(good)
    damaged[4] ^= 1
    got = [s for part in (b"\x00\x55", bytes(damaged), good, b"\x55") for s in decoder.feed(part)]
    assert len(got) == 1 and decoder.corrupt >= 1


def test_a_sample_is_finite_and_of_its_shape() -> None:
    with pytest.raises(ValueError, match="finite"):
        ImuSample.of([0, 0, np.nan], [0, 0, 0])
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        ImuSample(np.zeros((3, 2)))
