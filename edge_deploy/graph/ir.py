"""The integer graph as data: tensors of uint8 and the operators between them.

Everything is for one picture: shapes are (C, H, W) as in ONNX without its batch axis, or (N,)
after a flatten. An activation is uint8 and stands for scale * (value - zero_point); weights are
int8 with zero point 0, biases and accumulators int32. A target may store (H, W, C); that is its
own affair.

What is between the accumulator and the next uint8 is float32 in ONNX Runtime. Its exact meaning
is in `edge_deploy.graph.rounding`; an integer form that is proven equal is found in
`edge_deploy.graph.fixed_point`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """A uint8 activation: shape (C, H, W) or (N,); it stands for scale * (value - zero_point)."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def size(self) -> int:
        """Elements, which are bytes."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Rescale:
    """From the int32 accumulators of each output channel to uint8.

    scale: (O,) float32, the step of the accumulator in steps of the output.
    zero_point: of the output. The clamp is uint8's own: a ReLU is a zero point of 0.
    """

    scale: NDArray[np.float32]
    zero_point: int


@dataclass(frozen=True, slots=True, eq=False)
class Conv2d:
    """Cross-correlation. weight (O, I / groups, kh, kw) int8, bias (O,) int32.

    stride (down, right); pad (top, left, bottom, right) with the input's zero point.
    """

    name: str
    inputs: tuple[str]
    output: str
    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    rescale: Rescale
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1

    @property
    def depthwise(self) -> bool:
        """Whether each channel is filtered by itself, one filter a channel."""
        return self.groups > 1 and self.weight.shape[:2] == (self.groups, 1)


@dataclass(frozen=True, slots=True, eq=False)
class FullyConnected:
    """weight (O, I) int8, bias (O,) int32; the input is taken in (C, H, W) order."""

    name: str
    inputs: tuple[str]
    output: str
    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    rescale: Rescale


@dataclass(frozen=True, slots=True)
class Add:
    """Sum of two tensors of one shape; ratios are input scale / output scale in float32."""

    name: str
    inputs: tuple[str, str]
    output: str
    ratios: tuple[float, float]


@dataclass(frozen=True, slots=True)
class MaxPool:
    """kernel, stride (down, right); pad (top, left, bottom, right), which never wins."""

    name: str
    inputs: tuple[str]
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class GlobalAveragePool:
    """(C, H, W) to (C, 1, 1); the accumulator is the sum of value - zero_point."""

    name: str
    inputs: tuple[str]
    output: str
    rescale: Rescale


@dataclass(frozen=True, slots=True)
class Upsample:
    """Nearest neighbour by whole factors (down, right): out[y, x] = in[y // fy, x // fx]."""

    name: str
    inputs: tuple[str]
    output: str
    factor: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Concat:
    """Along channels. Inputs have the output's scale: `Lookup` layers stand before where not."""

    name: str
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True)
class Flatten:
    """(C, H, W) to (C * H * W,), C slowest."""

    name: str
    inputs: tuple[str]
    output: str


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """A function of one uint8 as its table of 256: sigmoid, leaky ReLU, a change of scale."""

    name: str
    inputs: tuple[str]
    output: str
    table: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Rearrange:
    """Blocks of pixels to channels or back.

    to_depth: (C, H, W) to (C b b, H / b, W / b), else the reverse. order: of the deep channels;
    "block" is ((row, column), channel) as ONNX SpaceToDepth and DepthToSpace DCR, "channel" is
    (channel, (row, column)) as PyTorch's pixel_unshuffle and DepthToSpace CRD.
    """

    name: str
    inputs: tuple[str]
    output: str
    block: int
    to_depth: bool
    order: Literal["block", "channel"]


Operator = (
    Conv2d
    | FullyConnected
    | Add
    | MaxPool
    | GlobalAveragePool
    | Upsample
    | Concat
    | Flatten
    | Lookup
    | Rearrange
)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network for one picture. operators are in an order in which they can be computed."""

    name: str
    tensors: dict[str, Tensor]
    operators: tuple[Operator, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def producer(self, tensor: str) -> Operator | None:
        """The operator that writes `tensor`, None for an input."""
        return next((op for op in self.operators if op.output == tensor), None)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one picture, without those that meet padding left out."""
        return sum(macs(self, op) for op in self.operators)


def macs(graph: Graph, op: Operator) -> int:
    """Multiply-accumulates of one operator, counting those on padding too."""
    if isinstance(op, FullyConnected):
        return op.weight.size
    if isinstance(op, Conv2d):
        pixels = math.prod(graph.tensors[op.output].shape[1:])
        return pixels * op.weight.size
    return 0
