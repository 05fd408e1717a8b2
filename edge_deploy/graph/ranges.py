"""What values can occur: the range of every tensor and of every channel's accumulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.ir import (
    Conv2d,
    FullyConnected,
    GlobalAveragePool,
    Graph,
    Lookup,
    Tensor,
)

Accumulating = Conv2d | FullyConnected | GlobalAveragePool


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """Ends of each channel's accumulator, both reached or beyond reach: (O,) int64 each."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]


def value_range(graph: Graph, tensor: str) -> tuple[int, int]:
    """Least and greatest uint8 that a tensor can hold, less than 0..255 behind a table."""
    op = graph.producer(tensor)
    if isinstance(op, Lookup):
        return int(op.table.min()), int(op.table.max())
    return 0, 255


def accumulator_range(graph: Graph, op: Accumulating) -> Range:
    """Bounds that no input exceeds: each weight meets the end of its input's range that it likes.

    Padding is the zero point, so that it adds 0 and stays within.
    """
    source = graph.tensors[op.inputs[0]]
    low, high = value_range(graph, source.name)
    low, high = min(low - source.zero_point, 0), max(high - source.zero_point, 0)
    if isinstance(op, GlobalAveragePool):
        pixels = source.size // source.shape[0]
        return Range(np.array([low * pixels]), np.array([high * pixels]))
    weight = op.weight.reshape(len(op.weight), -1).astype(np.int64)
    ends = np.stack([weight * low, weight * high])
    bias = op.bias.astype(np.int64)
    return Range(ends.min(0).sum(1) + bias, ends.max(0).sum(1) + bias)


def raw_bias(op: Conv2d | FullyConnected, source: Tensor) -> NDArray[np.int64]:
    """(O,) the constant part when weights meet the uint8 itself, its zero point not taken off."""
    weight = op.weight.reshape(len(op.weight), -1).astype(np.int64)
    bias: NDArray[np.int64] = op.bias.astype(np.int64) - source.zero_point * weight.sum(1)
    return bias
