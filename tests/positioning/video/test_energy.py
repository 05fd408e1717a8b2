"""Multiply-accumulates and numbers of a network whose counts are known."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.video.energy import Work, work_of

pytestmark = pytest.mark.positioning


def test_counts_of_one_convolution() -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    kernel = numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1])
    shape = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node], "one",
        [shape("x", 1, [1, 3, "height", "width"])],
        [shape("y", 1, [1, 8, "rows", "columns"])], [kernel],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    found = work_of(onnx.ModelProto.SerializeToString(model), (16, 16))
    assert found == Work(8 * 8 * 8 * 27, 2 * 8 * 8 * 8 + 8 * 27)


def test_energy_is_the_sum_of_both() -> None:
    assert Work(10**9, 0).energy_j(1) == pytest.approx(0.23e-3)
    assert Work(10**9, 0).energy_j(4) == pytest.approx(4.6e-3)
    assert Work(0, 8 * 10**6).energy_j(1) == pytest.approx(1.3e-3)
    assert Work(0, 10**6).energy_j(4) == pytest.approx(4 * Work(0, 10**6).energy_j(1))
