"""Rewritings that leave every integer of the outputs as it is and save work on any target.

- a convolution whose output goes to channels by blocks of b is one of stride b with b b as many
  filters: nothing is written at full size and nothing rearranged;
- a table behind a nearest upsampling stands before it, where there are fewer values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.ir import Conv2d, Graph, Lookup, Operator, Rearrange, Rescale, Upsample


def fold(graph: Graph) -> Graph:
    """The same function with fewer steps."""
    found = True
    while found:
        graph, found = _once(graph)
    return graph


def _once(graph: Graph) -> tuple[Graph, bool]:
    for at, op in enumerate(graph.operators):
        before = graph.producer(op.inputs[0])
        if before is None or not _alone(graph, before.output):
            continue
        if isinstance(op, Rearrange) and isinstance(before, Conv2d):
            if (folded := to_depth(graph, before, op)) is not None:
                return _replaced(graph, {before.name: None, op.name: folded}), True
        elif isinstance(op, Lookup) and isinstance(before, Upsample):
            return _swapped(graph, before, op, at), True
    return graph, False


def _alone(graph: Graph, tensor: str) -> bool:
    """Whether one operator reads a tensor and the caller does not."""
    readers = sum(op.inputs.count(tensor) for op in graph.operators)
    return readers == 1 and tensor not in graph.outputs


def to_depth(graph: Graph, conv: Conv2d, op: Rearrange) -> Conv2d | None:
    """One convolution for a convolution and the blocks of its output; None where none is."""
    if not op.to_depth or conv.groups > 1:
        return None
    block = op.block
    order = deep_order(op, len(conv.weight))
    return replace(
        conv,
        output=op.output,
        weight=deep_weight(conv.weight, conv.stride, block)[order],
        bias=np.tile(conv.bias, block**2)[order],
        rescale=Rescale(np.tile(conv.rescale.scale, block**2)[order], conv.rescale.zero_point),
        stride=(conv.stride[0] * block, conv.stride[1] * block),
    )


def deep_weight(weight: NDArray[Any], stride: tuple[int, int], block: int) -> NDArray[Any]:
    """Weights (O, I, kh, kw) once for each pixel of a block, ((row, column), filter) slowest."""
    down, right = stride
    rows, columns = weight.shape[2:]
    grown = (rows + (block - 1) * down, columns + (block - 1) * right)
    made = np.zeros((block, block, *weight.shape[:2], *grown), weight.dtype)
    for y, x in np.ndindex(block, block):
        window = np.s_[y * down : y * down + rows, x * right : x * right + columns]
        made[(y, x, ..., *window)] = weight
    return made.reshape(-1, weight.shape[1], *grown)


def deep_order(op: Rearrange, filters: int) -> NDArray[np.int64]:
    """Which of `deep_weight`'s filters each channel of the output is."""
    index = np.arange(op.block**2 * filters).reshape(-1, filters)
    return (index if op.order == "block" else index.T).reshape(-1)


def _swapped(graph: Graph, grow: Upsample, table: Lookup, at: int) -> Graph:
    """The table before the upsampling; the tensor between takes the table's scale."""
    between = f"{table.name} before {grow.name}"
    source, target = graph.tensors[grow.inputs[0]], graph.tensors[table.output]
    tensors = dict(graph.tensors)
    tensors[between] = replace(target, name=between, shape=source.shape)
    operators = list(graph.operators)
    operators[operators.index(grow)] = replace(table, inputs=grow.inputs, output=between)
    operators[at] = replace(grow, inputs=(between,), output=table.output)
    return _kept(replace(graph, tensors=tensors), operators)


def _replaced(graph: Graph, changes: dict[str, Operator | None]) -> Graph:
    made = [changes.get(op.name, op) for op in graph.operators]
    return _kept(graph, [op for op in made if op is not None])


def _kept(graph: Graph, operators: list[Operator]) -> Graph:
    """With these operators and no tensor that none of them knows."""
    known = {name for op in operators for name in (*op.inputs, op.output)}
    tensors = {name: one for name, one in graph.tensors.items() if name in {*known, *graph.inputs}}
    return replace(graph, tensors=tensors, operators=tuple(operators))
