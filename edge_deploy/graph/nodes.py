"""One function an ONNX operator: what it becomes in the integer graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import UnsupportedError
from edge_deploy.graph import ir, rounding
from edge_deploy.graph.onnx_file import Node, scalar
from edge_deploy.graph.read import Reading, Weight, quantisation
from edge_deploy.graph.table import ask
from edge_deploy.graph.views import whole

BIAS_TOLERANCE = 1e-5  # relative, of a bias' scale against input scale x weight scale


def dequantize(reading: Reading, node: Node) -> None:
    """A constant becomes a weight, a tensor its real value, an input of the file a tensor."""
    source = node.inputs[0]
    if source in reading.file.constants:
        values = reading.file.constants[source]
        scale = reading.file.constant(node, 1, "scale").astype(np.float32).reshape(-1)
        zero = reading.file.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
        if zero is not None and np.any(zero):
            raise UnsupportedError(
                node.name, "a weight with a zero point", "Quantise weights symmetrically (QInt8)."
            )
        reading.weights[node.outputs[0]] = Weight(values, scale, node.attributes.get("axis", 1))
        return
    scale_zero = quantisation(reading, node)
    if source in reading.file.inputs:
        reading.inputs[source] = source
        reading.tensors[source] = ir.Tensor(source, reading.file.shapes[source], *scale_zero)
    if source in reading.views:
        reading.views[node.outputs[0]] = reading.views[source]
        return
    source = reading.alias.get(source, source)
    tensor = reading.tensors.get(source)
    if tensor is None or (tensor.scale, tensor.zero_point) != scale_zero:
        raise UnsupportedError(
            node.name, "its scale is not that of the QuantizeLinear before", "Quantise anew."
        )
    reading.real[node.outputs[0]] = source


def quantize(reading: Reading, node: Node) -> None:
    """Complete the operator that waits, or change a scale, or take in a float input."""
    value, output = node.inputs[0], node.outputs[0]
    scale, zero = quantisation(reading, node)
    if value in reading.views:
        _keep_view(reading, node, (scale, zero))
        return
    target = ir.Tensor(output, reading.file.shapes[output], scale, zero)
    reading.tensors[output] = target
    if value in reading.pending:
        _check_clamp(reading, node, target)
        reading.operators.append(reading.pending[value](output, target))
    elif value in reading.real:
        source = reading.tensors[reading.real[value]]
        if (source.scale, source.zero_point) == (scale, zero):
            del reading.tensors[output]
            reading.alias[output] = source.name
        else:
            reading.operators.append(_scale_change(source, target, node.name))
    elif value in reading.file.inputs:
        reading.inputs[value] = output
    else:
        reading.source(node)


def _keep_view(reading: Reading, node: Node, scale_zero: tuple[float, int]) -> None:
    view = reading.views[node.inputs[0]]
    if (view.source.scale, view.source.zero_point) != scale_zero:
        raise UnsupportedError(node.name, "a scale that changes amid a Transpose", "Quantise anew.")
    reading.views[node.outputs[0]] = view


def _check_clamp(reading: Reading, node: Node, target: ir.Tensor) -> None:
    """A ReLU or Clip before QuantizeLinear must do nothing that its range does not do already."""
    low, high = reading.clamps.get(node.inputs[0], (-np.inf, np.inf))
    least = -target.zero_point * target.scale
    most = (255 - target.zero_point) * target.scale
    if least < low - target.scale / 2 or most > high + target.scale / 2:
        raise UnsupportedError(
            node.name,
            f"the range {least:.4g}..{most:.4g} is wider than the clamp {low:.4g}..{high:.4g} "
            "before it, so that the runtime computes the layer in float",
            "Quantise the clamped output's own range (zero point 0 after a ReLU).",
        )


def _scale_change(source: ir.Tensor, target: ir.Tensor, name: str) -> ir.Lookup:
    every = np.arange(256, dtype=np.uint8)
    ends = (source.scale, source.zero_point), (target.scale, target.zero_point)
    return ir.Lookup(name, (source.name,), target.name, rounding.requantised(every, *ends))


def _weight(reading: Reading, node: Node, at: int, dtype: Any) -> Weight:
    name = node.inputs[at]
    weight = reading.weights.get(name)
    if weight is None or weight.values.dtype != dtype:
        raise UnsupportedError(
            node.name,
            f"its constant {name!r} is not {np.dtype(dtype).name} behind DequantizeLinear",
            "Quantise weights to int8 and biases to int32 (`lingnan edge quantize`).",
        )
    return weight


def _bias(
    reading: Reading, node: Node, source: ir.Tensor, weight: Weight, channels: int
) -> NDArray[np.int32]:
    if len(node.inputs) < 3 or not node.inputs[2]:
        return np.zeros(channels, np.int32)
    bias = _weight(reading, node, 2, np.int32)
    wanted = np.float32(source.scale) * weight.scale
    if not np.allclose(bias.scale, wanted, rtol=BIAS_TOLERANCE, atol=0):
        raise UnsupportedError(
            node.name, "its bias has another scale than its sums", "Quantise the network anew."
        )
    return bias.values.reshape(-1)


def _rescale(
    source: ir.Tensor, scale: NDArray[np.float32], target: ir.Tensor, channels: int
) -> ir.Rescale:
    """In the runtime's own order: (input scale * weight scale) / output scale, each rounded."""
    steps = np.float32(source.scale) * scale / np.float32(target.scale)
    return ir.Rescale(np.broadcast_to(steps, channels).copy(), target.zero_point)


