"""An integer graph as an ONNX file for ONNX Runtime's own integer operators.

Activations stay uint8 in (height, width, channel) order from end to end: there is no pair of
QuantizeLinear and DequantizeLinear to be matched, no transposition between layers, and nearest
upsampling is a copy of rows. Convolutions go over several pixels at once where that is quicker
(`blocks`). The file takes uint8 (1, C, H, W) and gives float32, what the integers stand for.

Of scales only ratios reach the kernels. They are written as weight scales beside 1 and 1, so that
the runtime's float32 has the very numbers of the graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph import ir, rounding
from edge_deploy.graph.onnx_file import onnx_package
from edge_deploy.x86.blocks import quickest

OPSET, IR_VERSION, CONTRIB = 17, 9, "com.microsoft"


def write(graph: ir.Graph) -> bytes:
    """The file. Its inputs have the graph's names, its outputs those of `told`."""
    made = _Writer(graph)
    for name in graph.inputs:
        made.take(name)
    for op in graph.operators:
        made.values[op.output] = made.operator(op)
    for name in graph.outputs:
        made.give(name)
    return made.payload()


def told(output: str) -> str:
    """What an output is called in the file; its integers inside may have the graph's name."""
    return f"{output}/real"


class _Writer:
    """values: of each tensor, what holds it as (1, H, W, C), or (1, 1, 1, N) of a vector."""

    def __init__(self, graph: ir.Graph) -> None:
        self.graph, self.values = graph, dict[str, str]()
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def take(self, name: str) -> None:
        """An input of the file, brought to the inner order."""
        shape = self.graph.tensors[name].shape
        if len(shape) == 3 and shape[0] > 1:
            self.values[name] = self._node("Transpose", [name], perm=[0, 2, 3, 1])
        else:
            self.values[name] = self._shaped(name, self._inner(name))

    def give(self, name: str) -> None:
        """An output of the file, as what its integers stand for."""
        tensor, value = self.graph.tensors[name], self.values[name]
        if len(tensor.shape) == 3 and tensor.shape[0] > 1:
            value = self._node("Transpose", [value], perm=[0, 3, 1, 2])
        else:
            value = self._shaped(value, (1, *tensor.shape))
        ends = [self._real(tensor.scale), self._byte(tensor.zero_point)]
        self._node("DequantizeLinear", [value, *ends], output=told(name))

    def operator(self, op: ir.Operator) -> str:
        """Nodes of one operator; what holds its output."""
        given = [self.values[name] for name in op.inputs]
        source = self.graph.tensors[op.inputs[0]]
        match op:
            case ir.Conv2d():
                return self._conv(op, given[0])
            case ir.FullyConnected():
                return self._fully_connected(op, given[0])
            case ir.Add():
                return self._sum(op, given)
            case ir.GlobalAveragePool():
                ends = [*self._ends(source), *self._ends(self.graph.tensors[op.output])]
                inputs = [given[0], *ends]
                return self._node("QLinearGlobalAveragePool", inputs, CONTRIB, channels_last=1)
            case ir.MaxPool(kernel=kernel, stride=stride, pad=pad):
                return self._node(
                    "NhwcMaxPool", given, CONTRIB, kernel_shape=kernel, strides=stride, pads=pad
                )
            case ir.Upsample(factor=factor):
                return self._upsample(op, given[0], factor)
            case ir.Concat():
                return self._node("Concat", given, axis=3)
            case ir.Flatten():
                turned = self._node("Transpose", [given[0]], perm=[0, 3, 1, 2])
                return self._shaped(turned, self._inner(op.output))
            case ir.Lookup():
                return self._table(op, given[0])
            case ir.Rearrange():
                return self._rearrange(op, given[0])

    def payload(self) -> bytes:
        """The whole model."""
        helper, kinds = onnx_package().helper, onnx_package().TensorProto
        graph = self.graph
        inputs = [
            helper.make_tensor_value_info(name, kinds.UINT8, [1, *graph.tensors[name].shape])
            for name in graph.inputs
        ]
        outputs = [
            helper.make_tensor_value_info(told(name), kinds.FLOAT, [1, *graph.tensors[name].shape])
            for name in graph.outputs
        ]
        constants = list(self._constants.values())
        made = helper.make_graph(self._nodes, graph.name, inputs, outputs, constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())

    def _conv(self, op: ir.Conv2d, value: str) -> str:
        form, block = quickest(self.graph, op)
        channels, height, width = self.graph.tensors[op.inputs[0]].shape
        if block > 1:
            step = form.weight.shape[1] // channels
            value = self._shaped(value, (1, height, width // step, channels * step))
        source = self.graph.tensors[op.inputs[0]]
        inputs = [value, *self._weighted(source, form.weight, form.bias, form.rescale)]
        made = self._node(
            "QLinearConv",
            inputs,
            CONTRIB,
            channels_last=1,
            group=form.groups,
            kernel_shape=form.weight.shape[2:],
            strides=form.stride,
            pads=form.pad,
        )
        return self._shaped(made, self._inner(op.output)) if block > 1 else made

    def _fully_connected(self, op: ir.FullyConnected, value: str) -> str:
        """As a convolution of one pixel."""
        source = self.graph.tensors[op.inputs[0]]
        weight = op.weight[:, :, None, None]
        inputs = [
            self._shaped(value, (1, 1, 1, source.size)),
            *self._weighted(source, weight, op.bias, op.rescale),
        ]
        return self._node("QLinearConv", inputs, CONTRIB, channels_last=1, kernel_shape=[1, 1])

    def _weighted(
        self,
        source: ir.Tensor,
        weight: NDArray[np.int8],
        bias: NDArray[np.int32],
        rescale: ir.Rescale,
    ) -> list[str]:
        """QLinearConv's inputs after the value."""
        one = self._real(1.0)
        return [
            *(one, self._byte(source.zero_point)),
            self._constant(weight),
            self._constant(rescale.scale.astype(np.float32)),
            self._constant(np.zeros(len(weight), np.int8)),
            *(one, self._byte(rescale.zero_point)),
            self._constant(bias),
        ]

    def _sum(self, op: ir.Add, values: list[str]) -> str:
        inputs = []
        for name, value, ratio in zip(op.inputs, values, op.ratios, strict=True):
            zero = self.graph.tensors[name].zero_point
            inputs += [value, self._real(ratio), self._byte(zero)]
        target = self.graph.tensors[op.output]
        ends = [self._real(1.0), self._byte(target.zero_point)]
        return self._node("QLinearAdd", [*inputs, *ends], CONTRIB)

    def _upsample(self, op: ir.Upsample, value: str, factor: tuple[int, int]) -> str:
        """Pixels beside themselves, then rows below themselves: whole copies."""
        channels, height, width = self.graph.tensors[op.inputs[0]].shape
        down, right = factor
        pixels = self._shaped(value, (1, height * width, 1, channels))
        wide = self._node("Concat", [pixels] * right, axis=2)
        rows = self._shaped(wide, (1, height, 1, width * right * channels))
        tall = self._node("Concat", [rows] * down, axis=2)
        return self._shaped(tall, self._inner(op.output))

    def _table(self, op: ir.Lookup, value: str) -> str:
        source, target = self.graph.tensors[op.inputs[0]], self.graph.tensors[op.output]
        ends = (source.scale, source.zero_point), (target.scale, target.zero_point)
        if np.array_equal(rounding.requantised(np.arange(256, dtype=np.uint8), *ends), op.table):
            real = self._node("DequantizeLinear", [value, *self._ends(source)])
            return self._node("QuantizeLinear", [real, *self._ends(target)])
        kind = onnx_package().TensorProto.INT32
        index = self._node("Cast", [value], to=kind)
        return self._node("Gather", [self._constant(op.table), index], axis=0)

    def _rearrange(self, op: ir.Rearrange, value: str) -> str:
        channels, height, width = self.graph.tensors[op.inputs[0]].shape
        b = op.block
        if op.to_depth:
            cells = self._shaped(value, (1, height // b, b, width // b, b, channels))
            order = [0, 1, 3, 2, 4, 5] if op.order == "block" else [0, 1, 3, 5, 2, 4]
        elif op.order == "block":
            cells = self._shaped(value, (1, height, width, b, b, channels // b**2))
            order = [0, 1, 3, 2, 4, 5]
        else:
            cells = self._shaped(value, (1, height, width, channels // b**2, b, b))
            order = [0, 1, 4, 2, 5, 3]
        moved = self._node("Transpose", [cells], perm=order)
        return self._shaped(moved, self._inner(op.output))

    def _inner(self, name: str) -> tuple[int, ...]:
        shape = self.graph.tensors[name].shape
        return (1, *shape[1:], shape[0]) if len(shape) == 3 else (1, 1, 1, *shape)

    def _ends(self, tensor: ir.Tensor) -> list[str]:
        return [self._real(tensor.scale), self._byte(tensor.zero_point)]

    def _shaped(self, value: str, shape: tuple[int, ...]) -> str:
        return self._node("Reshape", [value, self._constant(np.array(shape, np.int64))])

    def _real(self, value: float) -> str:
        return self._constant(np.array(value, np.float32))

    def _byte(self, value: int) -> str:
        return self._constant(np.array(value, np.uint8))

    def _constant(self, value: NDArray[Any]) -> str:
        """Its name; equal scalars and shapes are kept once."""
        small = f"{value.dtype}:{value.tolist()}" if value.size < 8 else str(len(self._constants))
        name = f"c/{small}"
        if name not in self._constants:
            self._constants[name] = onnx_package().numpy_helper.from_array(value, name)
        return name

    def _node(
        self, kind: str, inputs: list[str], domain: str = "", output: str = "", **attributes: Any
    ) -> str:
        output = output or f"v{len(self._nodes)}"
        made = onnx_package().helper.make_node(kind, inputs, [output], domain=domain, **attributes)
        self._nodes.append(made)
        return output
