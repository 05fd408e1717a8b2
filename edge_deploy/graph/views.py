"""Chains of Reshape and Transpose, known by where they take each element from.

PyTorch writes pixel_unshuffle and its kin as such chains. A chain is followed as an array of
source positions; as soon as it equals what Flatten or Rearrange does, it becomes that operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import UnsupportedError
from edge_deploy.graph.ir import Flatten, Operator, Rearrange, Tensor
from edge_deploy.graph.onnx_file import Node
from edge_deploy.reference.operators import rearrange

BLOCKS = range(2, 9)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Elements of `source` in another order: positions[i] is where element i comes from."""

    source: Tensor
    positions: NDArray[np.int64]

    def then(self, node: Node, shape: tuple[int, ...]) -> View:
        """After one more Reshape or Transpose. shape: of its output, without the batch."""
        if node.kind != "Transpose":
            return View(self.source, self.positions.reshape(shape))
        order = node.attributes["perm"]
        if order[0] != 0:
            raise UnsupportedError(node.name, "Transpose of the batch", "Keep the batch first.")
        return View(self.source, self.positions.transpose([axis - 1 for axis in order[1:]]))

    def operator(self, name: str, output: str) -> Operator | None:
        """The operator that does the same, None where there is none (yet)."""
        plain = np.array_equal(self.positions.reshape(-1), np.arange(self.source.size))
        if self.positions.ndim == 1 and plain:
            return Flatten(name, (self.source.name,), output)
        if len(self.source.shape) != 3 or self.positions.ndim != 3:
            return None
        every = np.arange(self.source.size).reshape(1, *self.source.shape)
        for op in _rearrangements(name, self.source, output):
            made = rearrange(op, every)[0]
            if made.shape == self.positions.shape and np.array_equal(made, self.positions):
                return op
        return None


def whole(tensor: Tensor) -> View:
    """A tensor as it is."""
    return View(tensor, np.arange(tensor.size).reshape(tensor.shape))


def _rearrangements(name: str, source: Tensor, output: str) -> Iterator[Rearrange]:
    channels, height, width = source.shape
    for block in BLOCKS:
        for to_depth in (True, False):
            fits = height % block == width % block == 0 if to_depth else channels % block**2 == 0
            if fits:
                for order in ("block", "channel"):
                    yield Rearrange(name, (source.name,), output, block, to_depth, order)
