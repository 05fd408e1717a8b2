"""The hardware-exact variant: scales moved by so little that every layer rounds alike everywhere.

Two moves, both far below the steps of the weights:
- an Add whose sum falls on ties (equal scales in, twice the scale out) is rounded to even on x86
  and away from zero on ARM by ONNX Runtime. Its output scale grows by parts per thousand until
  both give the same on all 65,536 pairs;
- a channel for which no multiplier and offset equal float32 on all its accumulators has its weight
  scale moved by single units of the last place until one does.
What is left needs no exception on any target: one multiplication, one addition, one shift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.graph import fixed_add, fixed_point
from edge_deploy.graph.ir import Add, Conv2d, FullyConnected, Graph, Rescale, Tensor
from edge_deploy.graph.onnx_file import OnnxFile, onnx_package, open_bytes
from edge_deploy.graph.ranges import Range, accumulator_range
from edge_deploy.graph.read import from_file

SUM_STEP = 2.0**-12  # relative growth of an Add's output scale a trial
SUM_TRIALS = 64
MOST_UNITS = 64  # of the last place that a weight scale may move, either way: 8e-6 of its value


@dataclass(frozen=True, slots=True)
class Moved:
    """sums, channels: how many Adds and channels were moved. left: layers that stay as they were,
    with the reason."""

    sums: int
    channels: int
    left: tuple[str, ...]


def make_exact(payload: bytes, size: tuple[int, int] | None = None) -> tuple[bytes, Moved]:
    """The same network with moved scales, and what was moved."""
    file = open_bytes(payload, size)
    model = onnx_package().load_from_string(payload)
    graph = from_file(file, "net")
    scales = _Scales(file, model)
    left: list[str] = []
    sums = sum(_move_sum(graph, op, scales, left) for op in graph.operators if isinstance(op, Add))
    moved_file = open_bytes(scales.payload(), size)
    graph, scales = from_file(moved_file, "net"), _Scales(moved_file, scales.model)
    channels = 0
    for op in graph.operators:
        if isinstance(op, Conv2d | FullyConnected):
            channels += _move_channels(graph, op, scales, left)
    return scales.payload(), Moved(sums, channels, tuple(left))


class _Scales:
    """The scales of a model as they can be changed: by tensor, and by a layer's weight."""

    def __init__(self, file: OnnxFile, model: Any) -> None:
        self.file, self.model = file, model
        self._nodes = {node.name: node for node in file.nodes}
        self._made = {output: node for node in file.nodes for output in node.outputs}

    def weight_scale(self, layer: str) -> str:
        """The initialiser's name of a layer's weight scale."""
        return str(self._made[self._nodes[layer].inputs[1]].inputs[1])

    def tensor_scale(self, tensor: str) -> str:
        """The initialiser's name of an activation's scale."""
        return str(self._made[tensor].inputs[1])

    def users(self, scale: str) -> int:
        """How many QuantizeLinear nodes share a scale."""
        return sum(n.kind == "QuantizeLinear" and n.inputs[1] == scale for n in self.file.nodes)

    def value(self, name: str) -> NDArray[np.float32]:
        """An initialiser."""
        return np.array(self.file.constants[name], np.float32)

    def store(self, name: str, value: NDArray[Any]) -> None:
        """Write an initialiser back, of the shape it had."""
        shaped = value.reshape(self.file.constants[name].shape)
        new = onnx_package().numpy_helper.from_array(shaped, name)
        for tensor in self.model.graph.initializer:
            if tensor.name == name:
                tensor.CopyFrom(new)

    def payload(self) -> bytes:
        """The model, every bias scale again input scale x weight scale."""
        self._mend_biases()
        return bytes(self.model.SerializeToString())

    def _mend_biases(self) -> None:
        constants = {
            tensor.name: onnx_package().numpy_helper.to_array(tensor)
            for tensor in self.model.graph.initializer
        }
        for node in self.file.nodes:
            if node.kind not in ("Conv", "Gemm") or len(node.inputs) < 3:
                continue
            source, weight, bias = (self._made.get(name) for name in node.inputs[:3])
            if source is None or weight is None or bias is None:
                continue
            step = constants[source.inputs[1]].reshape(-1) * constants[weight.inputs[1]].reshape(-1)
            was = constants[bias.inputs[1]].astype(np.float64).reshape(-1)
            steps = constants[bias.inputs[0]].reshape(-1) * was / step
            self.store(bias.inputs[0], np.rint(steps).astype(np.int32))
            self.store(bias.inputs[1], step.astype(np.float32))


