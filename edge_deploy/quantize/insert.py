"""Static int8 quantisation: uint8 activations, int8 weights a channel, int32 biases.

ONNX Runtime's own quantiser puts the QuantizeLinear / DequantizeLinear pairs in; what is set here
is what the integer graph needs: asymmetric activations, symmetric weights.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.runtime.scan import scan
from edge_deploy.errors import EdgeError
from edge_deploy.graph.onnx_file import onnx_package

Method = Literal["minmax", "entropy", "percentile"]


class Samples:
    """Calibration inputs, one after the other, as the quantiser asks for them."""

    def __init__(self, name: str, samples: Sequence[NDArray[np.float32]]) -> None:
        self._name, self._samples = name, iter(samples)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next input by name, None at the end."""
        sample = next(self._samples, None)
        return None if sample is None else {self._name: sample}


def quantise(
    payload: bytes,
    samples: Sequence[NDArray[np.float32]],
    method: Method = "minmax",
    in_float: Collection[str] = (),
) -> bytes:
    """QDQ bytes of a float ONNX model with one input.

    samples: inputs (1, C, H, W) whose activations give the ranges. in_float: nodes of the
    `prepared` model that stay as they are. EdgeError where the model has several inputs or the
    samples do not fit.
    """
    onnx = onnx_package()
    from onnxruntime import quantization

    ready = prepared(payload)
    name = _only_input(onnx.load_from_string(payload), samples)
    ways = {
        "minmax": quantization.CalibrationMethod.MinMax,
        "entropy": quantization.CalibrationMethod.Entropy,
        "percentile": quantization.CalibrationMethod.Percentile,
    }
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "ready.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(ready)
        quantization.quantize_static(
            source,
            target,
            Samples(name, samples),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            calibrate_method=ways[method],
            nodes_to_exclude=list(in_float),
        )
        return _fenced(target.read_bytes(), in_float)


def _fenced(made: bytes, in_float: Collection[str]) -> bytes:
    """A Sum of one value behind each layer in float: a convolution that is next to both its pairs
    has its float weights quantised by ONNX Runtime when it opens the file."""
    onnx = onnx_package()
    model = onnx.load_from_string(made)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        model.graph.node.append(node)
        if node.name in in_float:
            value, behind = node.output[0], f"{node.output[0]}_in_float"
            model.graph.node[-1].output[0] = behind
            model.graph.node.append(onnx.helper.make_node("Sum", [behind], [value], behind))
    return bytes(model.SerializeToString())


def prepared(payload: bytes) -> bytes:
    """The float model as it is quantised: constants and normalisations folded, each node named."""
    onnx = onnx_package()
    from onnxruntime import quantization

    scan(payload)
    with tempfile.TemporaryDirectory() as folder:
        source, ready = Path(folder, "float.onnx"), Path(folder, "ready.onnx")
        source.write_bytes(payload)
        quantization.quant_pre_process(source, ready, skip_symbolic_shape=True)
        model = onnx.load_from_string(ready.read_bytes())
    for node in model.graph.node:
        node.name = node.name or node.output[0]
    return bytes(model.SerializeToString())


def _only_input(model: object, samples: Sequence[NDArray[np.float32]]) -> str:
    graph = model.graph  # type: ignore[attr-defined]
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise EdgeError(f"the model has {len(inputs)} inputs; quantisation takes one")
    wanted = [extent.dim_value for extent in inputs[0].type.tensor_type.shape.dim]
    for sample in samples:
        fits = len(sample.shape) == len(wanted) and all(
            need in (0, have) for need, have in zip(wanted, sample.shape, strict=True)
        )
        if not fits:
            raise EdgeError(f"a calibration sample is {sample.shape}, the model takes {wanted}")
    if not samples:
        raise EdgeError("no calibration samples: give some tens of typical inputs")
    return str(inputs[0].name)
