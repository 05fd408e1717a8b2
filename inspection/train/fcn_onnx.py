"""The network as ONNX, written node by node, so that torch and the file are two descriptions.

Input "image" (1, 1, H, W) uint8 in DN; output "logits" (1, 1, H/8, W/8) float32. H and W are free
multiples of 16. Initialisers are named as `Fcn.weights` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]
OPSET = 17


class Graph:
    """Nodes in order; each method appends and returns the name of what it made."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights = weights
        self.constants: dict[str, NDArray[np.generic] | np.generic] = {}

    def conv(self, x: str, name: str, stride: int = 1, groups: int = 1, relu: bool = True) -> str:
        """Convolution with the weights called `name`, odd kernels centred, clamped."""
        size = self.weights[f"{name}.weight"].shape[-1]
        pad = size // 2 if size % 2 else 0
        self.nodes.append(
            helper.make_node(
                "Conv",
                [x, f"{name}.weight", f"{name}.bias"],
                [name],
                name=name,
                kernel_shape=[size] * 2,
                strides=[stride] * 2,
                pads=[pad] * 4,
                group=groups,
            )
        )
        return self.node("Clip", [name, "zero" if relu else "floor", "limit"], f"{name}.clip")

    def block(self, x: str, name: str, stride: int = 1) -> str:
        """Depthwise 3x3 and 1x1."""
        channels = self.weights[f"{name}.0.weight"].shape[0]
        x = self.conv(x, f"{name}.0", stride, groups=channels, relu=False)
        return self.conv(x, f"{name}.1")

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        """A node of one output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def float_core(weights: Weights) -> onnx.ModelProto:
    """The network on "x" (1, 1, H, W) float32 in 0..1: what is calibrated and quantised."""
    g = Graph(weights)
    x = g.conv("x", "stem", 4, relu=False)
    x = g.conv(g.conv(x, "near.0"), "near.1")
    x = g.conv(x, "down", 2)
    skip = x = g.block(x, "fine")
    for i in range(4):
        x = g.block(x, f"wide.{i}", 2 if i == 0 else 1)
    x = g.conv(x, "back")
    g.constants |= {
        "scales": np.array([1, 1, 2, 2], np.float32),
        "zero": np.float32(0),
        "floor": np.float32(-6),
        "limit": np.float32(6),
    }
    x = g.node(
        "Resize",
        [x, "", "scales"],
        "up",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    x = g.block(g.node("Add", [x, skip], "sum"), "merge")
    head = helper.make_node("Conv", [x, "head.weight", "head.bias"], ["logits"], name="head")
    g.nodes.append(head)
    return _model(
        g, helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, "height", "width"])
    )


def with_uint8_input(core: onnx.ModelProto) -> onnx.ModelProto:
    """`core` fed with DN: x = image / 255 by one DequantizeLinear.

    In a quantised core that node takes the place of the pair that quantised x, so that the first
    convolution reads the camera's bytes. ValueError where x was not quantised in steps of 1/255.
    """
    model = onnx.ModelProto()
    model.CopyFrom(core)
    graph = model.graph
    source = "x"
    for quantise in [n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "x"]:
        (pair,) = [n for n in graph.node if quantise.output[0] in n.input]
        _check_scale(graph, pair)
        source = pair.output[0]
        graph.node.remove(quantise)
        graph.node.remove(pair)
    graph.initializer.append(numpy_helper.from_array(np.float32(1 / 255), "dn"))
    graph.initializer.append(numpy_helper.from_array(np.uint8(0), "dark"))
    feed = helper.make_node("DequantizeLinear", ["image", "dn", "dark"], [source], name="feed")
    graph.node.insert(0, feed)
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, "height", "width"])
    graph.input.remove(graph.input[0])
    graph.input.append(image)
    onnx.checker.check_model(model)
    return model


def weights_of(path: Path) -> dict[str, NDArray[np.float32]]:
    """Weights and biases of an fp32 file, by name."""
    found = {i.name: numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}
    return {n: np.array(w) for n, w in found.items() if n.endswith((".weight", ".bias"))}


def _check_scale(graph: onnx.GraphProto, pair: onnx.NodeProto) -> None:
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    scale, zero = float(values[pair.input[1]]), int(values[pair.input[2]])
    if zero != 0 or abs(scale * 255 - 1) > 1e-5:
        raise ValueError(f"x is quantised in steps of {scale} from {zero}, wanted 1/255 from 0")


def _model(g: Graph, source: onnx.ValueInfoProto) -> onnx.ModelProto:
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1, "rows", "columns"])
    values = {**g.weights, **g.constants}
    initialisers = [numpy_helper.from_array(np.asarray(v), n) for n, v in values.items()]
    graph = helper.make_graph(g.nodes, "fcn", [source], [out], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    return model
