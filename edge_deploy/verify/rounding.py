"""Where the integers of two targets could ever differ, layer by layer, decided before any runs.

Three things are known to part int8 networks: fixed-point products that round other than float32
(here proven equal, with the accumulators named at which plain fixed point would fail), Add on
ONNX Runtime's NEON kernel, and pair sums that saturate on x86 without VNNI.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge_deploy.c.layers import Forms
from edge_deploy.graph.fixed_add import neon_differences
from edge_deploy.graph.fixed_point import FixedPoint
from edge_deploy.graph.ir import Add, Conv2d, FullyConnected, Graph, Operator
from edge_deploy.graph.ranges import accumulator_range

PAIR_LIMIT = 32767  # of vpmaddubsw, the 16-bit sum of two products


@dataclass(frozen=True, slots=True)
class LayerRounding:
    """One layer that rounds.

    form: of its integer arithmetic. accumulators: how many the proof covers, over all channels
    (of an Add: pairs of inputs). exceptions: channel -> accumulators where fixed point alone would
    be one less than float32 (of an Add: under -1, pairs as a * 256 + b).
    neon_differences: pairs of inputs for which ONNX Runtime's Add differs on ARM64.
    may_saturate: channels whose weights could overflow 16 bits on x86 without VNNI.
    """

    layer: str
    form: str
    accumulators: int
    exceptions: dict[int, tuple[int, ...]]
    neon_differences: int = 0
    may_saturate: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def layers(graph: Graph, forms: Forms) -> tuple[LayerRounding, ...]:
    """Every layer that rounds, in the graph's order."""
    found = (_layer(graph, op, forms) for op in graph.operators)
    return tuple(layer for layer in found if layer is not None)


def _layer(graph: Graph, op: Operator, forms: Forms) -> LayerRounding | None:
    if isinstance(op, Add):
        fixed = forms.sums[op.name]
        pairs = tuple(a * 256 + b for a, b, _ in fixed.exceptions)
        listed = {-1: pairs} if pairs else {}
        return LayerRounding(op.name, fixed.form, 1 << 16, listed, neon_differences(graph, op))
    if op.name not in forms.rescales:
        return None
    fixed_point: FixedPoint = forms.rescales[op.name]
    span = accumulator_range(graph, op)  # type: ignore[arg-type]
    covered = int((span.high - span.low + 1).sum())
    saturating = may_saturate(op) if isinstance(op, Conv2d | FullyConnected) else 0
    return LayerRounding(op.name, fixed_point.form, covered, fixed_point.exceptional, 0, saturating)


def may_saturate(op: Conv2d | FullyConnected) -> int:
    """Channels where two weights of one sign reach beyond a 16-bit pair sum with uint8 255.

    Which two meet depends on the kernel's packing: any two of a channel are taken.
    """
    weight = op.weight.reshape(len(op.weight), -1).astype(np.int64)
    if weight.shape[1] < 2 or (isinstance(op, Conv2d) and op.depthwise):
        return 0
    ordered = np.sort(weight, 1)
    pair = np.maximum(ordered[:, -1] + ordered[:, -2], -(ordered[:, 0] + ordered[:, 1]))
    return int((pair * 255 > PAIR_LIMIT).sum())
