"""A float function of one activation as its table of 256 values, asked of ONNX Runtime itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.ir import Tensor
from edge_deploy.graph.onnx_file import Node, OnnxFile, onnx_package


def ask(node: Node, source: Tensor, target: Tensor, file: OnnxFile) -> NDArray[np.uint8]:
    """The uint8 output of DequantizeLinear, `node`, QuantizeLinear for each uint8 input."""
    from common.runtime.session import Session

    helper, kinds = onnx_package().helper, onnx_package().TensorProto
    constants = [
        onnx_package().numpy_helper.from_array(file.constants[name], name)
        for name in node.inputs[1:]
        if name
    ]
    for prefix, tensor in (("in", source), ("out", target)):
        constants.append(helper.make_tensor(f"{prefix}/s", kinds.FLOAT, [], [tensor.scale]))
        constants.append(helper.make_tensor(f"{prefix}/z", kinds.UINT8, [], [tensor.zero_point]))
    steps = [
        helper.make_node("DequantizeLinear", ["x", "in/s", "in/z"], ["real"]),
        helper.make_node(node.kind, ["real", *node.inputs[1:]], ["made"], **node.attributes),
        helper.make_node("QuantizeLinear", ["made", "out/s", "out/z"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, kinds.UINT8, [1, 256]) for name in "xy"]
    graph = helper.make_graph(steps, "table", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=file.model.opset_import, ir_version=9)
    every = np.arange(256, dtype=np.uint8)[None]
    found: NDArray[np.uint8] = Session(model.SerializeToString(), warmup=0).run({"x": every})["y"]
    return found.reshape(-1)