def conv(reading: Reading, node: Node) -> None:
    """Conv waits for its QuantizeLinear."""
    source, weight = reading.source(node), _weight(reading, node, 1, np.int8)
    if any(step != 1 for step in node.attributes.get("dilations", ())):
        raise UnsupportedError(node.name, "a dilated convolution", "Use a larger kernel or stride.")
    channels = len(weight.values)
    bias = _bias(reading, node, source, weight, channels)
    stride = tuple(node.attributes.get("strides", (1, 1)))
    pad, groups = _pad(node), node.attributes.get("group", 1)

    def complete(output: str, target: ir.Tensor) -> ir.Conv2d:
        rescale = _rescale(source, weight.scale, target, channels)
        return ir.Conv2d(
            node.name, (source.name,), output, weight.values, bias, rescale, stride, pad, groups
        )

    reading.pending[node.outputs[0]] = complete


def _pad(node: Node) -> tuple[int, int, int, int]:
    if node.attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise UnsupportedError(node.name, "automatic padding", "Export explicit pads.")
    if node.attributes.get("ceil_mode", 0):
        raise UnsupportedError(node.name, "ceil_mode", "Use explicit pads and ceil_mode 0.")
    top, left, bottom, right = node.attributes.get("pads", (0, 0, 0, 0))
    return top, left, bottom, right


def gemm(reading: Reading, node: Node) -> None:
    """Gemm or MatMul of a vector waits for its QuantizeLinear."""
    source, weight = reading.source(node), _weight(reading, node, 1, np.int8)
    plain = all(node.attributes.get(name, 1.0) == 1.0 for name in ("alpha", "beta"))
    if node.attributes.get("transA", 0) or not plain or len(source.shape) != 1:
        raise UnsupportedError(node.name, "a general matrix product", "Use a linear layer.")
    values = weight.values if node.attributes.get("transB", 0) else weight.values.T
    bias = _bias(reading, node, source, weight, len(values))

    def complete(output: str, target: ir.Tensor) -> ir.FullyConnected:
        rescale = _rescale(source, weight.scale, target, len(values))
        return ir.FullyConnected(node.name, (source.name,), output, values, bias, rescale)

    reading.pending[node.outputs[0]] = complete


def add(reading: Reading, node: Node) -> None:
    """Add of two tensors of one shape waits for its QuantizeLinear."""
    a, b = reading.source(node, 0), reading.source(node, 1)
    if a.shape != b.shape:
        raise UnsupportedError(node.name, "Add that broadcasts", "Use tensors of one shape.")

    def complete(output: str, target: ir.Tensor) -> ir.Add:
        step = np.float32(target.scale)
        ratios = float(np.float32(a.scale) / step), float(np.float32(b.scale) / step)
        if min(ratios) < rounding.SUM_EXACT_RATIO:
            raise UnsupportedError(
                node.name,
                f"Add with a ratio of scales of {min(ratios):.2g}",
                "Calibrate on data that reaches both branches.",
            )
        return ir.Add(node.name, (a.name, b.name), output, ratios)

    reading.pending[node.outputs[0]] = complete


def global_average(reading: Reading, node: Node) -> None:
    """GlobalAveragePool waits for its QuantizeLinear."""
    source = reading.source(node)
    pixels = source.shape[1] * source.shape[2]

    def complete(output: str, target: ir.Tensor) -> ir.GlobalAveragePool:
        step = np.float32(source.scale) / (np.float32(target.scale) * np.float32(pixels))
        rescale = ir.Rescale(np.array([step], np.float32), target.zero_point)
        return ir.GlobalAveragePool(node.name, (source.name,), output, rescale)

    reading.pending[node.outputs[0]] = complete


def concat(reading: Reading, node: Node) -> None:
    """Concat along channels; where scales differ each input is brought to the output's."""
    sources = [reading.source(node, at) for at in range(len(node.inputs))]
    if node.attributes["axis"] not in (1, -3) or len(sources[0].shape) != 3:
        raise UnsupportedError(node.name, "Concat along another axis", "Join channels only.")

    def complete(output: str, target: ir.Tensor) -> ir.Concat:
        names = []
        for at, source in enumerate(sources):
            if (source.scale, source.zero_point) == (target.scale, target.zero_point):
                names.append(source.name)
                continue
            moved = replace(target, name=f"{output}/{at}", shape=source.shape)
            reading.tensors[moved.name] = moved
            reading.operators.append(_scale_change(source, moved, f"{node.name}/{at}"))
            names.append(moved.name)
        return ir.Concat(node.name, tuple(names), output)

    reading.pending[node.outputs[0]] = complete


