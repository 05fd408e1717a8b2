"""The OpenCV camera on a video file, and the errors of sources that are not there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.drivers.base import ConfigError, DisconnectedError, Driver, EndOfStreamError, State
from common.drivers.registry import create

from .makers import video

pytestmark = pytest.mark.common


def camera(source: int | str, **more: Any) -> Driver[Any]:
    return create({"kind": "camera", "type": "opencv", "source": source, **more})


def read_all(driver: Driver[Any]) -> list[Any]:
    samples = []
    with driver:
        try:
            while True:
                samples.append(driver.read(20.0))
        except EndOfStreamError:
            assert driver.health.state is State.UNAVAILABLE
    return samples


@pytest.mark.parametrize("encoding", ["mono8", "bgr8"])
def test_a_file_gives_every_frame_once_then_ends(tmp_path: Path, encoding: str) -> None:
    driver = camera(str(video(tmp_path)), encoding=encoding, um_per_px=4.0)
    assert driver.spec.shape == ((48, 64) if encoding == "mono8" else (48, 64, 3))
    assert driver.spec.rate_hz == pytest.approx(100.0)
    samples = read_all(driver)
    assert [sample.seq for sample in samples] == list(range(60))
    grey = np.array([sample.value.pixels.mean() for sample in samples])
    assert np.abs(grey - 4 * np.arange(60)).max() < 3  # JPEG is not lossless
    assert {sample.value.encoding for sample in samples} == {encoding}
    assert {sample.value.um_per_px for sample in samples} == {4.0}


def test_a_slow_reader_loses_nothing_of_a_file(tmp_path: Path) -> None:
    with camera(str(video(tmp_path)), pace="recorded") as driver:
        driver.read(20.0)
        time.sleep(0.5)  # the queue would overrun several times
        assert driver.health.state is State.READY  # the reader is slow, not the source
        assert [driver.read(20.0).seq for _ in range(59)] == list(range(1, 60))
        assert driver.health.counters.overruns == 0


def test_its_own_pace_is_kept(tmp_path: Path) -> None:
    started = time.monotonic()
    read_all(camera(str(video(tmp_path)), pace="recorded"))
    assert time.monotonic() - started >= 0.59


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="48 x 64 px, the config says 50 x 64"):
        camera(str(video(tmp_path)), height_px=50, width_px=64)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nowhere.avi", "no such video file"),
        ("http://127.0.0.1/x", "rtsp"),
        ("file:///etc/passwd", "rtsp"),
        (0, "height_px, width_px and rate_hz"),
        ("rtsp://127.0.0.1:9/live", "height_px, width_px and rate_hz"),
    ],
)
def test_what_cannot_be_declared_is_refused(source: int | str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        camera(source)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.avi"
    path.write_text("not a video")
    with pytest.raises(ConfigError, match=r"text\.avi: not a video"):
        camera(str(path))


@pytest.mark.parametrize("source", [97, "rtsp://127.0.0.1:9/live"])
def test_a_source_that_is_not_there_is_disconnected(source: int | str) -> None:
    driver = camera(source, height_px=48, width_px=64, rate_hz=30.0)
    assert driver.spec.delivery == "newest"
    with pytest.raises(DisconnectedError, match=str(source)):
        driver.open()
    assert not driver.is_open
