"""The demonstration: frames and facts, bins against where parts really land, its command."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from common.cli.main import run
from common.drivers.base import DriverTimeoutError
from common.drivers.camera.sim import SimCamera
from common.types.heightmap import HeightMap
from common.types.image import Image
from common.types.stamped import Stamped
from inspection import demo as room
from inspection.relief import coloured
from inspection.relief.classify import shipped
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import recipe
from inspection.sim.sorting.watched import Watched
from inspection.sorting.bins import RECHECK

pytestmark = pytest.mark.inspection
END_S = 20.0  # generous: the machine may be busy


def decoded(data: bytes) -> np.ndarray[Any, Any]:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture)


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch) -> list[SimCamera]:
    """Those that the demonstration makes; it does not wait between parts."""
    made: list[SimCamera] = []

    def make(config: Any) -> SimCamera:
        made.append(SimCamera(config))
        return made[-1]

    monkeypatch.setattr(room, "SimCamera", make)
    monkeypatch.setattr(room, "PART_EVERY_S", 0.0)
    return made


def test_frames_tell_belt_heights_and_bins_and_end_when_told(cameras: list[SimCamera]) -> None:
    stop, frames = threading.Event(), []
    for frame in room.demo(stop, seed=3):
        if not frames:
            assert cameras[0].health.state.name == "READY"
        frames.append(frame)
        image = frame.facts["pictures"][0].get("image", "")
        if len(frames) >= 8 and image:
            stop.set()
            told = time.monotonic()
        assert len(frames) < 100, "no height map came"
    assert time.monotonic() - told < END_S
    assert cameras[0].health.state.name == "UNAVAILABLE", "closed"
    assert "bench" not in {thread.name for thread in threading.enumerate()}
    assert decoded(frames[-1].jpeg).shape == (1024, 1024, 3)
    kind, data = image.split(",")
    assert kind == "data:image/jpeg;base64"
    assert decoded(base64.b64decode(data)).shape[1] == coloured.WIDTH_PX
    for count, frame in enumerate(frames, start=1):
        facts = frame.facts
        (bins,) = facts["bars"].values()
        assert sum(bins.values()) + facts["parts on the belt"] == count
        assert facts["counters"]["parts"] == count
        assert facts["simulated"] is True


def test_the_bins_are_where_the_parts_really_land() -> None:
    kinds: Iterator[str | None] = iter(("good", "point", "coarse", None) * 60)
    line = Watched(lambda: next(kinds), seed=4)
    for _ in range(200):
        line.next_part()
    lanes = Counter(part.lane for part in line.belt.landed)
    bins = line.bins()
    for lane, name in enumerate(("good", "rework", "scrap"), start=1):
        assert bins[name] > 40
        assert abs(bins[name] - lanes[lane]) <= 1  # a stroke may be under way
    assert 0 <= bins[RECHECK] - lanes[0] <= 4  # given up at once, at the belt's end later


def test_a_line_without_parts_is_no_endless_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Watched(lambda: "good", seed=1)
    monkeypatch.setattr(line.belt, "_feed_parts", lambda: None)
    with pytest.raises(RuntimeError, match="the line stands"):
        line.next_part()


def test_a_lost_picture_sends_its_part_to_recheck(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def trigger(self, *lights: str) -> int:
            return 0

        def read(self, timeout_s: float | None = None) -> Stamped[Image]:
            raise DriverTimeoutError("no sample")

    monkeypatch.setattr(room, "PICTURE_S", 0.05)
    station = room.Station(Blind(), 1, threading.Event())
    line = Watched(station.look, 1)
    for _ in range(12):
        line.next_part()
    bins = line.bins()
    assert station.picture == b""
    assert bins[RECHECK] >= 8 and sum(bins.values()) == bins[RECHECK]


def test_the_coloured_map_has_a_true_scale_and_outlines_the_flaw() -> None:
    rng = np.random.default_rng(8)
    height = rng.normal(0, 0.3, (320, 320)).astype(np.float32)
    height[100:110, 200:210] -= 20
    seen = HeightMap(height, 5.0)
    picture = coloured.draw(seen, inspect(seen, recipe("surface"), shipped()))
    zoom = coloured.WIDTH_PX / 320
    assert picture.shape == (coloured.WIDTH_PX + coloured.STRIP_PX, coloured.WIDTH_PX, 3)
    bar = (picture[-coloured.STRIP_PX + 17, : coloured.WIDTH_PX // 2] == 255).all(axis=-1)
    lengths = {n: round(n * zoom / 5.0) for n in coloured.LENGTHS_UM}
    assert any(abs(int(bar.sum()) - 1 - length) <= 1 for length in lengths.values())
    white = np.argwhere((picture[: coloured.WIDTH_PX] > 230).all(axis=-1)) / zoom
    assert len(white) > 20
    assert np.all(np.abs(white - (104.5, 204.5)) < 15), "only around the pit"
    assert np.ptp(white, axis=0).min() > 10


@pytest.mark.parametrize("port", ["-1", "65536", "abc"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspection", "demo", f"--port={port}"]) == 2
    told = capsys.readouterr()
    assert "port" in (told.out + told.err).lower()
    assert "Traceback" not in told.err


def test_help_tells_of_the_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspection", "demo", "--help"]) == 0
    assert "--port" in capsys.readouterr().out


@pytest.mark.service
@pytest.mark.skipif(find_spec("uvicorn") is None, reason="the extra service is not installed")
class TestServed:
    """The command with the service."""

    def test_a_taken_port_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("LINGNAN_STATE", str(tmp_path))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert run(["inspection", "demo", f"--port={port}"]) == 2
        assert f"port {port}" in capsys.readouterr().err

    @pytest.mark.slow
    def test_ctrl_c_ends_it(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "common.cli.main", "inspection", "demo", "--port=0"]
        told = {**os.environ, "LINGNAN_STATE": str(tmp_path)}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=told, text=True
        ) as child:
            assert child.stdout is not None and child.stderr is not None
            assert "/?token=" in child.stdout.readline()
            child.send_signal(signal.SIGINT)
            assert child.wait(30) in (0, 130)
            assert "Traceback" not in child.stderr.read()
