"""Networks that ultralytics exports, run by ONNX Runtime, and the pictures they are taught with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.errors import LingnanError, MissingExtraError
from common.runtime.errors import ForeignModelError
from positioning.sim.video.scene import Boxes
from positioning.train.detector_pool import Frame
from positioning.train.yolo import labels, library, main, write_set
from positioning.video.detector import CROPPED, HEIGHT, WIDTH
from positioning.video.yolo import YoloDetector, YoloError, candidates

onnx = pytest.importorskip("onnx", reason="pip install 'lingnan[edge]'")

pytestmark = pytest.mark.positioning


def network(path: Path, *, classes: int = 3, height: int = HEIGHT) -> Path:
    """Two boxes: a surer one where the middle of the picture's red plane says so."""
    from onnx import TensorProto, helper, numpy_helper

    boxes = np.zeros((1, 4 + classes, 2), np.float32)
    boxes[0, :4, 0] = [100, 80, 40, 20]
    boxes[0, :4, 1] = [300, 200, 60, 90]
    boxes[0, 4, 0], boxes[0, -1, 1] = 0.9, 0.6
    nodes = [
        helper.make_node("Slice", ["images", "from", "to"], ["red"]),
        helper.make_node("ReduceMax", ["red"], ["most"], keepdims=0),
        helper.make_node("Mul", ["boxes", "most"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "yolo",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, height, WIDTH])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 4 + classes, 2])],
        [
            numpy_helper.from_array(boxes, "boxes"),
            numpy_helper.from_array(np.array([0, 0, 0, 0]), "from"),
            numpy_helper.from_array(np.array([1, 1, height, WIDTH]), "to"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)
    return path


def test_boxes_come_in_the_pictures_pixels_and_colours_as_the_network_wants(
    tmp_path: Path,
) -> None:
    detector = YoloDetector(network(tmp_path / "net.onnx"), threshold=0.5)
    red = np.zeros((720, 1280, 3), np.uint8)
    red[..., 2] = 255  # BGR
    found = detector.detect(red, width_px=1920)
    assert found.labels.tolist() == [0, 2]
    np.testing.assert_allclose(found.scores, [0.9, 0.6], rtol=1e-6)
    np.testing.assert_allclose(
        found.boxes_px[0] * WIDTH / 1920, [80, 70 + CROPPED, 120, 90 + CROPPED], rtol=1e-6
    )
    assert len(detector.detect(red[..., ::-1].copy())) == 0


def test_a_network_of_another_form_is_named(tmp_path: Path) -> None:
    with pytest.raises(YoloError, match=r"80\.onnx takes .* 3 classes"):
        YoloDetector(network(tmp_path / "80.onnx", classes=80))
    with pytest.raises(YoloError, match="export with imgsz"):
        YoloDetector(network(tmp_path / "square.onnx", height=640))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"PK\x03\x04 not a network")
    with pytest.raises(ForeignModelError, match=r"bad\.onnx"):
        YoloDetector(bad)
    with pytest.raises(LingnanError, match=r"none\.onnx"):
        YoloDetector(tmp_path / "none.onnx")


def test_one_box_of_those_that_overlap_stays_in_each_class() -> None:
    found = np.zeros((7, 4), np.float32)
    found[:4] = np.array([[50, 50, 20, 20], [51, 50, 20, 20], [50, 50, 20, 20], [200, 50, 8, 8]]).T
    found[4:, 0], found[4:, 1] = [0.8, 0, 0], [0.7, 0, 0]
    found[4:, 2], found[4:, 3] = [0, 0.6, 0], [0, 0.1, 0.2]
    kept = candidates(found, 1.0, threshold=0.25, overlap=0.5)
    assert kept.labels.tolist() == [0, 1]
    np.testing.assert_allclose(kept.scores, [0.8, 0.6])


def test_the_set_is_written_as_shares_of_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = np.array([0.1, 0.25, 0.2, 0.5])
    boxes = np.array(
        [shares * [WIDTH, HEIGHT, WIDTH, HEIGHT], [0, 0, 64, 64], [10, 10, 14, 14]], np.float32
    )
    frame = Frame(
        np.full((HEIGHT, WIDTH, 3), 7, np.uint8),
        Boxes(np.arange(3), np.array([2, 0, 0]), boxes, np.array([1.0, 0.2, 1.0])),
    )
    assert labels(frame) == ["2 0.150000 0.375000 0.100000 0.250000"]  # not the hidden, the tiny
    monkeypatch.setattr("positioning.train.yolo.render_pool", lambda _seed, n: [frame] * n)
    told = json.loads(write_set(tmp_path, 1, 11).read_text())
    assert told["names"] == {"0": "vehicle", "1": "cyclist", "2": "pedestrian"}
    parts = {part: sorted((tmp_path / told[part]).glob("*.png")) for part in ("train", "val")}
    assert [len(files) for files in parts.values()] == [9, 2]
    for picture in parts["train"]:
        assert np.array_equal(cv2.imread(str(picture)), frame.pixels)
        written = Path(str(picture).replace("images", "labels")).with_suffix(".txt")
        assert written.read_text() == labels(frame)[0]


def test_without_ultralytics_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(MissingExtraError, match=r"lingnan\[yolo\]"):
        library()
    with pytest.raises(SystemExit) as stop:
        main(["--out", str(tmp_path)])
    assert stop.value.code == 2
    assert "lingnan[yolo]" in capsys.readouterr().err
