"""Integer forms of Add, each proven on all 65,536 pairs of inputs against the float32 one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.ir import Add, Graph
from edge_deploy.graph.rounding import added, added_on_neon

MOST_EXCEPTIONS = 8
LARGEST_SHIFT = 21  # 9 bits of output and the fraction stay within int32

Grid = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FixedAdd:
    """clamp((a * multipliers[0] + b * multipliers[1] + offset) / 2^shift, 0, 255).

    form: half-up: offset holds one half, rounding is a floor; exceptions are (a, b, correction).
        half-even: ties to even. table: the (256, 256) table itself, for what nothing else fits.
    """

    form: Literal["half-up", "half-even", "table"]
    multipliers: tuple[int, int]
    offset: int
    shift: int
    exceptions: tuple[tuple[int, int, int], ...]
    table: NDArray[np.uint8]

    def value(self, a: Grid, b: Grid) -> Grid:
        """The integers' own answer for int64 arrays a and b."""
        if self.form == "table":
            return self.table[a, b].astype(np.int64)
        total = a * self.multipliers[0] + b * self.multipliers[1] + self.offset
        if self.form == "half-even":
            total = total + (1 << (self.shift - 1)) - 1 + ((total >> self.shift) & 1)
        value: Grid = np.clip(total >> self.shift, 0, 255)
        for at_a, at_b, correction in self.exceptions:
            value = value + correction * ((a == at_a) & (b == at_b))
        return value


def table(graph: Graph, op: Add) -> NDArray[np.uint8]:
    """(256, 256): the sum for each a (row) and b (column) in float32 rounding."""
    every = np.arange(256)
    return added(every[:, None], every[None, :], op.ratios, _zeros(graph, op))


def fit(graph: Graph, op: Add) -> FixedAdd:
    """The simplest proven form of an Add."""
    wanted = table(graph, op)
    a, b = np.mgrid[:256, :256].astype(np.int64)
    best: FixedAdd | None = None
    for form in _candidates(graph, op, wanted, a, b):
        wrong = wanted.astype(np.int64) - form.value(a, b)
        where = np.argwhere(wrong)
        if len(where) == 0:
            return form
        if best is None and form.form == "half-up" and len(where) <= MOST_EXCEPTIONS:
            listed = tuple((int(i), int(j), int(wrong[i, j])) for i, j in where)
            best = FixedAdd(
                form.form, form.multipliers, form.offset, form.shift, listed, form.table
            )
    return best or FixedAdd("table", (0, 0), 0, 0, (), wanted)


def neon_differences(graph: Graph, op: Add) -> int:
    """Pairs of 65,536 for which ONNX Runtime's NEON kernel gives another sum than its AVX2 one."""
    every = np.arange(256)
    neon = added_on_neon(every[:, None], every[None, :], op.ratios, _zeros(graph, op))
    return int((neon != table(graph, op)).sum())


def _zeros(graph: Graph, op: Add) -> tuple[int, int, int]:
    za, zb = (graph.tensors[name].zero_point for name in op.inputs)
    return za, zb, graph.tensors[op.output].zero_point


def _candidates(
    graph: Graph, op: Add, wanted: NDArray[np.uint8], a: Grid, b: Grid
) -> Iterator[FixedAdd]:
    za, zb, zc = _zeros(graph, op)
    empty = np.empty((0, 0), np.uint8)
    top = LARGEST_SHIFT - max(int(np.ceil(np.log2(max(op.ratios)))), 0)
    for shift, move in product(range(top, top - 5, -1), product((0, -1, 1), repeat=2)):
        factors = tuple(
            max(round(ratio * 2.0**shift) + step, 1)
            for ratio, step in zip(op.ratios, move, strict=True)
        )
        offset = _offset(wanted, a * factors[0] + b * factors[1], shift)
        yield FixedAdd("half-up", (factors[0], factors[1]), offset, shift, (), empty)
    for shift in range(1, top):
        exact = [ratio * 2.0**shift for ratio in op.ratios]
        if all(value.is_integer() for value in exact):
            factors = (int(exact[0]), int(exact[1]))
            offset = (zc << shift) - za * factors[0] - zb * factors[1]
            yield FixedAdd("half-even", factors, offset, shift, (), empty)
            return


def _offset(wanted: NDArray[np.uint8], total: Grid, shift: int) -> int:
    """The offset that keeps every upper bound, and where possible every lower one."""
    value = wanted.astype(np.int64)
    upper = ((value + 1 << shift) - total)[value < 255]
    lower = ((value << shift) - total)[value > 0]
    most = int(upper.min(initial=1 << 40)) - 1
    least = int(lower.max(initial=-(1 << 40)))
    return (least + most) // 2 if least <= most else most
