"""The scanner against onnx-made models: external data is found wherever onnx can put it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.runtime.errors import UnsafeModelError
from common.runtime.protobuf import fields, varint
from common.runtime.scan import MAX_DEPTH, scan

pytestmark = pytest.mark.common
onnx = pytest.importorskip("onnx", reason="the models are made with onnx: lingnan[train]")
helper, T = onnx.helper, onnx.TensorProto


def _tensor(name: str, external: bool):
    tensor = helper.make_tensor(name, T.FLOAT, [2], [1.0, 2.0])
    if external:
        tensor.data_location = T.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "weights.bin"
    return tensor


def _graph(nodes=(), initializers=(), sparse=()):
    output = helper.make_tensor_value_info("y", T.FLOAT, [2])
    return helper.make_graph(
        list(nodes), "g", [], [output], list(initializers), sparse_initializer=list(sparse)
    )


def _constant(external: bool):
    return helper.make_node("Constant", [], ["y"], value=_tensor("c", external))


def _sparse(external: bool):
    indices = helper.make_tensor("i", T.INT64, [2], [0, 1])
    return helper.make_sparse_tensor(_tensor("v", external), indices, [4])


def _branch(inner):
    return helper.make_node("If", ["b"], ["y"], then_branch=inner, else_branch=_graph())


def _model(graph, functions=()):
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ours", 3)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)


def _function(external: bool):
    opset = [helper.make_opsetid("", 17)]
    function = helper.make_function("ours", "f", [], ["y"], [_constant(external)], opset)
    return _model(_graph([helper.make_node("f", [], ["y"], domain="ours")]), [function])


def _function_default(external: bool):
    default = helper.make_attribute("a", _tensor("d", external))
    opset = [helper.make_opsetid("", 17)]
    function = helper.make_function("ours", "f", [], ["y"], [], opset, attribute_protos=[default])
    return _model(_graph(), [function])


def _training(external: bool):
    model = _model(_graph())
    model.training_info.add().algorithm.CopyFrom(_graph([], [_tensor("w", external)]))
    return model


def _listed(external: bool):
    node = helper.make_node("Whatever", [], ["y"], domain="ours")
    node.attribute.add(name="t", type=onnx.AttributeProto.TENSORS).tensors.append(
        _tensor("c", external)
    )
    return _model(_graph([node]))


def _listed_graphs(external: bool):
    node = helper.make_node("Whatever", [], ["y"], domain="ours")
    node.attribute.add(name="g", type=onnx.AttributeProto.GRAPHS).graphs.append(
        _graph([_constant(external)])
    )
    return _model(_graph([node]))


def _sparse_listed(external: bool):
    node = helper.make_node("Whatever", [], ["y"], domain="ours")
    node.attribute.add(name="s", type=onnx.AttributeProto.SPARSE_TENSORS).sparse_tensors.append(
        _sparse(external)
    )
    return _model(_graph([node]))


PLACES = {
    "initializer": lambda e: _model(_graph([], [_tensor("w", e)])),
    "attribute": lambda e: _model(_graph([_constant(e)])),
    "subgraph": lambda e: _model(_graph([_branch(_graph([_constant(e)]))])),
    "subgraph initializer": lambda e: _model(_graph([_branch(_graph([], [_tensor("w", e)]))])),
    "three deep": lambda e: _model(_graph([_branch(_graph([_branch(_graph([_constant(e)]))]))])),
    "function": _function,
    "function default": _function_default,
    "sparse initializer": lambda e: _model(_graph(sparse=[_sparse(e)])),
    "sparse attribute": lambda e: _model(
        _graph([helper.make_node("Constant", [], ["y"], sparse_value=_sparse(e))])
    ),
    "training": _training,
    "tensor list": _listed,
    "graph list": _listed_graphs,
    "sparse list": _sparse_listed,
}


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_found(place: str) -> None:
    scan(PLACES[place](False).SerializeToString())
    with pytest.raises(UnsafeModelError, match="external data"):
        scan(PLACES[place](True).SerializeToString())


@pytest.mark.parametrize("kept", ["data_location", "external_data"])
def test_either_mark_alone_is_enough(kept: str) -> None:
    tensor = _tensor("w", True)
    tensor.ClearField("external_data" if kept == "data_location" else "data_location")
    with pytest.raises(UnsafeModelError, match="external data"):
        scan(_model(_graph([], [tensor])).SerializeToString())


def test_external_data_split_over_two_fragments_is_found() -> None:
    """Protobuf joins repeated occurrences of one message field; both are looked into."""
    honest = _model(_graph([_constant(False)])).SerializeToString()
    more = onnx.ModelProto(graph=onnx.GraphProto(initializer=[_tensor("w", True)]))
    joined = honest + more.SerializeToString()
    assert onnx.ModelProto.FromString(joined).graph.initializer[0].data_location == T.EXTERNAL
    with pytest.raises(UnsafeModelError, match="external data"):
        scan(joined)


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(0, 2**32 - 1))
def test_one_external_tensor_among_many_is_always_found(seed: int) -> None:
    rng = random.Random(seed)
    tensors: list = []

    def grow(depth: int):
        nodes, initializers = [], []
        for _ in range(rng.randint(0, 3)):
            initializers.append(_tensor("w", False))
        for _ in range(rng.randint(0, 3)):
            nested = depth < 4 and rng.random() < 0.5
            nodes.append(_branch(grow(depth + 1)) if nested else _constant(False))
        return _graph(nodes, initializers)

    def collect(graph) -> None:
        tensors.extend(graph.initializer)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    tensors.append(attribute.t)
                if attribute.HasField("g"):
                    collect(attribute.g)

    model = _model(grow(0))
    scan(model.SerializeToString())
    collect(model.graph)
    if tensors:
        rng.choice(tensors).data_location = T.EXTERNAL
        with pytest.raises(UnsafeModelError, match="external data"):
            scan(model.SerializeToString())


def test_ops_and_opsets_are_what_onnx_reads() -> None:
    found = scan(
        _model(_graph([_constant(False), _branch(_graph([_constant(False)]))])).SerializeToString()
    )
    assert found.ops == {"Constant": 2, "If": 1}
    assert found.opsets == {"": 17, "ours": 3}


def test_compiled_contexts_and_other_formats_are_refused() -> None:
    context = helper.make_node("EPContext", [], ["y"], domain="com.microsoft")
    with pytest.raises(UnsafeModelError, match="EPContext"):
        scan(_model(_graph([context])).SerializeToString())
    with pytest.raises(UnsafeModelError, match="own format"):
        scan(b"\x10\0\0\0ORTM" + bytes(40))
    with pytest.raises(UnsafeModelError, match="no graph"):
        scan(b"")


def test_bottomless_nesting_is_refused() -> None:
    graph = _graph()
    for _ in range(MAX_DEPTH // 3 + 1):
        graph = _graph([_branch(graph)])
    with pytest.raises(UnsafeModelError, match="nested"):
        scan(_model(graph).SerializeToString())


@settings(deadline=None, max_examples=300)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused_or_scanned(data: bytes) -> None:
    try:
        assert scan(data).has_graph
    except UnsafeModelError as error:
        assert str(error)


@settings(deadline=None, max_examples=300)
@given(cut=st.integers(0, 10_000))
def test_a_model_cut_short_never_passes_as_more_than_a_prefix(cut: int) -> None:
    whole = PLACES["three deep"](False).SerializeToString()
    part = whole[: cut % len(whole)]
    try:
        scan(part)
    except UnsafeModelError:
        return
    onnx.ModelProto.FromString(part)  # what we can read to its end, protobuf can too


@given(value=st.integers(0, 2**64 - 1), lead=st.binary(max_size=5))
def test_varints_are_read_as_protobuf_writes_them(value: int, lead: bytes) -> None:
    from google.protobuf.internal.encoder import _VarintBytes

    raw = lead + _VarintBytes(value)
    assert varint(memoryview(raw + b"\x7f"), len(lead)) == (value, len(raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x80" * 11, "ten bytes"),
        (b"\x80", "cut short"),
        (b"\x0b", "wire type 3"),
        (b"\x0a\x05ab", "cut short: field 1 of 5"),
        (b"\x0d\x00", "cut short"),
        (b"\x00\x00", "field number 0"),
    ],
)
def test_bad_wire_format_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(UnsafeModelError, match=message):
        list(fields(memoryview(raw)))
