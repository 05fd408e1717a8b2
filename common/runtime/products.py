"""Products of bytes on x86 without byte dot products (VNNI), which adds pairs of them in 16 bits.

Two products of uint8 and int8 overflow that; of uint8 and uint8 they are added in 32. ONNX Runtime
makes the exchange itself in standard operators (session.x64quantprecision), and not in its own
convolution of channels that come last. Here it is made there: 128 is added to weights and to their
zero point, so that every product stays what it was. The exchange costs time, and a network whose
weights take no more than 64 steps to either side needs none: two products with uint8 are 32,640 at
most.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.runtime.onnx_graph import Node, NotPlainError, OnnxGraph, read, write
from common.runtime.protobuf import encoded

CONTRIB = "com.microsoft"
KIND, WEIGHT, ZERO = "QLinearConv", 3, 5  # the operator, and which inputs are its weights' own
MIDDLE = 128
NARROW = 64  # twice this times 255 fits into 16 bits
MULTIPLIES = {
    "Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1, "ConvInteger": 1, "MatMulInteger": 1,
    KIND: WEIGHT, "QLinearMatMul": 3,
}  # fmt: skip
OWN = {KIND, "QLinearAdd"}  # operators of the runtime that are known to multiply by no more
_CHANNELS, _TOLD = 16, 200  # of the probe: its depth, and what it has to answer


def exact(payload: bytes) -> bytes:
    """The model whose products this processor adds without loss: the same bytes where it adds them
    so anyway, and where the graph is not plain."""
    if CONTRIB.encode() not in payload or not overflows():
        return payload
    try:
        return write(unsigned(read(payload)))
    except NotPlainError:
        return payload


def is_narrow(payload: bytes) -> bool:
    """Whether every weight of the model is an int8 constant of -64 to 64, so that no pair of its
    products is lost anywhere. False where the graph is not plain."""
    try:
        graph = read(payload)
    except NotPlainError:
        return False
    scaled = {
        n.output: n.inputs[0] for n in graph.nodes if n.kind == "DequantizeLinear" and n.inputs
    }
    found = []
    for node in graph.nodes:
        if node.domain and node.kind not in OWN:
            return False
        if node.kind in MULTIPLIES:
            at = MULTIPLIES[node.kind]
            if at >= len(node.inputs):
                return False  # no model: the runtime says so
            name = node.inputs[at]
            found.append(graph.constants.get(scaled.get(name, name)))
    return bool(found) and all(map(_is_narrow, found))


def unsigned(graph: OnnxGraph) -> OnnxGraph:
    """With uint8 in the place of int8 weights in the runtime's own convolutions."""
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        own = [node.inputs[at] for at in (WEIGHT, ZERO)] if _is_one(node) else []
        if any(name not in graph.constants or constants[name].dtype != np.int8 for name in own):
            own = []
        for name in own:
            constants[f"{name}, unsigned"] = _raised(constants[name])
        inputs = (f"{name}, unsigned" if name in own else name for name in node.inputs)
        nodes.append(replace(node, inputs=tuple(inputs)))
    used = {name for node in nodes for name in node.inputs}
    kept = {name: value for name, value in constants.items() if name in used}
    return replace(graph, nodes=tuple(nodes), constants=kept)


@cache
def overflows() -> bool:
    """Whether this processor loses products: the runtime is given the largest ones."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(write(_probe()), options, providers=["CPUExecutionProvider"])
    (told,) = session.run(None, {"x": np.full((1, 2, 2, _CHANNELS), 255, np.uint8)})
    return bool((told != _TOLD).any())


def _probe() -> OnnxGraph:
    """A convolution of one pixel whose every answer is _TOLD."""
    constants: dict[str, NDArray[Any]] = {
        "one": np.array(1, np.float32),
        "zero": np.array(0, np.uint8),
        "w": np.full((_CHANNELS, _CHANNELS, 1, 1), 127, np.int8),
        "each": np.ones(_CHANNELS, np.float32),
        "none": np.zeros(_CHANNELS, np.int8),
        "step": np.array(_CHANNELS * 255 * 127 / _TOLD, np.float32),
    }
    inputs = ("x", "one", "zero", "w", "each", "none", "step", "zero")
    shape = (1, 2, 2, _CHANNELS)
    return OnnxGraph(
        (Node(KIND, inputs, "y", {"channels_last": 1}, CONTRIB),),
        constants,
        {"x": _bytes_of("x", shape)},
        {"y": _bytes_of("y", shape)},
        {"": 17, CONTRIB: 1},
    )


def _bytes_of(name: str, shape: tuple[int, ...]) -> bytes:
    """ValueInfoProto of a uint8 tensor."""
    extents = b"".join(encoded(1, encoded(1, extent)) for extent in shape)
    return encoded(1, name) + encoded(2, encoded(1, encoded(1, 2) + encoded(2, extents)))


def _is_one(node: Node) -> bool:
    return (node.kind, node.domain) == (KIND, CONTRIB)


def _is_narrow(weights: NDArray[Any] | None) -> bool:
    """Of a layer whose weights are constant and int8."""
    if weights is None or weights.dtype != np.int8:
        return False
    return bool((np.abs(weights.astype(np.int16)) <= NARROW).all())


def _raised(values: NDArray[Any]) -> NDArray[np.uint8]:
    return (values.astype(np.int16) + MIDDLE).astype(np.uint8)
