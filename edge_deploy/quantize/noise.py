"""How much noise quantisation puts on each layer, in decibels of signal over noise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.runtime.session import Session
from edge_deploy.graph.onnx_file import onnx_package

SUFFIX = "_QuantizeLinear_Output"  # by which ONNX Runtime's quantiser names what it quantised
LEAST = 1e-30  # of a power, so that nothing is divided by zero


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """layer: the float value's name. decibels: 10 log10(signal power / noise power)."""

    layer: str
    decibels: float


def by_layer(
    float_payload: bytes,
    made: bytes,
    samples: Sequence[NDArray[np.float32]],
    alone: bool = False,
) -> tuple[LayerNoise, ...]:
    """The noise of each value of a quantised file that the float model has under the same name.

    samples: inputs (1, C, H, W). A quantised value is taken as it stands after its pair. Noise of
    earlier layers is in that of later ones, as it is when the network runs. alone: every layer is
    given what it takes from the float model, to eight bits where it takes eight; then the noise is
    its own.
    """
    onnx = onnx_package()
    single, quantised = (
        onnx.shape_inference.infer_shapes(onnx.load_from_string(one))
        for one in (float_payload, made)
    )
    pairs = _pairs(single, quantised)
    wanted = _session(single, pairs)
    (name,) = (spec.name for spec in wanted.inputs)
    given = _cut(quantised, pairs) if alone else {}
    got = _session(quantised, pairs.values())
    power, noise = dict.fromkeys(pairs, 0.0), dict.fromkeys(pairs, 0.0)
    for sample in samples:
        right = wanted.run({name: sample})
        taken = {other: pair.rounded(right[value]) for other, (value, pair) in given.items()}
        answer = got.run({name: sample, **taken})
        for value, there in pairs.items():
            power[value] += _power(right[value])
            noise[value] += _power(right[value] - answer[there])
    return tuple(LayerNoise(one, _decibels(power[one], noise[one])) for one in pairs)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A QuantizeLinear and its DequantizeLinear; no scale where a value stays in float."""

    scale: float | None = None
    zero_point: int = 0

    def rounded(self, value: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.scale is None:
            return value
        steps = np.clip(np.rint(value / np.float32(self.scale)) + self.zero_point, 0, 255)
        return np.asarray((steps - self.zero_point) * self.scale, np.float32)


def _cut(quantised: Any, pairs: dict[str, str]) -> dict[str, tuple[str, _Pair]]:
    """Let every layer take its inputs from outside: name of the input -> float value and pair."""
    onnx = onnx_package()
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in quantised.graph.initializer}
    scales = {
        node.output[0]: _Pair(*(constants[name].item() for name in node.input[1:3]))
        for node in quantised.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0].endswith(SUFFIX)
    }
    values, own = _values(quantised), {there: value for value, there in pairs.items()}
    given: dict[str, tuple[str, _Pair]] = {}
    for node in quantised.graph.node:
        for at, name in enumerate(node.input):
            if name not in own or node.op_type == "QuantizeLinear":
                continue
            outside = name + "_given"
            node.input[at] = outside
            if outside not in given:
                quantised.graph.input.add().CopyFrom(values[name])
                quantised.graph.input[-1].name = outside
            given[outside] = own[name], scales.get(name, _Pair())
    return given


def _pairs(single: Any, quantised: Any) -> dict[str, str]:
    """Float value -> its name in the quantised model, after its pair where it has one."""
    after = {
        node.input[0].removesuffix(SUFFIX): node.output[0]
        for node in quantised.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0].endswith(SUFFIX)
    }
    there = _values(quantised)
    return {
        name: after.get(name, name) for name in _values(single) if after.get(name, name) in there
    }


def _values(model: Any) -> dict[str, Any]:
    """The float values that nodes of a model make, by name, in the model's order."""
    single = onnx_package().TensorProto.FLOAT
    every = {one.name: one for one in (*model.graph.value_info, *model.graph.output)}
    made = (output for node in model.graph.node for output in node.output if output in every)
    return {name: every[name] for name in made if every[name].type.tensor_type.elem_type == single}


def _session(model: Any, names: Iterable[str]) -> Session:
    """A session that tells these values too."""
    there = {value.name for value in model.graph.output}
    values = _values(model)
    model.graph.output.extend(values[name] for name in names if name not in there)
    return Session(model.SerializeToString(), warmup=0)


def _power(values: NDArray[np.float32]) -> float:
    return float(np.square(values, dtype=np.float64).sum())


def _decibels(power: float, noise: float) -> float:
    return 10 * float(np.log10(max(power / max(noise, LEAST), LEAST)))
