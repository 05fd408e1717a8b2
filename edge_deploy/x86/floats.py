"""The float network in the form that the integer one gets, so that they are compared fairly.

Of what `graph.fold` does one thing costs float time as well: a pixel unshuffle behind a
convolution, which exporters write as Reshape, Transpose, Reshape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_deploy.graph.fold import deep_order, deep_weight
from edge_deploy.graph.ir import Rearrange, Tensor
from edge_deploy.graph.onnx_file import Node, OnnxFile, onnx_package, open_bytes
from edge_deploy.graph.views import whole

MOVES = ("Reshape", "Transpose")


def without_unshuffle(payload: bytes, size: tuple[int, int] | None = None) -> bytes:
    """The same float function; convolutions before a pixel unshuffle take it into their stride."""
    file = open_bytes(payload, size)
    model = onnx_package().load_from_string(payload)
    changed = False
    for node in file.nodes:
        if node.kind == "Conv" and node.attributes.get("group", 1) == 1:
            changed |= _fold(file, node, model)
    return bytes(model.SerializeToString()) if changed else payload


def _fold(file: OnnxFile, conv: Node, model: Any) -> bool:
    """Fold what follows one convolution, if it is an unshuffle that only it feeds."""
    last, value = conv, _only_reader(file, conv)
    while value is not None and value.kind in ("Relu", "Clip"):
        last, value = value, _only_reader(file, value)
    source = Tensor(last.outputs[0], file.shapes[last.outputs[0]], 1.0, 0)
    view, chain = whole(source), []
    while value is not None and value.kind in MOVES:
        view = view.then(value, file.shapes[value.outputs[0]])
        chain.append(value)
        value = _only_reader(file, value)
    op = view.operator("blocks", "deep") if chain else None
    if not isinstance(op, Rearrange) or not op.to_depth:
        return False
    _rewrite(file, conv, op, model)
    gone = {node.outputs[0] for node in chain}
    for node in [node for node in model.graph.node if node.output[0] in gone]:
        model.graph.node.remove(node)
    for node in model.graph.node:
        for at, name in enumerate(node.input):
            if name == chain[-1].outputs[0]:
                node.input[at] = last.outputs[0]
    del model.graph.value_info[:]
    return True


def _only_reader(file: OnnxFile, node: Node) -> Node | None:
    name = node.outputs[0]
    readers = [one for one in file.nodes if name in one.inputs]
    return readers[0] if len(readers) == 1 and name not in file.outputs else None


def _rewrite(file: OnnxFile, conv: Node, op: Rearrange, model: Any) -> None:
    """The convolution's weight, bias, kernel and stride."""
    numpy_helper, helper = onnx_package().numpy_helper, onnx_package().helper
    down, right = conv.attributes.get("strides", (1, 1))
    weight = file.constants[conv.inputs[1]]
    deep = deep_weight(weight, (down, right), op.block)[deep_order(op, len(weight))]
    values = {conv.inputs[1]: deep}
    if len(conv.inputs) > 2:
        bias = np.tile(file.constants[conv.inputs[2]], op.block**2)
        values[conv.inputs[2]] = bias[deep_order(op, len(weight))]
    for tensor in model.graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(numpy_helper.from_array(values[tensor.name], tensor.name))
    (node,) = (one for one in model.graph.node if one.output[0] == conv.outputs[0])
    new = {"kernel_shape": deep.shape[2:], "strides": (down * op.block, right * op.block)}
    kept = [one for one in node.attribute if one.name not in new]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(*pair) for pair in new.items())])
