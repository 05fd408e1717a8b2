"""How much noise quantisation puts on each layer, in decibels of signal over noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.runtime.session import Session
from edge_deploy.graph.ir import Graph
from edge_deploy.graph.onnx_file import onnx_package
from edge_deploy.reference.run import run

SUFFIX = "_QuantizeLinear_Output"  # by which ONNX Runtime's quantiser names what it quantised


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """layer: the float value's name. decibels: 10 log10(signal power / noise power)."""

    layer: str
    decibels: float


def by_layer(
    float_payload: bytes, graph: Graph, samples: Sequence[NDArray[np.float32]]
) -> tuple[LayerNoise, ...]:
    """The noise of each quantised value that the float model has under the same name.

    samples: inputs (1, C, H, W) of the float model. Noise of earlier layers is in that of later
    ones, as it is when the network runs.
    """
    source = graph.tensors[graph.inputs[0]]
    names = [name for name in graph.tensors if name.endswith(SUFFIX) and name not in graph.inputs]
    wanted = _activations(float_payload, [name.removesuffix(SUFFIX) for name in names], samples)
    steps = np.rint(np.concatenate(list(samples)) / np.float32(source.scale)) + source.zero_point
    made = run(graph, {source.name: np.clip(steps, 0, 255).astype(np.uint8)}, keep=True)
    found = []
    for name in names:
        value = wanted.get(name.removesuffix(SUFFIX))
        if value is None or value.shape != made[name].shape:
            continue
        tensor = graph.tensors[name]
        real = (made[name].astype(np.float64) - tensor.zero_point) * tensor.scale
        noise = float(np.square(value - real).sum())
        ratio = float(np.square(value, dtype=np.float64).sum()) / max(noise, 1e-30)
        found.append(LayerNoise(name.removesuffix(SUFFIX), 10 * float(np.log10(max(ratio, 1e-30)))))
    return tuple(found)


def _activations(
    payload: bytes, names: Sequence[str], samples: Sequence[NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Every named value of a float model, over all samples."""
    onnx = onnx_package()
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(payload))
    there = {value.name for value in model.graph.output}
    inner = {value.name: value for value in model.graph.value_info}
    model.graph.output.extend(inner[name] for name in names if name in inner and name not in there)
    session = Session(model.SerializeToString(), warmup=0)
    answers = [session.run({session.inputs[0].name: sample}) for sample in samples]
    return {
        name: np.concatenate([answer[name] for answer in answers])
        for name in names
        if name in answers[0]
    }
