"""The command: bundles, benches, and what a user can get wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from common.drivers.camera.config import SimCameraConfig
from common.drivers.recorder import Recorder
from common.drivers.registry import open_driver
from edge_deploy.arm64 import bundle, emulate
from edge_deploy.bench.table import FLOAT, Row, compare
from edge_deploy.checksets import WEIGHTS
from edge_deploy.cli import app
from edge_deploy.errors import EdgeError
from edge_deploy.recordings import frames
from edge_deploy.verify import tools
from tests.edge_deploy.qdq import Net

pytestmark = pytest.mark.edge


def call(*words: object) -> object:
    return app(list(map(str, words)), exit_on_error=False, result_action="return_value")


@pytest.fixture
def recording(tmp_path: Path, installed: None) -> Path:
    config = SimCameraConfig(
        scene="edge_deploy.sim.trays:scene",
        height_px=64,
        width_px=64,
        realtime=False,
        exposure_us=1000.0,
    )
    path = tmp_path / "trays.mcap"
    with Recorder(path) as made, open_driver(config) as camera, made.tee(camera) as teed:
        for _ in range(3):
            teed.read(timeout_s=5.0)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A map of 32 x 32 cells of a picture of 64 x 64."""
    net = Net((1, 64, 64), seed=5)
    y = net.weighted("Conv", net.last, (1, 1, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    path = tmp_path / "map.onnx"
    path.write_bytes(net.payload({y: (1, 32, 32)}))
    return path


def test_a_recording_becomes_a_bundle(model: Path, recording: Path, tmp_path: Path) -> None:
    if reason := tools.missing([bundle.TARGET.compiler, emulate.EMULATOR]):
        pytest.skip(reason)
    out = tmp_path / "board"
    call("deploy", model, "--target", "arm64-linux", "--out", out, "--threshold", 0.3,
         "--recording", recording)  # fmt: skip
    emulate.check(out)
    lines = (out / "vectors" / "decisions.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == [0, 1, 2]
    assert len(frames(recording)) == 3


def test_what_does_not_go_together_is_refused(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(EdgeError, match="are for --target arm64-linux"):
        call("deploy", model, "--target", "c99", "--out", out, "--threshold", 1)
    with pytest.raises(EdgeError, match="needs --threshold"):
        call("deploy", model, "--target", "arm64-linux", "--out", out, "--recording", model)
    assert not out.exists()


def test_the_bench_tells_every_backend() -> None:
    rows = compare(WEIGHTS / "resnet8_int8.onnx", WEIGHTS / "resnet8_fp32.onnx", None, 2)
    found = {row.backend: row for row in rows}
    assert {FLOAT, "onnxruntime int8", "c99", "c99-native", "cortex-m7"} <= set(found)
    for row in rows:
        assert row.cpu_ms or row.instructions or "not found" in row.note, row
    if found["cortex-m7"].instructions:
        assert found["cortex-m7"].cpu_ms is None, "time under emulation means nothing"


def test_a_ratio_is_float_over_the_backend() -> None:
    rows = [Row(FLOAT, 4.0, 90.0, 80.0), Row("c99", 2.0, 1.5)]
    assert rows[1].cells(rows)[:4] == ("c99", "2.000", "2.00 x", "1.5")
    assert rows[0].cells(rows)[3] == "90.0 (10.0 of the model)"


def test_what_is_no_model_is_told_by_its_name(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(bytes(range(7, 200)))
    with pytest.raises(EdgeError, match=r"junk\.onnx: not a model"):
        call("verify", junk)
