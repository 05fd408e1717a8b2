"""What can be inspected: each source gives its images in order, or says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.drivers.base import DriverSpec
from common.drivers.camera.sim import SimCamera
from common.drivers.recorder import Recorder
from common.drivers.stream import StreamDriver
from common.errors import LingnanError
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.sources import (
    FIRST_TIMEOUT_S,
    FRAME_TIMEOUT_S,
    Refused,
    Shot,
    SourceError,
    open_source,
)

pytestmark = pytest.mark.inspection

SPEC = DriverSpec("camera", "sim", "camera_optical", (24, 32), "uint8", 100.0, "DN")


def shots(named: Path | str) -> list[Shot | Refused]:
    with open_source(str(named)) as source:
        found = list(source.shots)
        assert source.total in (None, len(found))
    return found


def read(named: Path | str) -> list[Shot]:
    found = shots(named)
    assert all(isinstance(one, Shot) for one in found)
    return [one for one in found if isinstance(one, Shot)]


def picture(path: Path, level: int = 90, shape: tuple[int, ...] = (24, 32)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(shape, level, np.uint8))
    return path


def config(folder: Path, **values: object) -> Path:
    path = folder / "camera.json"
    path.write_text(json.dumps(values))
    return path


def test_a_folder_gives_its_images_in_order_with_their_golden_ones(tmp_path: Path) -> None:
    for name, level in (("b_test.png", 10), ("a/z.BMP", 20), ("b_temp.png", 30), ("c.jpg", 40)):
        picture(tmp_path / name, level)
    picture(tmp_path / "c_mask.png")
    (tmp_path / "notes.txt").write_text("not an image")
    found = read(tmp_path)
    assert [Path(one.name).name for one in found] == ["z.BMP", "b_test.png", "c.jpg"]
    assert [int(one.sample.value.pixels[0, 0]) for one in found] == [20, 10, 40]
    assert [one.reference is None for one in found] == [True, False, True]
    assert found[1].reference is not None and (found[1].reference == 30).all()
    assert [one.sample.seq for one in found] == [0, 1, 2]


def test_a_single_image_grey_or_coloured(tmp_path: Path) -> None:
    assert read(picture(tmp_path / "grey.png"))[0].sample.value.encoding == "mono8"
    (shot,) = read(picture(tmp_path / "colour.png", shape=(24, 32, 3)))
    assert shot.sample.value.encoding == "bgr8"


def test_a_broken_image_is_refused_and_the_others_are_given(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    picture(tmp_path / "c.png")
    first, second, third = shots(tmp_path)
    assert isinstance(first, Shot) and isinstance(third, Shot)
    assert isinstance(second, Refused) and second.name == str(tmp_path / "b.png")


@pytest.mark.parametrize(("codec", "name"), [("MJPG", "line.avi"), ("mp4v", "line.mp4")])
def test_a_video_gives_every_frame(tmp_path: Path, codec: str, name: str) -> None:
    path = tmp_path / name
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25.0, (64, 48))
    assert writer.isOpened()
    levels = range(20, 220, 20)
    for level in levels:
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    found = read(path)
    assert [one.name for one in found] == [f"frame-{i:06d}" for i in range(10)]
    means = [float(one.sample.value.pixels.mean()) for one in found]
    np.testing.assert_allclose(means, levels, atol=4)  # what the codec loses


def test_a_recording_gives_back_what_was_recorded(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    path = tmp_path / "line.mcap"
    samples = [
        Stamped(
            n, 10**9 + n, 10**18 + n * 10**6, "camera_optical",
            Image(rng.integers(0, 256, (24, 32), dtype=np.uint8), um_per_px=4.0),
        )
        for n in range(5)
    ]  # fmt: skip
    with Recorder(path) as recorder:
        for sample in samples:
            recorder.write(sample, SPEC)
    found = read(path)
    assert [one.name for one in found] == [f"frame-{i:06d}" for i in range(5)]
    for one, sample in zip(found, samples, strict=True):
        np.testing.assert_array_equal(one.sample.value.pixels, sample.value.pixels)
        assert one.sample.device_time_ns == sample.device_time_ns
        assert one.sample.value.um_per_px == 4.0


def test_a_cameras_config(tmp_path: Path) -> None:
    """Its frames are told apart by when they came: two runs have none in common."""
    size = {"height_px": 24, "width_px": 32}
    path = config(tmp_path, type="sim", **size, parameters=size, rate_hz=200.0)
    names = []
    for _ in range(2):
        with open_source(str(path)) as source:
            assert source.total is None
            for _ in range(3):
                shot = next(source.shots)
                assert isinstance(shot, Shot)
                assert shot.sample.value.pixels.shape == (24, 32)
                names.append(shot.name)
    assert len(set(names)) == 6
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not a camera config"),
        ("[" * 100_000, "not a camera config"),
        ("[1]", "an object with `type`"),
        ("\xff\xfe", "not a camera config"),
        ('{"kind": "inertial", "type": "sim"}', "of no camera, but of kind 'inertial'"),
        ('{"type": "magic"}', "no driver 'camera/magic'"),
        ("{}", "an object with `type`"),
        ('{"type": ["sim"]}', "an object with `type`"),
        ('{"type": "sim", "height_px": -1}', "height_px"),
        ('{"type": "sim", "colour": "red"}', "colour"),
        ('{"type": "sim", "scene": "os:system"}', "os:system"),
    ],
)
def test_a_wrong_config_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "camera.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(LingnanError, match=reason), open_source(str(path)) as source:
        next(source.shots)


def test_a_config_that_is_no_config_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(SourceError, match="over 1 MiB"):
        shots(path)


@pytest.mark.parametrize("name", ["parts.json", "parts.mp4", "parts.mcap"])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    picture(tmp_path / name / "a.png")
    assert len(read(tmp_path / name)) == 1


@pytest.mark.parametrize("name", ["line.mp4", "line.mcap"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the sort" * 50)
    with pytest.raises(LingnanError, match=name):
        shots(tmp_path / name)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("rtsp://127.0.0.1/x", "camera config"),
        ("http://127.0.0.1/x.mp4", "no such file"),
        ("none", "no such file"),
    ],
)
def test_what_is_not_there_is_said(named: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        shots(named)


def test_a_folder_without_an_image_and_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no image in this folder"):
        shots(tmp_path)
    (tmp_path / "part.step").write_text("x")
    with pytest.raises(SourceError, match="not an image, video"):
        shots(tmp_path / "part.step")


def test_the_first_frame_may_take_longer_than_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float | None] = []

    def read(self: SimCamera, timeout_s: float | None) -> Stamped[Image]:
        waited.append(timeout_s)
        return StreamDriver.read(self, timeout_s)

    monkeypatch.setattr(SimCamera, "read", read)
    size = {"height_px": 24, "width_px": 32}
    path = config(tmp_path, type="sim", **size, parameters=size, rate_hz=200.0)
    with open_source(str(path)) as source:
        for _ in range(3):
            next(source.shots)
    assert waited == [FIRST_TIMEOUT_S, FRAME_TIMEOUT_S, FRAME_TIMEOUT_S]
    assert FIRST_TIMEOUT_S >= 10 * FRAME_TIMEOUT_S
