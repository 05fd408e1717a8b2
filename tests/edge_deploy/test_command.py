"""The command: bundles, benches, and what a user can get wrong."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from common.drivers.camera.config import SimCameraConfig
from common.drivers.recorder import Recorder
from common.drivers.registry import open_driver
from edge_deploy.arm64 import bundle, emulate
from edge_deploy.bench.table import FLOAT, Row, compare
from edge_deploy.checksets import WEIGHTS
from edge_deploy.cli import app
from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.fpga import tools as fpga_tools
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
    with pytest.raises(EdgeError, match="threshold is for --target arm64-linux and fpga-ecp5"):
        call("deploy", model, "--target", "c99", "--out", out, "--threshold", 1)
    with pytest.raises(EdgeError, match="recording is for --target arm64-linux"):
        call("deploy", model, "--target", "fpga-ecp5", "--out", out, "--recording", model)
    with pytest.raises(EdgeError, match="needs --threshold"):
        call("deploy", model, "--target", "arm64-linux", "--out", out, "--recording", model)
    assert not out.exists()


def test_a_design_comes_with_the_program_of_its_board(model: Path, tmp_path: Path) -> None:
    if reason := tools.missing([bundle.TARGET.compiler, emulate.EMULATOR]):
        pytest.skip(reason)
    out = tmp_path / "design"
    call("deploy", model, "--target", "fpga-ecp5", "--out", out, "--threshold", 0.3)
    assert (out / "board" / "lingnan_axi.v").is_file()
    program = [str(tools.find(emulate.EMULATOR)), out / "board" / "bin" / "decide"]
    picture = bundle.pgm(np.zeros((64, 64), np.uint8))
    ran = subprocess.run(program, input=picture, capture_output=True, check=False)
    assert ran.returncode == 1
    assert b"LINGNAN_UIO names no device" in ran.stderr


def test_a_network_that_decides_nothing_leaves_no_design(tmp_path: Path) -> None:
    if reason := tools.missing([bundle.TARGET.compiler]):
        pytest.skip(reason)
    with pytest.raises(EdgeError):
        call("deploy", WEIGHTS / "resnet8_int8.onnx", "--target", "fpga-ecp5",
             "--out", tmp_path / "out", "--threshold", 0.3)  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_routing_without_its_tools_names_them(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fpga_tools, "find", lambda tool: None)
    with pytest.raises(ToolMissingError, match=r"lingnan\[route\]"):
        call("route", model, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


CURES = ("pip install", "apt-get install", "python -m edge_deploy.bench.arm64_root")


def test_the_bench_tells_every_backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also those that are not here: each with what brings it."""
    monkeypatch.setenv("LINGNAN_STATE", str(tmp_path))
    monkeypatch.setattr("edge_deploy.bench.iree.find_spec", lambda name: None)
    rows = compare(WEIGHTS / "resnet8_int8.onnx", WEIGHTS / "resnet8_fp32.onnx", None, 2)
    found = {row.backend: row for row in rows}
    assert {FLOAT, "onnxruntime int8", "c99", "c99-native", "cortex-m7"} <= set(found)
    for row in rows:
        assert row.cpu_ms or row.instructions or any(cure in row.note for cure in CURES), row
    assert "lingnan[iree]" in found["iree float"].note
    assert found["ncnn float (cortex-a76)"].instructions is None
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
