"""What each operator computes, on arrays (N, C, H, W) or (N, F) of uint8: N pictures at once.

Sums are made in float64, which holds every int32 exactly, because its products are quick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge_deploy.graph import ir, rounding

Uint8 = NDArray[np.uint8]
Sources = tuple[ir.Tensor, ...]
Rescaling = Callable[[str, NDArray[np.int32], ir.Rescale], Uint8]


def float32_rescaling(_: str, accumulator: NDArray[np.int32], rescale: ir.Rescale) -> Uint8:
    """ONNX Runtime's rounding of accumulators (N, O, ...)."""
    return rounding.rescaled(accumulator, rescale, axis=1)


def conv2d(op: ir.Conv2d, x: Uint8, source: ir.Tensor) -> NDArray[np.int32]:
    """Accumulators (N, O, H', W') of a convolution, its bias in them."""
    windows = _windows(x, op.weight.shape[2:], op.stride, op.pad, source.zero_point)
    n, _, height, width = windows.shape[:4]
    weight = op.weight.astype(np.float64).reshape(op.groups, -1, *op.weight.shape[1:])
    sums: NDArray[np.float64] = np.zeros((n, op.groups, weight.shape[1], height * width))
    for row, column in np.ndindex(*op.weight.shape[2:]):
        taken = windows[..., row, column].astype(np.float64) - source.zero_point
        taken = taken.reshape(n, op.groups, -1, height * width)
        tap = weight[..., row, column]
        sums += tap * taken if op.depthwise else tap @ taken
    return _int32(sums.reshape(n, -1, height, width) + op.bias[:, None, None])


def fully_connected(op: ir.FullyConnected, x: Uint8, source: ir.Tensor) -> NDArray[np.int32]:
    """Accumulators (N, O)."""
    values = x.reshape(len(x), -1).astype(np.float64) - source.zero_point
    return _int32(values @ op.weight.astype(np.float64).T + op.bias)


def global_sum(op: ir.GlobalAveragePool, x: Uint8, source: ir.Tensor) -> NDArray[np.int32]:
    """(N, C, 1, 1) sums of value - zero_point."""
    values = x.astype(np.int32) - source.zero_point
    sums: NDArray[np.int32] = values.sum((2, 3), dtype=np.int32, keepdims=True)
    return sums


def add(op: ir.Add, a: Uint8, b: Uint8, sources: Sources, target: ir.Tensor) -> Uint8:
    """The sum in the output's scale."""
    zeros = (sources[0].zero_point, sources[1].zero_point, target.zero_point)
    return rounding.added(a, b, op.ratios, zeros)


def max_pool(op: ir.MaxPool, x: Uint8) -> Uint8:
    """The greatest value of each window."""
    best: Uint8 = _windows(x, op.kernel, op.stride, op.pad, 0).max((-2, -1))
    return best


def rearrange(op: ir.Rearrange, x: NDArray[Any]) -> NDArray[Any]:
    """Blocks of pixels to channels, or back."""
    n, c, h, w = x.shape
    b = op.block
    if op.to_depth:
        cells = x.reshape(n, c, h // b, b, w // b, b)
        order = (0, 3, 5, 1, 2, 4) if op.order == "block" else (0, 1, 3, 5, 2, 4)
        return cells.transpose(order).reshape(n, c * b * b, h // b, w // b)
    if op.order == "block":
        cells = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        cells = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return cells.reshape(n, c // b**2, h * b, w * b)


def compute(
    graph: ir.Graph, op: ir.Operator, values: dict[str, Any], rescaling: Rescaling
) -> Uint8:
    """One operator's output from the values of its inputs."""
    sources = tuple(graph.tensors[name] for name in op.inputs)
    given: list[Uint8] = [values[name] for name in op.inputs]
    x = given[0]
    match op:
        case ir.Conv2d():
            return rescaling(op.name, conv2d(op, x, sources[0]), op.rescale)
        case ir.FullyConnected():
            return rescaling(op.name, fully_connected(op, x, sources[0]), op.rescale)
        case ir.GlobalAveragePool():
            return rescaling(op.name, global_sum(op, x, sources[0]), op.rescale)
        case ir.Add():
            return add(op, x, given[1], sources, graph.tensors[op.output])
        case ir.MaxPool():
            return max_pool(op, x)
        case ir.Upsample(factor=factor):
            return x.repeat(factor[0], 2).repeat(factor[1], 3)
        case ir.Concat():
            return np.concatenate(given, 1)
        case ir.Flatten():
            return x.reshape(len(x), -1)
        case ir.Lookup(table=table):
            return table[x]
        case ir.Rearrange():
            return rearrange(op, x)


def _windows(
    x: Uint8,
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    pad: tuple[int, int, int, int],
    fill: int,
) -> Uint8:
    """(N, C, H', W', kh, kw) view of the padded input."""
    top, left, bottom, right = pad
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    padded = np.pad(x, widths, constant_values=fill)
    return sliding_window_view(padded, kernel, (2, 3))[:, :, :: stride[0], :: stride[1]]


def _int32(sums: NDArray[np.float64]) -> NDArray[np.int32]:
    if np.abs(sums).max(initial=0) >= 2**31:
        raise OverflowError("an accumulator left int32")
    return sums.astype(np.int32)
