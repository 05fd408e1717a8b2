"""Small quantised networks written node by node, without a quantiser."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edge_deploy.graph.ir import Graph
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file


class Net:
    """Nodes are added to a growing file; `q` and `dq` put the pairs between them."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, *shape])]
        self.scale = float(np.float32(self.rng.uniform(0.01, 0.05)))
        self.last = self.dq("x", self.scale, int(self.rng.integers(0, 256)))

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def _pair(self, scale: float, zero: int) -> list[str]:
        at = len(self.constants)
        return [
            self.constant(f"s{at}", np.float32(scale)),
            self.constant(f"z{at}", np.uint8(zero)),
        ]

    def dq(self, value: str, scale: float, zero: int) -> str:
        return self.node("DequantizeLinear", [value, *self._pair(scale, zero)])

    def q(self, value: str, scale: float, zero: int) -> str:
        """Quantise and dequantise; the real value."""
        pair = self._pair(scale, zero)
        made = self.node("QuantizeLinear", [value, *pair])
        self.scale = float(np.float32(scale))
        return self.node("DequantizeLinear", [made, *pair])

    def weighted(self, kind: str, value: str, shape: tuple[int, ...], **attributes: Any) -> str:
        """Conv or Gemm with random weights, quantised so that its output fills the range."""
        source = self.scale
        at = len(self.constants)
        weight = self.rng.integers(-127, 128, shape).astype(np.int8)
        scale = self.rng.uniform(0.002, 0.01, shape[0]).astype(np.float32)
        bias = self.rng.integers(-3000, 3000, shape[0]).astype(np.int32)
        w = self.node(
            "DequantizeLinear",
            [self.constant(f"w{at}", weight), self.constant(f"ws{at}", scale),
             self.constant(f"wz{at}", np.zeros(shape[0], np.int8))],
            axis=0,
        )  # fmt: skip
        b = self.node(
            "DequantizeLinear",
            [self.constant(f"b{at}", bias),
             self.constant(f"bs{at}", (np.float32(source) * scale).astype(np.float32)),
             self.constant(f"bz{at}", np.zeros(shape[0], np.int32))],
            axis=0,
        )  # fmt: skip
        made = self.node(kind, [value, w, b], **attributes)
        spread = float(np.sqrt(np.prod(shape[1:])) * 73 * 74 * source * scale.mean())
        return self.q(made, spread / 64, int(self.rng.integers(60, 200)))

    def payload(self, outputs: dict[str, tuple[int, ...]]) -> bytes:
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape])
            for name, shape in outputs.items()
        ]
        graph = helper.make_graph(self.nodes, "net", self.inputs, ends, self.constants)
        opset = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def graph_of(payload: bytes) -> Graph:
    return from_file(open_bytes(payload), "net")


def inputs_for(graph: Graph, count: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Extreme and random pictures."""
    rng = np.random.default_rng(seed)
    made = {}
    for name in graph.inputs:
        shape = graph.tensors[name].shape
        pictures = rng.integers(0, 256, (count, *shape)).astype(np.uint8)
        pictures[0], pictures[1] = 0, 255
        pictures[2] = rng.integers(0, 2, shape) * 255
        made[name] = pictures
    return made
