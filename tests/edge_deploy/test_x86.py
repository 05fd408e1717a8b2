"""The form for ONNX Runtime on x86: the same integers, whatever the block and the operator."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from common.runtime.session import Session
from common.runtime.weights import load
from edge_deploy.checksets import WEIGHTS
from edge_deploy.graph.fold import fold
from edge_deploy.graph.ir import Conv2d, Graph, Lookup, Rearrange, Rescale, Tensor, Upsample
from edge_deploy.pipeline import prepare
from edge_deploy.reference.operators import conv2d
from edge_deploy.reference.run import run
from edge_deploy.verify import onnxruntime
from edge_deploy.verify.inputs import make
from edge_deploy.x86.blocks import BLOCKS, blocked
from edge_deploy.x86.deploy import deploy
from edge_deploy.x86.floats import without_unshuffle
from edge_deploy.x86.write import write
from tests.edge_deploy.cases import CASES
from tests.edge_deploy.qdq import graph_of, inputs_for

pytestmark = pytest.mark.edge


@pytest.mark.parametrize("name", CASES)
def test_every_operator_is_as_the_file(name: str) -> None:
    payload = CASES[name]()
    graph = graph_of(payload)
    inputs = inputs_for(graph, 16)
    wanted = onnxruntime.run(payload, graph, inputs)
    found = onnxruntime.run(write(graph), graph, inputs)
    for output in graph.outputs:
        assert np.array_equal(found[output], wanted[output])


def layer(channels: int, filters: int, rows: int, taps: int, stride: int, left: int) -> Graph:
    """One convolution, 16 columns to 16 / stride."""
    rng = np.random.default_rng((channels, filters, rows, taps, stride, left))
    right = stride * (16 // stride - 1) + taps - 16 - left
    source = Tensor("x", (channels, 5, 16), 0.02, 7)
    target = Tensor("y", (filters, 5 - rows + 1, 16 // stride), 0.03, 9)
    weight = rng.integers(-127, 128, (filters, channels, rows, taps)).astype(np.int8)
    op = Conv2d(
        "conv", ("x",), "y", weight,
        rng.integers(-999, 999, filters).astype(np.int32),
        Rescale(rng.uniform(1e-4, 1e-3, filters).astype(np.float32), 9),
        (1, stride), (0, left, 0, right),
    )  # fmt: skip
    return Graph("one", {"x": source, "y": target}, (op,), ("x",), ("y",))


@settings(max_examples=40, deadline=None)
@given(
    some.integers(1, 3), some.integers(1, 5), some.integers(1, 3), some.integers(1, 5),
    some.sampled_from([1, 2, 4]), some.integers(0, 2), some.sampled_from(BLOCKS),
)  # fmt: skip
def test_blocks_have_the_sums_of_single_pixels(
    channels: int, filters: int, rows: int, taps: int, stride: int, left: int, block: int
) -> None:
    graph = layer(channels, filters, rows, max(taps, stride), stride, left)
    (op,) = graph.operators
    assert isinstance(op, Conv2d)
    if op.pad[3] < 0:
        return
    made = blocked(graph, op, block)
    if made is None or block == 1:
        assert made is op or (16 // stride) % block
        return
    x = np.random.default_rng(3).integers(0, 256, (2, channels, 5, 16)).astype(np.uint8)
    wanted = conv2d(op, x, graph.tensors["x"])
    step = block * stride
    cells = x.reshape(2, channels, 5, 16 // step, step).transpose(0, 4, 1, 2, 3)
    found = conv2d(made, cells.reshape(2, -1, 5, 16 // step), graph.tensors["x"])
    rows_out = wanted.shape[2]
    spread = found.reshape(2, block, filters, rows_out, -1).transpose(0, 2, 3, 4, 1)
    assert np.array_equal(spread.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("net", ["detector", "unet"])
def test_folding_keeps_the_integers_and_saves_steps(net: str) -> None:
    graph = prepare(WEIGHTS / f"{net}_int8.onnx").graph
    folded = fold(graph)
    inputs = make(graph, 3, 21)
    wanted, found = run(graph, inputs), run(folded, inputs)
    assert all(np.array_equal(wanted[name], found[name]) for name in graph.outputs)
    assert not any(isinstance(op, Rearrange) for op in folded.operators)
    for op in folded.operators:
        if isinstance(op, Lookup):
            assert not isinstance(folded.producer(op.inputs[0]), Upsample)
    got = onnxruntime.run(write(folded), graph, inputs)
    assert all(np.array_equal(wanted[name], got[name]) for name in graph.outputs)


def test_an_output_in_between_is_not_folded_away() -> None:
    graph = prepare(WEIGHTS / "detector_int8.onnx").graph
    first = graph.operators[0].output
    assert any(
        isinstance(op, Rearrange)
        for op in fold(replace(graph, outputs=(*graph.outputs, first))).operators
    )


def test_float_is_given_the_same_folding() -> None:
    payload = load(WEIGHTS, "detector_fp32").payload
    folded = without_unshuffle(payload)
    x = np.random.default_rng(22).random((1, 1, 64, 64), np.float32)
    wanted, found = (Session(each).run({"image": x}) for each in (payload, folded))
    assert b"Transpose" in payload and b"Transpose" not in folded
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-4)
    plain = load(WEIGHTS, "resnet8_fp32").payload
    assert without_unshuffle(plain) is plain


def test_the_folder_checks_itself(tmp_path: Path) -> None:
    graph = graph_of(CASES["conv 3x3 of 3 channels"]())
    out = tmp_path / "out"
    deploy(graph, out, inputs_for(graph, 4))
    checked = subprocess.run([sys.executable, out / "check.py"], capture_output=True, text=True)
    assert checked.returncode == 0 and "every output of 4" in checked.stdout
    with np.load(out / "expected.npz") as expected:
        changed = {name: value + 1 for name, value in expected.items()}
    np.savez(out / "expected.npz", allow_pickle=False, **changed)
    failed = subprocess.run([sys.executable, out / "check.py"], capture_output=True, text=True)
    assert failed.returncode == 1 and "not as expected" in failed.stderr
