"""A QDQ network (ONNX with QuantizeLinear / DequantizeLinear pairs) to the integer graph.

Each float value of the file is one of two: exactly what a uint8 tensor stands for, or a sum that
waits for its QuantizeLinear. Operators that only move values keep the first; those that compute
make the second, and their QuantizeLinear completes the integer operator. What is neither is
refused, with the layer's name and the cure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import UnsupportedError
from edge_deploy.graph.ir import Graph, Operator, Tensor
from edge_deploy.graph.onnx_file import Node, OnnxFile, open_file, scalar
from edge_deploy.graph.views import View

Pending = Callable[[str, Tensor], Operator]


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """A constant behind DequantizeLinear: integers and their scale, one or one a channel."""

    values: NDArray[Any]
    scale: NDArray[np.float32]
    axis: int


@dataclass(slots=True)
class Reading:
    """What is known of the file so far.

    real: float value -> the tensor it stands for. pending: float value -> what its QuantizeLinear
    will complete, within `clamps`. alias: uint8 name -> the tensor it repeats. views: uint8 or
    float name -> a reordering that is no operator yet. inputs: the file's inputs -> their tensor.
    """

    file: OnnxFile
    tensors: dict[str, Tensor] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)
    real: dict[str, str] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    clamps: dict[str, tuple[float, float]] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)

    def source(self, node: Node, at: int = 0) -> Tensor:
        """The tensor behind an input; UnsupportedError where it is not a quantised value."""
        name = node.inputs[at]
        if name in self.views:
            raise UnsupportedError(
                node.name,
                f"{node.kind} takes a Reshape or Transpose that is neither a flatten nor blocks "
                "of pixels to or from channels",
                "Rewrite it with those, or cut the network before it.",
            )
        if name not in self.real:
            raise UnsupportedError(
                node.name,
                f"{node.kind} takes {name!r}, which is not quantised",
                "Quantise the network with `lingnan edge quantize`, or cut it before this layer.",
            )
        return self.tensors[self.real[name]]

    def moved(self, node: Node, op: Operator, shape: tuple[int, ...]) -> None:
        """An operator that keeps the scale: its float output is exactly its tensor."""
        source = self.tensors[op.inputs[0]]
        self.tensors[op.output] = Tensor(op.output, shape, source.scale, source.zero_point)
        self.operators.append(op)
        self.real[node.outputs[0]] = op.output


def read(path: Path, size: tuple[int, int] | None = None) -> Graph:
    """The integer graph of an ONNX file. size: (height, width) where the file leaves them free."""
    return from_file(open_file(path, size), path.stem)


def from_file(file: OnnxFile, name: str) -> Graph:
    """The integer graph of an opened file."""
    from edge_deploy.graph.nodes import HANDLERS

    reading = Reading(file)
    for node in file.nodes:
        handler = HANDLERS.get(node.kind)
        if handler is None:
            raise _unknown(node)
        handler(reading, node)
    outputs = tuple(_output(reading, name) for name in file.outputs)
    inputs = tuple(reading.inputs[name] for name in file.inputs if name in reading.inputs)
    return _live(Graph(name, reading.tensors, tuple(reading.operators), inputs, outputs))


def _output(reading: Reading, name: str) -> str:
    tensor = reading.real.get(name, reading.alias.get(name, name))
    if tensor not in reading.tensors:
        raise UnsupportedError(
            name,
            "this output is not a quantised tensor",
            "End the network in QuantizeLinear / DequantizeLinear; what follows (softmax, boxes) "
            "is float and belongs to the program around it.",
        )
    return tensor


def _unknown(node: Node) -> UnsupportedError:
    cures = {
        "AveragePool": "Use GlobalAveragePool, or a depthwise convolution of equal weights.",
        "ReduceMean": "Use GlobalAveragePool: the runtime computes ReduceMean in float.",
        "Softmax": "Leave it to the program around the network: the largest logit is the same.",
        "BatchNormalization": "Fold it into the convolution before it on export.",
        "Mul": "Gate with a convolution, or cut the network before this layer.",
        "ConvTranspose": "Use Resize (nearest) and a convolution.",
    }
    cure = cures.get(node.kind, "Replace the layer, or cut the network before it.")
    return UnsupportedError(node.name, f"{node.kind} has no integer form here", cure)


def _live(graph: Graph) -> Graph:
    """Without operators whose output nobody reads."""
    needed, kept = set(graph.outputs), []
    for op in reversed(graph.operators):
        if op.output in needed:
            kept.append(op)
            needed |= set(op.inputs)
    tensors = {
        name: tensor for name, tensor in graph.tensors.items() if name in needed | set(graph.inputs)
    }
    return Graph(graph.name, tensors, tuple(reversed(kept)), graph.inputs, graph.outputs)


def quantisation(reading: Reading, node: Node) -> tuple[float, int]:
    """(scale, zero point) of a QuantizeLinear or DequantizeLinear of an activation."""
    scale = reading.file.constant(node, 1, "scale")
    zero = (
        reading.file.constant(node, 2, "zero point")
        if len(node.inputs) > 2
        else np.zeros(1, np.uint8)
    )
    if zero.dtype != np.uint8 or scale.size != 1:
        raise UnsupportedError(
            node.name,
            f"an activation of {zero.dtype}, {scale.size} scales",
            "Activations are uint8 with one scale: quantise with activation_type=QUInt8.",
        )
    return float(scalar(scale.astype(np.float32))), int(scalar(zero))
