"""Every operator: ONNX Runtime, the numpy reference, the proven integers and C are one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.c.build import TARGETS
from edge_deploy.c.generate import generate
from edge_deploy.graph.ir import Conv2d, Rearrange
from edge_deploy.reference.run import run
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
