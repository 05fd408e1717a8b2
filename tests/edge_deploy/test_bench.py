"""The peers of the bench: IREE's answers, and instructions counted under emulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from common.runtime.session import Session
from edge_deploy.acceptance.subjects import inspection_weights
from edge_deploy.bench import arm64, arm64_root, iree
from edge_deploy.bench.pnnx import convert, of_floats
from edge_deploy.checksets import WEIGHTS
from edge_deploy.errors import EdgeError
from edge_deploy.pipeline import prepare
from edge_deploy.verify import tools
from tests.edge_deploy.qdq import Net

pytestmark = pytest.mark.edge


@pytest.fixture
def model(tmp_path: Path) -> Path:
    net = Net((2, 12, 12), seed=3)
    path = tmp_path / "small.onnx"
    made = net.weighted("Conv", net.last, (8, 2, 3, 3), pads=[1, 1, 1, 1])
    path.write_bytes(net.payload({made: (8, 12, 12)}))
    return path


def test_iree_answers_what_onnx_runtime_answers(model: Path, tmp_path: Path) -> None:
    """To a step of the output: IREE rounds in its own way."""
    pytest.importorskip("iree.compiler", reason="pip install 'lingnan[iree]'")
    session = Session(model.read_bytes())
    (spec,) = session.inputs
    picture = np.random.default_rng(1).integers(0, 256, (1, 2, 12, 12)).astype(np.uint8)
    (wanted,) = session.run({spec.name: picture}).values()
    (found,) = iree.caller(str(iree.compiled(model, tmp_path)), picture)()
    step = np.diff(np.unique(wanted)).min()
    assert np.abs(found - wanted).max() <= 1.01 * step


def test_a_network_of_bytes_answers_the_same_of_floats(tmp_path: Path) -> None:
    """As ncnn's converter needs it; inspection's networks take bytes."""
    path = inspection_weights()
    if path is None:
        pytest.skip("the direction inspection is not installed")
    bytewise = Session((path / "fcn_metal_fp32.onnx").read_bytes())
    floating = Session(of_floats(path / "fcn_metal_fp32.onnx"))
    picture = np.random.default_rng(2).integers(0, 256, (1, 1, 64, 64)).astype(np.uint8)
    (wanted,) = bytewise.run({bytewise.inputs[0].name: picture}).values()
    scaled = picture.astype(np.float32) / np.float32(255)
    (found,) = floating.run({floating.inputs[0].name: scaled}).values()
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-3 * np.ptp(wanted)


def test_ncnn_answers_what_onnx_runtime_answers(tmp_path: Path) -> None:
    """To a thousandth: ncnn keeps weights in half precision."""
    for package in ("ncnn", "pnnx"):
        pytest.importorskip(package, reason="pip install --no-deps ncnn pnnx")
    from edge_deploy.bench import ncnn_calls

    path = WEIGHTS / "unet_fp32.onnx"
    session = Session(path.read_bytes())
    picture = np.random.default_rng(2).integers(0, 256, (1, 64, 64)).astype(np.uint8)
    scaled = picture[None].astype(np.float32) / np.float32(255)
    (wanted,) = session.run({session.inputs[0].name: scaled}).values()
    call = ncnn_calls.caller(str(convert(path, picture.shape, tmp_path)), picture)
    for _ in range(2):
        (found,) = call()
        assert np.abs(np.array(found) - wanted[0]).max() < 1e-3 * np.ptp(wanted)


needs_plugin = pytest.mark.skipif(
    tools.missing([arm64.EMULATOR, "gcc", "aarch64-linux-gnu-gcc"]) is not None,
    reason="instructions on ARM need qemu-user, gcc and gcc-aarch64-linux-gnu",
)


@needs_plugin
def test_counts_of_instructions_repeat(model: Path, tmp_path: Path) -> None:
    network = prepare(model, None)
    counts = {}
    for at in ("first", "second"):
        (tmp_path / at).mkdir()
        counts[at] = [arm64.ours(network, target, tmp_path / at) for target in arm64.CORES]
    assert counts["first"] == counts["second"]
    plain, dots = counts["first"]
    macs = network.graph.macs
    assert macs / 16 < dots < plain < 20 * macs, "a dot product multiplies sixteen pairs at most"


def test_a_root_that_is_not_made_names_its_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LINGNAN_STATE", str(tmp_path))
    with pytest.raises(EdgeError, match=r"python -m edge_deploy\.bench\.arm64_root"):
        arm64_root.ready()


@needs_plugin
@pytest.mark.parametrize("clocks", [1, 40])
def test_every_instruction_between_two_readings_is_counted(tmp_path: Path, clocks: int) -> None:
    """A loop of known length, as the machine executes it."""
    turns = 1000 * clocks
    (tmp_path / "loop.c").write_text(LOOP)
    cross = ["aarch64-linux-gnu-gcc", "-O2", "-static", f"-DTURNS={turns}", "loop.c", "-o", "loop"]
    tools.run(cross, tmp_path)
    found = arm64.counted([tmp_path / "loop"], "cortex-a53", tmp_path)
    assert 2 * turns <= found < 2 * turns + 300, "two a turn, and reading the clock"


LOOP = """
#define _POSIX_C_SOURCE 199309L
#include <time.h>
int main(void)
{
    struct timespec t;
    for (int call = 0; call < 6; ++call) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        long n = TURNS;
        __asm__ volatile("1: subs %0, %0, #1\\n\\tb.ne 1b" : "+r"(n) : : "cc");
        if (call) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    }
    return 0;
}
"""
