"""Plain graphs without ONNX's package, against ONNX's package."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.runtime.errors import UnsafeModelError
from common.runtime.onnx_graph import NotPlainError, read, write
from common.runtime.protobuf import BYTES, VARINT, encoded, fields

pytestmark = pytest.mark.common
onnx = pytest.importorskip("onnx", reason="the models are made with onnx: lingnan[train]")
helper, T = onnx.helper, onnx.TensorProto


def model(nodes=None, constants=None, functions=()):
    """A reshaped and transposed input, with constants of every kind."""
    nodes = nodes or [
        helper.make_node("Reshape", ["x", "shape"], ["y"], name="one", allowzero=0),
        helper.make_node("Transpose", ["y"], ["z"], perm=[1, 0]),
    ]
    constants = constants or [
        onnx.numpy_helper.from_array(np.array([2, -1], np.int64), "shape"),  # raw bytes
        helper.make_tensor("weights", T.INT8, [2, 2], [-128, -1, 0, 127]),  # fields of numbers
        helper.make_tensor("biases", T.INT32, [2], [-(2**31), 2**31 - 1]),
        helper.make_tensor("far", T.INT64, [1], [-(2**63)]),
        helper.make_tensor("scale", T.FLOAT, [], [0.125]),
    ]
    ends = [helper.make_tensor_value_info(name, T.FLOAT, [2, "n"]) for name in ("x", "z")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ours", 3)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)


def test_a_graph_is_read_as_onnx_reads_it() -> None:
    given = model()
    found = read(given.SerializeToString())
    assert [(one.kind, one.inputs, one.output, dict(one.attributes)) for one in found.nodes] == [
        ("Reshape", ("x", "shape"), "y", {"allowzero": 0}),
        ("Transpose", ("y",), "z", {"perm": (1, 0)}),
    ]
    for one in given.graph.initializer:
        wanted = onnx.numpy_helper.to_array(one)
        assert found.constants[one.name].dtype == wanted.dtype
        np.testing.assert_array_equal(found.constants[one.name], wanted)
    assert (*found.inputs, *found.outputs) == ("x", "z")
    assert found.opsets == {"": 17, "ours": 3}


def test_what_is_written_is_a_model_of_the_same() -> None:
    given = model()
    again = onnx.load_from_string(write(read(given.SerializeToString())))
    onnx.checker.check_model(again)
    for mine, wanted in zip(again.graph.node, given.graph.node, strict=True):
        wanted.name = mine.name
        assert mine == wanted
    assert list(again.graph.input) == list(given.graph.input)
    assert list(again.graph.output) == list(given.graph.output)
    assert list(again.opset_import) == list(given.opset_import)
    for mine, wanted in zip(again.graph.initializer, given.graph.initializer, strict=True):
        assert mine.name == wanted.name
        both = map(onnx.numpy_helper.to_array, (mine, wanted))
        np.testing.assert_array_equal(*both)


def _function():
    inner = [helper.make_node("Identity", ["a"], ["b"])]
    return helper.make_function("ours", "f", ["a"], ["b"], inner, [helper.make_opsetid("", 17)])


@pytest.mark.parametrize(
    "strange",
    [
        model(nodes=[helper.make_node("Split", ["x"], ["y", "z"], axis=0)]),
        model(nodes=[helper.make_node("LeakyRelu", ["x"], ["z"], alpha=0.1)]),
        model(constants=[helper.make_tensor("c", T.DOUBLE, [1], [1.0])]),
        model(functions=[_function()]),
    ],
    ids=["two outputs", "a fraction", "doubles", "a function"],
)
def test_what_is_not_plain_is_refused(strange) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotPlainError):
        read(strange.SerializeToString())


def test_a_constant_that_does_not_fill_its_shape_is_refused() -> None:
    short = onnx.numpy_helper.from_array(np.zeros(3, np.int8), "c")
    short.dims[0] = 4
    with pytest.raises(NotPlainError, match="'c'"):
        read(model(constants=[short]).SerializeToString())


@given(st.binary(max_size=300))
def test_bytes_of_anything_end_in_a_told_error(data: bytes) -> None:
    try:
        read(data)
    except (NotPlainError, UnsafeModelError):
        return
    pytest.fail("no bytes like these are a model of one graph")


@given(st.integers(1, 1 << 20), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=200))
def test_fields_are_read_as_they_were_written(number: int, value: int, content: bytes) -> None:
    data = encoded(number, value) + encoded(number, content)
    first, second = fields(memoryview(data))
    assert first == (number, VARINT, value & 0xFFFF_FFFF_FFFF_FFFF)
    assert second == (number, BYTES, content)
