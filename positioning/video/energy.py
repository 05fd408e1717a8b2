"""What a frame through a network costs by its multiply-accumulates and bytes: a model, not silicon.

Energies are those of a 45 nm process (Horowitz, ISSCC 2014): 8-bit and 32-bit multiply and add, and
external memory at 1.3 nJ a 64-bit word. Every tensor is taken to be written once and read once and
every weight to be read once, all from external memory: an upper bound for a chip with any cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from common.errors import MissingExtraError

MAC_J = {1: (0.2 + 0.03) * 1e-12, 4: (3.7 + 0.9) * 1e-12}  # by bytes a number
BYTE_J = 1.3e-9 / 8


@dataclass(frozen=True, slots=True)
class Work:
    """macs: of the convolutions; numbers: read or written, weights included."""

    macs: int
    numbers: int

    def energy_j(self, width: int) -> float:
        """Of a frame with numbers of `width` bytes: 1, int8, or 4, float."""
        return self.macs * MAC_J[width] + self.numbers * width * BYTE_J


def work_of(payload: bytes, size: tuple[int, int]) -> Work:
    """Of an ONNX network in float on one picture of `size`, height and width."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "edge") from error
    model = onnx.load_from_string(payload)
    for extent, side in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], size, strict=True):
        extent.dim_value = side
    del model.graph.value_info[:]
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    shapes = {v.name: _shape(v) for v in (*model.graph.value_info, *model.graph.output)}
    weights = {w.name: tuple(w.dims) for w in model.graph.initializer}
    macs = numbers = 0
    for node in model.graph.node:
        count = int(np.prod(shapes[node.output[0]])) if node.output[0] in shapes else 0
        if node.op_type == "Conv":
            kernel = weights[node.input[1]]
            macs += count * int(np.prod(kernel[1:]))
            numbers += 2 * count + int(np.prod(kernel))
        elif node.op_type in ("Add", "Resize"):
            numbers += 2 * count
    return Work(macs, numbers)


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(d.dim_value) for d in value.type.tensor_type.shape.dim)
