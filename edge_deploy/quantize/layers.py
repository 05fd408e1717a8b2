"""The layers of a float model, as the quantiser takes or leaves them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_deploy.graph.onnx_file import Node, OnnxFile, open_bytes

# Nodes that the quantiser takes along with the layer before them: integers pass as they are.
FOLLOWERS = (
    *("Relu", "Clip", "MaxPool", "AveragePool", "Resize"),
    *("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice"),
)


@dataclass(frozen=True, slots=True)
class Layer:
    """name: of the node that computes. values: what it and the nodes that follow it make. before:
    the layers whose values it takes. macs: multiply-accumulates a picture."""

    name: str
    values: tuple[str, ...]
    before: tuple[str, ...]
    macs: int


def layers(ready: bytes) -> tuple[Layer, ...]:
    """The layers of a `prepared` model, in its order."""
    file = open_bytes(ready)
    owner: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    computing: list[tuple[Node, tuple[str, ...]]] = []
    for node in file.nodes:
        before = tuple(dict.fromkeys(owner[name] for name in node.inputs if name in owner))
        name = node.name
        if node.kind in FOLLOWERS and before:
            name = before[0]
        else:
            computing.append((node, before))
        values.setdefault(name, []).extend(node.outputs)
        owner |= dict.fromkeys(node.outputs, name)
    return tuple(
        Layer(node.name, tuple(values[node.name]), before, _macs(file, node))
        for node, before in computing
    )


def _macs(file: OnnxFile, node: Node) -> int:
    weight = file.constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
    if weight is None or node.kind not in ("Conv", "Gemm", "MatMul"):
        return 0
    pixels = math.prod(file.shapes[node.outputs[0]][1:]) if node.kind == "Conv" else 1
    return pixels * weight.size