def _move_sum(graph: Graph, op: Add, scales: _Scales, left: list[str]) -> int:
    if fixed_add.neon_differences(graph, op) == 0:
        return 0
    name = scales.tensor_scale(op.output)
    if scales.users(name) != 1:
        left.append(f"{op.name}: its scale is shared with another layer")
        return 0
    before = scales.value(name)
    for trial in range(1, SUM_TRIALS + 1):
        step = (before * np.float32(1 + trial * SUM_STEP)).astype(np.float32)
        if _agrees(graph, op, float(step.reshape(-1)[0])):
            scales.store(name, step)
            return 1
    left.append(f"{op.name}: no scale within {SUM_TRIALS * SUM_STEP:.1%} makes its sums agree")
    return 0


def _agrees(graph: Graph, op: Add, step: float) -> bool:
    """Whether an output scale makes the two kernels and a plain half-up form one."""
    ratios = tuple(
        float(np.float32(graph.tensors[name].scale) / np.float32(step)) for name in op.inputs
    )
    moved = replace(op, ratios=(ratios[0], ratios[1]))
    if fixed_add.neon_differences(graph, moved):
        return False
    fixed = fixed_add.fit(graph, moved)
    return fixed.form == "half-up" and not fixed.exceptions


def _move_channels(
    graph: Graph, op: Conv2d | FullyConnected, scales: _Scales, left: list[str]
) -> int:
    span = accumulator_range(graph, op)
    fixed = fixed_point.fit(op.rescale, span)
    if fixed.form == "half-up" and not fixed.exceptional:
        return 0
    every = range(len(op.weight))
    wanted = fixed.exceptional if fixed.form == "half-up" else every
    name = scales.weight_scale(op.name)
    values = scales.value(name).reshape(-1)
    if len(values) != len(op.weight):
        left.append(f"{op.name}: one scale for all its channels")
        return 0
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.output]
    shift = fixed_point.largest_shift(op.rescale, span, fixed_point.MULTIPLIER_BITS)
    for channel in wanted:
        ends = (int(span.low[channel]), int(span.high[channel]))
        moved = _moved_scale(values[channel], (source, target), ends, shift)
        if moved is None:
            left.append(f"{op.name}, channel {channel}: no pair within {MOST_UNITS} units")
        else:
            values[channel] = moved
    scales.store(name, values)
    return len(wanted)


def _moved_scale(
    scale: np.float32, ends: tuple[Tensor, Tensor], span: tuple[int, int], shift: int
) -> np.float32 | None:
    """The nearest weight scale whose channel has a plain pair."""
    source, target = ends
    one = Range(np.array(span[:1]), np.array(span[1:]))
    bits = np.array(scale, np.float32).view(np.int32)
    for move in sorted(range(-MOST_UNITS, MOST_UNITS + 1), key=abs):
        moved = (bits + np.int32(move)).view(np.float32)
        step = np.float32(source.scale) * moved / np.float32(target.scale)
        rescale = Rescale(np.array([step], np.float32), target.zero_point)
        row = fixed_point.thresholds(rescale, one)[0]
        if not fixed_point.channel_pair(row, span, shift, float(step)).exceptions:
            return np.float32(moved)
    return None


def check(payload: bytes, size: tuple[int, int] | None = None) -> None:
    """EdgeError unless every layer has a plain pair and every Add agrees on both kernels."""
    graph = from_file(open_bytes(payload, size), "net")
    for op in graph.operators:
        if isinstance(op, Add) and fixed_add.neon_differences(graph, op):
            raise EdgeError(f"{op.name}: its sums differ between x86 and ARM")
        if isinstance(op, Conv2d | FullyConnected):
            fixed = fixed_point.fit(op.rescale, accumulator_range(graph, op))
            if fixed.form != "half-up" or fixed.exceptional:
                raise EdgeError(f"{op.name}: needs exceptions")