def max_pool(reading: Reading, node: Node) -> None:
    """MaxPool keeps the scale."""
    source = reading.source(node)
    if any(step != 1 for step in node.attributes.get("dilations", ())):
        raise UnsupportedError(node.name, "a dilated MaxPool", "Use a larger kernel.")
    kernel = tuple(node.attributes["kernel_shape"])
    stride = tuple(node.attributes.get("strides", (1, 1)))
    output = node.outputs[0]
    op = ir.MaxPool(node.name, (source.name,), output, kernel, stride, _pad(node))
    reading.moved(node, op, reading.file.shapes[output])


def resize(reading: Reading, node: Node) -> None:
    """Nearest Resize by whole factors keeps the scale."""
    source, output = reading.source(node), node.outputs[0]
    shape = reading.file.shapes[output]
    factor = (shape[1] // source.shape[1], shape[2] // source.shape[2])
    whole = (source.shape[0], source.shape[1] * factor[0], source.shape[2] * factor[1]) == shape
    if node.attributes.get("mode", b"nearest") != b"nearest" or not whole or 0 in factor:
        raise UnsupportedError(
            node.name, "Resize other than nearest by whole factors", "Use nearest, factor 2."
        )
    way = (
        node.attributes.get("coordinate_transformation_mode", b"half_pixel"),
        node.attributes.get("nearest_mode", b"round_prefer_floor"),
    )
    if way not in ((b"asymmetric", b"floor"), (b"half_pixel", b"round_prefer_floor")):
        raise UnsupportedError(node.name, f"Resize {way}", "Use asymmetric with floor.")
    reading.moved(node, ir.Upsample(node.name, (source.name,), output, factor), shape)


def reorder(reading: Reading, node: Node) -> None:
    """Reshape, Flatten, Squeeze or Transpose: alone or in a chain it may be an operator."""
    value, output = node.inputs[0], node.outputs[0]
    view = reading.views.get(value) or whole(reading.source(node))
    view = view.then(node, reading.file.shapes[output])
    if view.positions.shape == view.source.shape and np.array_equal(
        view.positions, whole(view.source).positions
    ):
        reading.real[output] = view.source.name
    elif op := view.operator(node.name, output):
        reading.moved(node, op, view.positions.shape)
    else:
        reading.views[output] = view


def rearrange(reading: Reading, node: Node) -> None:
    """SpaceToDepth and DepthToSpace keep the scale."""
    source, output = reading.source(node), node.outputs[0]
    to_depth = node.kind == "SpaceToDepth"
    channel = node.attributes.get("mode", b"DCR") == b"CRD"
    op = ir.Rearrange(
        node.name,
        (source.name,),
        output,
        node.attributes["blocksize"],
        to_depth,
        "channel" if channel else "block",
    )
    reading.moved(node, op, reading.file.shapes[output])


def clamp(reading: Reading, node: Node) -> None:
    """ReLU or Clip on a sum that waits is remembered; on a tensor it is a table."""
    value, output = node.inputs[0], node.outputs[0]
    if value not in reading.pending:
        unary(reading, node)
        return
    low, high = 0.0, np.inf
    if node.kind == "Clip":
        ends = [
            scalar(reading.file.constant(node, at, "limit"))
            if len(node.inputs) > at and node.inputs[at]
            else free
            for at, free in ((1, -np.inf), (2, np.inf))
        ]
        low, high = ends
    was = reading.clamps.get(value, (-np.inf, np.inf))
    reading.pending[output] = reading.pending[value]
    reading.clamps[output] = (max(low, was[0]), min(high, was[1]))


def unary(reading: Reading, node: Node) -> None:
    """A float function of one tensor: the runtime is asked for its 256 values."""
    source = reading.source(node)

    def complete(output: str, target: ir.Tensor) -> ir.Lookup:
        return ir.Lookup(node.name, (source.name,), output, ask(node, source, target, reading.file))

    reading.pending[node.outputs[0]] = complete


def same(reading: Reading, node: Node) -> None:
    """Identity and Dropout at inference."""
    reading.real[node.outputs[0]] = reading.source(node).name


HANDLERS: dict[str, Callable[[Reading, Node], None]] = {
    "DequantizeLinear": dequantize,
    "QuantizeLinear": quantize,
    "Conv": conv,
    "Gemm": gemm,
    "MatMul": gemm,
    "Add": add,
    "GlobalAveragePool": global_average,
    "Concat": concat,
    "MaxPool": max_pool,
    "Resize": resize,
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose"), reorder),
    "SpaceToDepth": rearrange,
    "DepthToSpace": rearrange,
    "Relu": clamp,
    "Clip": clamp,
    **dict.fromkeys(("Sigmoid", "LeakyRelu", "HardSigmoid", "HardSwish", "Tanh", "Elu"), unary),
    "Identity": same,
    "Dropout": same,
}
