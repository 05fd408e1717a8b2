"""The GenICam camera: errors without its library or producer, and its use of the library.

No camera is at hand here: a stand-in for `harvesters` plays the library's documented part, which
shows that frames, ids and times are carried over and buffers go back, and nothing of hardware.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.drivers.base import ConfigError, DisconnectedError
from common.drivers.registry import create
from common.errors import MissingExtraError

pytestmark = pytest.mark.common

SIZE = {"height_px": 4, "width_px": 6}


def config(folder: Path, **more: Any) -> dict[str, Any]:
    producer = folder / "producer.cti"
    producer.touch()
    return {"kind": "camera", "type": "genicam", "producer": producer, **SIZE, **more}


def test_without_harvesters_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "harvesters.core", None)
    monkeypatch.setitem(sys.modules, "harvesters", None)
    with pytest.raises(MissingExtraError, match=r"lingnan\[genicam\]"):
        create(config(tmp_path))


class Buffer:
    """Plays harvesters' Buffer: a context manager that gives itself back."""

    def __init__(self, library: Library, number: int) -> None:
        self._library = library
        data = np.full(24, number % 250, np.uint8)
        self.payload = SimpleNamespace(components=[SimpleNamespace(data=data, height=4, width=6)])
        self.module = SimpleNamespace(frame_id=number)
        self.timestamp_ns = number * 20_000_000

    def __enter__(self) -> Buffer:
        return self

    def __exit__(self, *error: object) -> None:
        self.payload.components[0].data[:] = 255  # the producer uses its memory again
        self._library.buffers_out -= 1


class Library:
    """Plays one camera, "S1", that counts from 101."""

    def __init__(self) -> None:
        self.nodes: dict[str, SimpleNamespace] = defaultdict(SimpleNamespace)
        self.buffers_out = 0
        self.cameras_out = 0
        self._number = 100

    def add_file(self, path: str) -> None:
        assert path.endswith(".cti")

    def update(self) -> None: ...

    def reset(self) -> None: ...

    def create(self, which: Any) -> Any:
        if which not in (0, {"serial_number": "S1"}):
            raise ValueError("no such device")
        self.cameras_out += 1
        return SimpleNamespace(
            remote_device=SimpleNamespace(node_map=Nodes(self.nodes)),
            start=lambda: None,
            destroy=self._destroy,
            try_fetch=self._fetch,
        )

    def _destroy(self) -> None:
        self.cameras_out -= 1

    def _fetch(self, timeout: float) -> Buffer:
        time.sleep(0.02)
        self.buffers_out += 1
        self._number += 1
        return Buffer(self, self._number)


class Nodes:
    """A node map: every feature exists and takes any value."""

    def __init__(self, nodes: dict[str, SimpleNamespace]) -> None:
        self._nodes = nodes

    def __getattr__(self, name: str) -> SimpleNamespace:
        return self._nodes[name]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    playing = Library()
    core = ModuleType("harvesters.core")
    core.Harvester = lambda: playing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "harvesters", ModuleType("harvesters"))
    monkeypatch.setitem(sys.modules, "harvesters.core", core)
    return playing


def test_frames_ids_and_times_are_carried_over_and_buffers_go_back(
    tmp_path: Path, library: Library
) -> None:
    with create(config(tmp_path, exposure_us=40.0, gain_db=3.0, light="ring")) as camera:
        samples = [camera.read(20.0) for _ in range(5)]
    assert [sample.seq for sample in samples] == list(range(101, 106))
    for sample in samples:
        assert sample.device_time_ns == sample.seq * 20_000_000
        assert (sample.value.pixels == sample.seq % 250).all()
        assert (sample.value.light, sample.value.exposure_us) == ("ring", 40.0)
    assert (library.buffers_out, library.cameras_out) == (0, 0)
    values = {name: node.value for name, node in library.nodes.items()}
    assert values == {
        "Width": 6,
        "Height": 4,
        "PixelFormat": "Mono8",
        "ExposureTime": 40.0,
        "Gain": 3.0,
        "TriggerMode": "Off",
        "AcquisitionFrameRate": 30.0,
    }


def test_a_hardware_trigger_is_set_and_no_rate_is_declared(
    tmp_path: Path, library: Library
) -> None:
    camera = create(config(tmp_path, hardware_trigger=True, serial="S1"))
    assert camera.spec.rate_hz is None
    with camera:
        camera.read(20.0)
    assert library.nodes["TriggerMode"].value == "On"


def test_a_missing_producer_or_camera_is_named(tmp_path: Path, library: Library) -> None:
    with pytest.raises(ConfigError, match=r"none\.cti: no such GenTL producer"):
        create({**config(tmp_path), "producer": tmp_path / "none.cti"})
    with pytest.raises(DisconnectedError, match="S2"):
        create(config(tmp_path, serial="S2")).open()
    assert library.cameras_out == 0
