"""What layers need on machines with wide registers: see runtime/lingnan_wide.h.

There sums are rounded in float32, as ONNX Runtime does it, so that the constants are its own: what
a sum starts at, and the scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.c.text import array
from edge_deploy.graph.ir import Conv2d, FullyConnected, Graph, Operator
from edge_deploy.graph.ranges import raw_bias

MACHINE = "WIDE"
ROOM = "room"  # the static rows, in C
BLOCK = 16  # output channels of a strip
VECTOR = 64  # bytes that may be read or written at once
MOST_KERNEL = 16  # rows or columns, LINGNAN_MOST_ROWS and LINGNAN_MOST_COLUMNS
ROWS_TOGETHER = 3  # of a depthwise kernel
MOST_SCALE = 0.5  # below, no rounded sum leaves int32
SIGNED = 128  # what NEON takes off an activation to have it signed


@dataclass(frozen=True, slots=True)
class Rows:
    """How a layer's input rows lie. run: bytes of a kernel row in its weights. pitch: of a row in
    the room. size: of the room, in bytes."""

    run: int
    pitch: int
    size: int


def rows_of(graph: Graph, op: Operator) -> Rows | None:
    """None where the plain kernels serve: what is rare, and what sums of 16 bits could not hold."""
    if not isinstance(op, Conv2d | FullyConnected) or float(op.rescale.scale.max()) >= MOST_SCALE:
        return None
    if int(op.weight.min()) == -SIGNED:
        return None
    if isinstance(op, FullyConnected):
        length = _up(op.weight.shape[1], 4)
        return Rows(length, _up(length, VECTOR), 2 * _up(length, VECTOR))
    channels, _, width = graph.tensors[op.inputs[0]].shape
    _, _, kernel_h, kernel_w = op.weight.shape
    columns = (graph.tensors[op.output].shape[2] - 1) * op.stride[1] + kernel_w
    if max(kernel_h, kernel_w) > MOST_KERNEL:
        return None
    if op.depthwise:
        pitch = _up(4 * columns * channels + 4 * VECTOR, VECTOR)
        size = pitch + _up(width * channels, VECTOR)
        return Rows(0, pitch, size) if kernel_h <= ROWS_TOGETHER and channels % 4 == 0 else None
    if op.groups != 1:
        return None
    pitch = _up(columns * channels + 4, VECTOR)
    return Rows(_up(kernel_w * channels, 4), pitch, (kernel_h + 1) * pitch)


def room_bytes(graph: Graph) -> int:
    """Of the static rows that the layers share, one after the other."""
    found = (rows_of(graph, op) for op in graph.operators)
    return max((rows.size for rows in found if rows), default=0)


def constants(graph: Graph, op: Conv2d | FullyConnected, rows: Rows, name: str) -> tuple[str, str]:
    """Declarations and the fields that name them, both of wide machines alone."""
    bias = raw_bias(op, graph.tensors[op.inputs[0]])
    sums = op.weight.reshape(len(op.weight), -1).sum(1, dtype=np.int64)
    scale = np.broadcast_to(op.rescale.scale, bias.shape).astype(np.float32)
    signed, plain = (
        array(f"{name}_start", _padded(start.astype(np.int32)))
        for start in (bias + SIGNED * sums, bias)
    )
    text = f"#ifdef LINGNAN_NEON\n{signed}#else\n{plain}#endif\n"
    text += array(f"{name}_scale", _padded(scale))
    fields = f".start = {name}_start, .scale = {name}_scale, .room = {ROOM}, .pitch = {rows.pitch}"
    return only(text), only(f"    {fields},\n")


def taps(op: Conv2d) -> NDArray[np.int8]:
    """Weights of a depthwise layer as (kernel column, channel, four kernel rows)."""
    columns = op.weight[:, 0].transpose(2, 0, 1)
    columns = np.pad(columns, ((0, 0), (0, 0), (0, 4 - columns.shape[2])))
    return np.pad(columns.reshape(-1), (0, VECTOR))


def only(text: str) -> str:
    """C for these machines."""
    return f"#ifdef LINGNAN_{MACHINE}\n{text}#endif\n"


def _padded(values: NDArray[Any]) -> NDArray[Any]:
    return np.pad(values, (0, -len(values) % BLOCK))


def _up(count: int, step: int) -> int:
    return -(-int(count) // step) * step
