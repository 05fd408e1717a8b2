"""A whole integer graph on a batch of pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.fixed_point import FixedPoint, apply
from edge_deploy.graph.ir import Graph, Rescale
from edge_deploy.reference.operators import Rescaling, compute, float32_rescaling


def run(
    graph: Graph,
    inputs: Mapping[str, NDArray[np.uint8]],
    forms: Mapping[str, FixedPoint] | None = None,
    keep: bool = False,
) -> dict[str, NDArray[np.uint8]]:
    """Outputs by name for inputs (N, *shape); with `keep` every tensor.

    forms: integer rescalings by layer name; without them float32 as in ONNX Runtime.
    """
    values: dict[str, NDArray[np.uint8]] = {}
    for name in graph.inputs:
        wanted, given = graph.tensors[name].shape, inputs[name]
        if given.dtype != np.uint8 or given.shape[1:] != wanted:
            raise ValueError(
                f"input {name!r} must be uint8 (N, {wanted}), got {given.dtype} {given.shape}"
            )
        values[name] = given
    rescaling = float32_rescaling if forms is None else _by(forms)
    for op in graph.operators:
        values[op.output] = compute(graph, op, values, rescaling)
    return values if keep else {name: values[name] for name in graph.outputs}


def _by(forms: Mapping[str, FixedPoint]) -> Rescaling:
    def rescaling(name: str, accumulator: NDArray[np.int32], _: Rescale) -> NDArray[np.uint8]:
        value = apply(forms[name], accumulator.swapaxes(0, 1).astype(np.int64))
        return value.swapaxes(0, 1).astype(np.uint8)

    return rescaling
