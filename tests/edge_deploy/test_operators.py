"""Every operator: ONNX Runtime, the numpy reference, the proven integers and C are one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.c.build import TARGETS
from edge_deploy.c.generate import generate
from edge_deploy.c.wide import rows_of
from edge_deploy.graph.ir import Conv2d, Graph, Rearrange, Rescale, Tensor
from edge_deploy.reference.run import run
from edge_deploy.search.skeleton import Skeleton
from edge_deploy.verify import onnxruntime, programs, tools
from tests.edge_deploy.cases import CASES
from tests.edge_deploy.qdq import graph_of, inputs_for

pytestmark = pytest.mark.edge


@pytest.mark.parametrize("name", CASES)
def test_the_reference_and_c_are_onnx_runtime(name: str, tmp_path: Path) -> None:
    payload = CASES[name]()
    graph = graph_of(payload)
    inputs = inputs_for(graph, 24)
    wanted = onnxruntime.run(payload, graph, inputs)
    sources = generate(graph)
    found = [run(graph, inputs), run(graph, inputs, sources.forms.rescales)]
    target = TARGETS["c99-sanitized"]
    if tools.missing(target.tools) is None:
        found.append(programs.run(graph, sources, target, inputs, tmp_path).outputs)
    for output in graph.outputs:
        assert len(np.unique(wanted[output])) > 20, "the case tries too little of the range"
        for one in found:
            assert np.array_equal(one[output], wanted[output])


def test_a_chain_of_reshapes_becomes_one_operator() -> None:
    graph = graph_of(CASES["pixel unshuffle"]())
    (op,) = graph.operators
    assert isinstance(op, Rearrange)
    assert (op.block, op.to_depth, op.order) == (2, True, "channel")


def test_the_comparison_sees_a_changed_weight() -> None:
    graph = graph_of(CASES["conv 3x3 of 3 channels"]())
    inputs = inputs_for(graph, 4)
    before = run(graph, inputs)
    (op,) = graph.operators
    assert isinstance(op, Conv2d)
    weight = op.weight.copy()
    weight[0, 0, 1, 1] ^= 64
    after = run(replace(graph, operators=(replace(op, weight=weight),)), inputs)
    assert any(not np.array_equal(after[key], before[key]) for key in graph.outputs)


SHAPES = (
    "conv 3x3 of 4, 21 filters",
    "depthwise of 24",
    "depthwise of 33, stride 2",
    "conv 1x1 of 20, 24 filters",
)


@pytest.mark.parametrize("name", ["c99-native", "arm64", "arm64-dotprod", "cortex-m7"])
def test_a_machines_own_instructions_give_the_same(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    if reason := tools.missing(target.tools):
        pytest.skip(reason)
    for case in SHAPES:
        graph = graph_of(CASES[case]())
        inputs = inputs_for(graph, 6)
        wanted = run(graph, inputs)
        found = programs.run(graph, generate(graph), target, inputs, tmp_path / case[:9]).outputs
        for output in graph.outputs:
            assert np.array_equal(found[output], wanted[output]), case


def layers_of_every_width() -> Graph:
    """Of each what machines with wide registers take and what they leave: channels in part of a
    strip or some twice, rows of weights that are padded, kernels too high, strides."""
    made = Skeleton(13, 31)
    made.conv(20, 3, 2)
    made.conv(20, 3, 1, depthwise=True)
    made.conv(12, 1)
    made.conv(12, 3, 2, depthwise=True)
    made.conv(7, 3)
    made.conv(6, 5)
    made.conv(6, 3, 1, depthwise=True)
    made.conv(36, 1)
    made.conv(36, 5, 1, depthwise=True)
    made.end(9)
    return made.graph("widths")


@pytest.mark.parametrize("name", ["c99-native", "arm64", "arm64-dotprod"])
def test_wide_machines_round_in_float_as_the_integers_do(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    if reason := tools.missing(target.tools):
        pytest.skip(reason)
    graph = layers_of_every_width()
    found = [rows_of(graph, op) for op in graph.operators]
    assert 0 < found.count(None) < len(found), "only one of the two ways is tried"
    sources, inputs = generate(graph), inputs_for(graph, 6)
    wanted = run(graph, inputs, sources.forms.rescales)
    answered = programs.run(graph, sources, target, inputs, tmp_path).outputs
    for output in graph.outputs:
        assert len(np.unique(wanted[output])) > 5
        assert np.array_equal(answered[output], wanted[output])


def first_layer(width: int, left: int, stride: int) -> Graph:
    """3 x 3 taps of one channel: the kernel of nine taps, with every way to meet an edge."""
    rng = np.random.default_rng((width, left, stride))
    wide = (width + left + 1 - 3) // stride + 1
    source, target = Tensor("x", (1, 5, width), 0.02, 131), Tensor("y", (5, 5, wide), 0.03, 9)
    op = Conv2d(
        "conv", ("x",), "y", rng.integers(-127, 128, (5, 1, 3, 3)).astype(np.int8),
        rng.integers(-9999, 9999, 5).astype(np.int32),
        Rescale(rng.uniform(1e-3, 3e-3, 5).astype(np.float32), 9), (1, stride), (1, left, 1, 1),
    )  # fmt: skip
    return Graph("first", {"x": source, "y": target}, (op,), ("x",), ("y",))


def test_nine_taps_of_one_channel_meet_every_edge(tmp_path: Path) -> None:
    target = TARGETS["cortex-m7"]
    if reason := tools.missing(target.tools):
        pytest.skip(reason)
    tried = 0
    for width, left, stride in ((4, 1, 1), (7, 2, 1), (9, 1, 2), (6, 0, 1)):
        graph = first_layer(width, left, stride)
        sources = generate(graph)
        tried += "lingnan_nine l0_nine" in sources.files["lingnan_first.c"]
        inputs = inputs_for(graph, 5)
        found = programs.run(graph, sources, target, inputs, tmp_path / f"{width}{left}").outputs
        assert np.array_equal(found["y"], run(graph, inputs)["y"]), (width, left, stride)
    assert tried, "no case was exact: the kernel was not tried"
