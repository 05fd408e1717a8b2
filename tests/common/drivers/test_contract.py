"""The one contract suite over every driver. A new driver is one more line of CAMERAS or PLCS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.drivers.base import Driver
from common.drivers.faults import Corrupt, Drop, Duplicate, Reorder, inject
from common.drivers.registry import BUILT_IN, create

from .contract import DriverContract, Make
from .makers import recording, video
from .plcs import KINDS, Plcs

pytestmark = pytest.mark.common

SIM = {
    "kind": "camera",
    "type": "sim",
    "height_px": 24,
    "width_px": 32,
    "rate_hz": 100.0,
    "scene": "common.drivers.camera.scenes:checker",
    "parameters": {"height_px": 24, "width_px": 32, "square_px": 8},
}
MESS = tuple(fault(rate=0.1, until=40) for fault in (Drop, Duplicate, Reorder, Corrupt))


def _replay(folder: Path, **more: Any) -> Driver[Any]:
    return create({"kind": "camera", "type": "replay", "path": recording(folder), **more})


def _opencv(folder: Path, **more: Any) -> Driver[Any]:
    return create({"kind": "camera", "type": "opencv", "source": str(video(folder)), **more})


CAMERAS: dict[str, Callable[[Path], Driver[Any]]] = {
    "sim": lambda folder: create(SIM),
    "sim, not in real time": lambda folder: create({**SIM, "realtime": False}),
    "replay": lambda folder: _replay(folder),
    "replay, fast": lambda folder: _replay(folder, pace="fast"),
    "opencv, file": lambda folder: _opencv(folder),
    "opencv, file at its pace": lambda folder: _opencv(folder, pace="recorded", encoding="mono8"),
    "sim, behind faults": lambda folder: inject(create(SIM), MESS, seed=3),
    "replay, behind faults": lambda folder: inject(_replay(folder, pace="fast"), MESS, seed=3),
}

PLCS = (*KINDS, "sim, behind faults", "modbus, behind faults")


class TestCamera(DriverContract):
    @pytest.fixture(params=CAMERAS)
    def make(self, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
        return lambda: CAMERAS[request.param](tmp_path)


class TestPlc(DriverContract):
    @pytest.fixture(params=PLCS)
    def make(self, request: pytest.FixtureRequest, plcs: Plcs) -> Make:
        kind, _, behind = request.param.partition(", ")
        config, faults = plcs(kind), MESS if behind else ()
        return lambda: inject(create(config), faults, seed=3) if faults else create(config)


def test_every_built_in_driver_is_in_the_suite_or_needs_hardware() -> None:
    covered = {f"camera/{name.split(',')[0]}" for name in CAMERAS}
    covered |= {f"plc/{name.split(',')[0]}" for name in PLCS}
    covered.add("profiler/sim")  # in test_profiler
    covered |= {f"{k}/{t}" for k in ("gnss", "imu") for t in ("sim", "replay", "serial")}  # theirs
    covered |= {"radar/sim", "radar/replay", "radar/ti", "radar_if/sim"}  # in test_radar
    assert set(BUILT_IN) - covered == {"camera/genicam"}
