"""Convolutions over several pixels of a row at once.

In (H, W, C) order b neighbouring pixels of a row are one pixel of b C channels; no byte moves. A
convolution of stride s then goes from blocks of b s pixels to blocks of b: its weights stand once
for each pixel of the block, with zeros where a tap lies outside. Every sum has the same products,
so the integers are the same; what ONNX Runtime spends on each pixel whatever its depth (gathering,
packing, the call) is paid b times less often. Narrow layers gain, deep ones would lose.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edge_deploy.graph.ir import Conv2d, Graph, Rescale

BLOCKS = (1, 2, 4, 8)
# ns of QLinearConv with AVX-512 VNNI, fitted to single layers: a pixel, each row of its window,
# a byte gathered, a product, an output value. Only the choice of the block depends on them.
PIXEL_NS, ROW_NS, BYTE_NS, PRODUCT_NS, VALUE_NS = 4.0, 3.5, 0.03, 0.006, 0.08
LANES = 16  # output channels that the kernel computes together


def quickest(graph: Graph, op: Conv2d) -> tuple[Conv2d, int]:
    """The layer over blocks of as many output pixels as should be quickest, and how many."""
    forms = [(made, block) for block in BLOCKS if (made := blocked(graph, op, block)) is not None]
    return min(forms, key=lambda form: _estimate(graph, *form))


def blocked(graph: Graph, op: Conv2d, block: int) -> Conv2d | None:
    """The layer over blocks of `block` output pixels of a row; None where they do not fit.

    Takes (C b s, H, W / (b s)) and gives (O b, H', W' / b), the pixel slowest in a channel's index.
    """
    if block == 1:
        return op
    (_, stride), (_, left, _, _) = op.stride, op.pad
    width, out_width = (graph.tensors[name].shape[2] for name in (op.inputs[0], op.output))
    step = block * stride
    if op.groups > 1 or width != out_width * stride or out_width % block:
        return None
    taps = op.weight.shape[3]
    first, last = -left // step, (step - stride - left + taps - 1) // step
    filters, channels, rows, _ = op.weight.shape
    weight = np.zeros((block, filters, step, channels, rows, last - first + 1), np.int8)
    for pixel, tap in np.ndindex(block, taps):
        there, within = divmod(pixel * stride - left + tap, step)
        weight[pixel, :, within, :, :, there - first] = op.weight[..., tap]
    return replace(
        op,
        weight=weight.reshape(block * filters, step * channels, rows, -1),
        bias=np.tile(op.bias, block),
        rescale=Rescale(np.tile(op.rescale.scale, block), op.rescale.zero_point),
        stride=(op.stride[0], 1),
        pad=(op.pad[0], -first, op.pad[2], max(last, 0)),
    )


def _estimate(graph: Graph, op: Conv2d, block: int) -> float:
    """ns of the layer; a depthwise one has one form only."""
    filters, channels, rows, columns = op.weight.shape
    window = channels * rows * columns
    gather = rows * ROW_NS if (rows, columns, op.stride) != (1, 1, (1, 1)) else 0.0
    products = window * math.ceil(filters / LANES) * LANES * PRODUCT_NS
    pixel = PIXEL_NS + gather + window * BYTE_NS + products + filters * VALUE_NS
    return float(math.prod(graph.tensors[op.output].shape[1:]) / block * pixel)
