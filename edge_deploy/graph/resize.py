"""A network for pictures of another size than its file says: convolutions slide over any picture.

What an exporter wrote down of the size is changed, nothing else: the inputs' extents and the
targets of Reshape. Weights and scales stay, and so does every integer's meaning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from common.runtime.scan import scan
from edge_deploy.errors import UnsupportedError
from edge_deploy.graph.onnx_file import onnx_package

ROWS, COLUMNS = 2, 3  # axes of a picture (N, C, H, W)
LAYER = re.compile(r"node name: ([^)]+)\)")  # in what shape inference says


def at_size(payload: bytes, size: tuple[int, int] | None) -> bytes:
    """The ONNX file in bytes for pictures of `size` (height, width).

    As it is where there is no size, where it is that size, or where the file leaves it free.
    UnsupportedError where the layers do not fit such a picture.
    """
    if size is None:
        return payload
    onnx = onnx_package()
    scan(payload)
    model = onnx.load_from_string(payload)
    pictures = _pictures(model)
    extents = [shape[axis].dim_value for shape in pictures for axis in (ROWS, COLUMNS)]
    if 0 in extents or extents == [*size] * len(pictures):
        return payload
    before = _shapes(onnx, model)
    for shape in pictures:
        shape[ROWS].dim_value, shape[COLUMNS].dim_value = size
    _forget(model)
    _retarget(onnx, model, before)
    return _checked(onnx, model, size)


def _pictures(model: Any) -> list[Any]:
    """The extents of every input that is a picture."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = (value for value in model.graph.input if value.name not in constants)
    shapes = [value.type.tensor_type.shape.dim for value in inputs]
    return [shape for shape in shapes if len(shape) == COLUMNS + 1]


def _forget(model: Any) -> None:
    """What was inferred of the size it had."""
    del model.graph.value_info[:]
    for value in model.graph.output:
        for extent in value.type.tensor_type.shape.dim[1:]:
            extent.Clear()


def _shapes(onnx: Any, model: Any) -> dict[str, tuple[int, ...]]:
    """Of every value as far as the layers fit, without the batch."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    return {
        value.name: tuple(extent.dim_value for extent in value.type.tensor_type.shape.dim)[1:]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }


def _retarget(onnx: Any, model: Any, before: Mapping[str, tuple[int, ...]]) -> None:
    """Each Reshape to constant extents, in the file's order, as a later one hangs on it."""
    for at, node in enumerate(model.graph.node):
        if node.op_type != "Reshape" or node.output[0] not in before:
            continue
        now = _shapes(onnx, model)
        old, new = before[node.input[0]], now.get(node.input[0], ())
        extents = _scaled(node.name or node.output[0], old, new, before[node.output[0]])
        target = np.array([-1, *extents], np.int64)
        node.input[1] = f"{node.output[0]}/extents/{at}"
        model.graph.initializer.append(onnx.numpy_helper.from_array(target, node.input[1]))


def _scaled(
    layer: str, old: Sequence[int], new: Sequence[int], target: Sequence[int]
) -> tuple[int, ...]:
    """The extents that a Reshape must make of `new`, where it made `target` of `old`.

    Axes are taken in the shortest runs that hold as many elements before as after; of a run the
    outermost axis grows, as the rows of blocks of pixels do and the pixels of a block do not.
    """
    made: list[int] = []
    first, last = 0, 0  # of `old`, what the run before it is reshaped
    left = list(target) if 0 < math.prod(old) == math.prod(target) else []
    while left:
        run, last = [left.pop(0)], last + 1
        while math.prod(run) != math.prod(old[first:last]):
            if math.prod(run) < math.prod(old[first:last]):
                run.append(left.pop(0))
            else:
                last += 1
        made += [math.prod(new[first:last]) // math.prod(run[1:]), *run[1:]]
        first = last
    if not made or math.prod(made) != math.prod(new):
        what = f"makes {tuple(target)} of {tuple(old)} and has no such form for {tuple(new)}"
        raise UnsupportedError(layer, what, "Name a size that is a multiple of its blocks.")
    return tuple(made)


def _checked(onnx: Any, model: Any, size: tuple[int, int]) -> bytes:
    try:
        made = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        named = LAYER.search(str(error))
        raise UnsupportedError(
            named[1] if named else "?",
            f"does not fit a picture of {size[0]} x {size[1]}",
            "Name a size that halves as often as the network halves it; a fully connected layer on "
            "the picture takes one size alone.",
        ) from None
    whole: bytes = made.SerializeToString()
    return whole
