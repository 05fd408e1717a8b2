"""An ONNX file opened for reading: nodes, constants and shapes by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import MissingExtraError
from common.runtime.scan import scan
from edge_deploy.errors import EdgeError, UnsupportedError


def onnx_package() -> Any:
    """The package onnx. MissingExtraError names the extra where it is not installed."""
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("onnx", "edge") from None
    return onnx


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One ONNX node. name: its own, else that of its first output."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class OnnxFile:
    """nodes in the file's order (topological); shapes without their first axis, the batch."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    shapes: Mapping[str, tuple[int, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    model: Any

    def constant(self, node: Node, at: int, what: str) -> NDArray[Any]:
        """An input that must be a constant of the file."""
        name = node.inputs[at] if at < len(node.inputs) else ""
        if name not in self.constants:
            raise UnsupportedError(node.name, f"its {what} is not a constant", "Fold it on export.")
        return self.constants[name]


def open_file(path: Path, size: tuple[int, int] | None = None) -> OnnxFile:
    """Read an ONNX file. size: (height, width) where the file leaves them free.

    EdgeError says what is missing; UnsafeModelError is of a file that the scan refuses.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror}") from None
    return open_bytes(payload, size)


def open_bytes(payload: bytes, size: tuple[int, int] | None = None) -> OnnxFile:
    """`open_file` of a model in memory."""
    onnx = onnx_package()
    scan(payload)
    model = onnx.load_from_string(payload)
    _fix_inputs(model, size)
    try:
        onnx.checker.check_model(model)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise EdgeError(f"the model is not valid ONNX: {str(error).splitlines()[0]}") from None
    return _index(onnx, inferred)


def _fix_inputs(model: Any, size: tuple[int, int] | None) -> None:
    constants = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name in constants:
            continue
        extents = value.type.tensor_type.shape.dim
        for at, extent in enumerate(extents):
            if extent.dim_value > 0:
                continue
            if at == 0:
                extent.dim_value = 1
            elif at >= 2 and size is not None:
                extent.dim_value = size[at - 2]
            else:
                raise EdgeError(
                    f"input {value.name!r} has a free extent: give the picture's size "
                    "(--size HEIGHT WIDTH)"
                )


def _index(onnx: Any, model: Any) -> OnnxFile:
    graph = model.graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = []
    for raw in graph.node:
        node = Node(
            raw.op_type,
            raw.name or raw.output[0],
            tuple(raw.input),
            tuple(raw.output),
            {a.name: onnx.helper.get_attribute_value(a) for a in raw.attribute},
        )
        if node.kind == "Constant" and "value" in node.attributes:
            constants[node.outputs[0]] = onnx.numpy_helper.to_array(node.attributes["value"])
        else:
            nodes.append(node)
    values = [*graph.input, *graph.value_info, *graph.output]
    return OnnxFile(
        tuple(nodes),
        constants,
        {value.name: _shape(value) for value in values},
        tuple(value.name for value in graph.input if value.name not in constants),
        tuple(value.name for value in graph.output),
        model,
    )


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(extent.dim_value for extent in value.type.tensor_type.shape.dim)[1:]


def scalar(array: NDArray[Any]) -> Any:
    """The one value of an array, as Python's."""
    return np.asarray(array).reshape(-1)[0].item()
