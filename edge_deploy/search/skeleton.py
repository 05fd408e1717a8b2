"""An architecture as an integer graph before anything was learned: its weights are noise.

What it costs (multiply-accumulates, the arena of the C planner, instructions) depends on shapes
alone, so this is what costs are told of, and what the emulated board is timed on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.ir import (
    Conv2d,
    Flatten,
    FullyConnected,
    GlobalAveragePool,
    Graph,
    Operator,
    Rescale,
    Tensor,
)
from edge_deploy.search.space import STEM, Architecture

SCALE = 0.05


class Skeleton:
    """Operators one after the other on one tensor."""

    def __init__(self, side_px: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._last = Tensor("image", (1, side_px, side_px), 1 / 255, 0)
        self._tensors = {"image": self._last}
        self._operators: list[Operator] = []

    def conv(self, outputs: int, kernel: int, stride: int = 1, depthwise: bool = False) -> None:
        """A convolution with its ReLU; depthwise: each channel by itself."""
        source, pad = self._last, kernel // 2
        channels, height, width = source.shape
        groups = channels if depthwise else 1
        shape = (outputs, -(-height // stride), -(-width // stride))
        weight = self._noise((outputs, channels // groups, kernel, kernel))
        target = self._tensor(shape)
        # padded as PyTorch pads: alike on all sides, of which a stride may leave the last unread
        self._operators.append(
            Conv2d(
                f"conv{len(self._operators)}",
                (source.name,),
                target.name,
                weight,
                np.zeros(outputs, np.int32),
                self._rescale(source, target, weight),
                (stride, stride),
                (pad, pad, pad, pad),
                groups,
            )
        )

    def end(self, classes: int) -> None:
        """The mean over places and the linear layer."""
        source = self._last
        pooled = self._tensor((source.shape[0], 1, 1))
        step = np.float32(source.scale / pooled.scale / (source.shape[1] * source.shape[2]))
        self._operators.append(
            GlobalAveragePool(
                "mean", (source.name,), pooled.name, Rescale(np.array([step], np.float32), 0)
            )
        )
        flat = self._tensor((source.shape[0],))
        self._operators.append(Flatten("flatten", (pooled.name,), flat.name))
        weight = self._noise((classes, source.shape[0]))
        target = self._tensor((classes,))
        self._operators.append(
            FullyConnected(
                "linear",
                (flat.name,),
                target.name,
                weight,
                np.zeros(classes, np.int32),
                self._rescale(flat, target, weight),
            )
        )

    def graph(self, name: str) -> Graph:
        """What was built so far."""
        return Graph(name, self._tensors, tuple(self._operators), ("image",), (self._last.name,))

    def _noise(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        return self._rng.integers(-127, 128, shape).astype(np.int8)

    def _tensor(self, shape: tuple[int, ...]) -> Tensor:
        self._last = Tensor(f"t{len(self._tensors)}", shape, SCALE, 0)
        self._tensors[self._last.name] = self._last
        return self._last

    def _rescale(self, source: Tensor, target: Tensor, weight: NDArray[np.int8]) -> Rescale:
        """As large as keeps most outputs within uint8."""
        spread = 73 * 73 * np.sqrt(weight[0].size)
        scale = 100 / spread * self._rng.uniform(0.7, 1.3, len(weight))
        return Rescale(scale.astype(np.float32), 0)


def skeleton(architecture: Architecture, side_px: int, classes: int, seed: int = 0) -> Graph:
    """The graph of an architecture for pictures (1, side_px, side_px)."""
    made = Skeleton(side_px, seed)
    made.conv(STEM, 3, 2)
    for _, _, channels, stride, stage in architecture.blocks():
        if stage.kind == "dense":
            made.conv(stage.width, 3, stride)
        else:
            made.conv(channels, 3, stride, depthwise=True)
            made.conv(stage.width, 1)
    made.end(classes)
    return made.graph(architecture.name.replace("-", "_"))
