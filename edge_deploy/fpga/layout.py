"""How tensors stream: bytes in (height, width, channel) order, also behind a Flatten."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.ir import Flatten, FullyConnected, Graph

Shape = tuple[int, int, int]


def shapes(graph: Graph) -> dict[str, Shape]:
    """(C, H, W) of each tensor as it streams; a flattened one keeps the shape it had."""
    found: dict[str, Shape] = {}
    for name in graph.inputs:
        found[name] = _whole(graph.tensors[name].shape)
    for op in graph.operators:
        shape = graph.tensors[op.output].shape
        keeps = len(shape) == 1 and not isinstance(op, FullyConnected)
        source = found[op.inputs[0]]
        found[op.output] = source if keeps or isinstance(op, Flatten) else _whole(shape)
    return found


def _whole(shape: tuple[int, ...]) -> Shape:
    channels, height, width = shape if len(shape) == 3 else (shape[0], 1, 1)
    return channels, height, width


def to_stream(array: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """(N, ...) pictures to (N, bytes) in the order of the stream."""
    return array.reshape(-1, *shape).transpose(0, 2, 3, 1).reshape(len(array), -1)


def from_stream(
    rows: NDArray[np.uint8], shape: Shape, wanted: tuple[int, ...]
) -> NDArray[np.uint8]:
    """The reverse; wanted: the tensor's own shape."""
    channels, height, width = shape
    pictures = rows.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(pictures).reshape(len(rows), *wanted)


def columns(weight: NDArray[np.int8], shape: Shape) -> NDArray[np.int8]:
    """(O, C * H * W) weights of a layer with their inputs as the stream brings them."""
    return weight.reshape(len(weight), *shape).transpose(0, 2, 3, 1).reshape(len(weight), -1)
