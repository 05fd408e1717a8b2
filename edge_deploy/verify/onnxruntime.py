"""ONNX Runtime on the quantised file as it is, its outputs as the integers they stand for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from common.runtime.session import Session
from edge_deploy.graph.ir import Graph, Tensor


def run(
    payload: bytes, graph: Graph, inputs: Mapping[str, NDArray[np.uint8]]
) -> dict[str, NDArray[np.uint8]]:
    """Outputs by the graph's names, (N, *shape), one picture a call.

    A float input is given as what its uint8 stands for; a float output is brought back. Both ways
    are exact: a value and its neighbours are a whole step apart.
    """
    session = Session(payload, warmup=0)
    found: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in graph.outputs}
    for at in range(len(next(iter(inputs.values())))):
        feed = {}
        for spec, name in zip(session.inputs, graph.inputs, strict=True):
            value = inputs[name][at : at + 1]
            integer = spec.dtype == np.uint8
            feed[spec.name] = value if integer else to_real(value, graph.tensors[name])
        answer = session.run(feed).values()
        for name, value in zip(graph.outputs, answer, strict=True):
            found[name].append(_to_integer(value, graph.tensors[name])[0])
    return {name: np.stack(values) for name, values in found.items()}


def to_real(value: NDArray[np.uint8], tensor: Tensor) -> NDArray[np.float32]:
    """What uint8 values stand for."""
    real = (value.astype(np.float32) - np.float32(tensor.zero_point)) * np.float32(tensor.scale)
    return real.astype(np.float32)


def _to_integer(value: NDArray[np.generic], tensor: Tensor) -> NDArray[np.uint8]:
    if value.dtype == np.uint8:
        return value.astype(np.uint8)
    steps = np.rint(value.astype(np.float64) / tensor.scale) + tensor.zero_point
    return steps.astype(np.uint8)
