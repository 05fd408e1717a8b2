"""A float ONNX file in ncnn's form, by ncnn's own converter."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from common.runtime.session import Session
from edge_deploy.errors import EdgeError
from edge_deploy.graph.onnx_file import onnx_package
from edge_deploy.verify import tools

CURE = "ncnn not found: pip install --no-deps ncnn pnnx"  # with them comes another OpenCV


def convert(float_model: Path, shape: Sequence[int], scratch: Path) -> Path:
    """The .param, its .bin beside it; weights in half precision, as pnnx chooses.

    shape: (C, H, W). EdgeError where ncnn is not here or pnnx cannot convert.
    """
    if find_spec("ncnn") is None or tools.missing(["pnnx"]) is not None:
        raise EdgeError(CURE)
    made = scratch / "float.ncnn.param"
    if not made.exists():
        target = scratch / "float.onnx"
        target.write_bytes(of_floats(float_model))
        extents = ",".join(map(str, (1, *shape)))
        tools.run(["pnnx", target.name, f"inputshape=[{extents}]f32"], scratch)
    return made


def of_floats(model: Path) -> bytes:
    """The file with a picture of float32 in 0..1; one that takes bytes loses the layer that makes
    them that, which ncnn does not know: its caller has done so."""
    payload = model.read_bytes()
    if not takes_bytes(model):
        return payload
    onnx = onnx_package()
    proto = onnx.load_from_string(payload)
    opening = [node for node in proto.graph.node if node.op_type == "DequantizeLinear"]
    if len(opening) != 1 or opening[0].input[0] != proto.graph.input[0].name:
        raise EdgeError(f"{model.name}: more than its picture is dequantised")
    proto.graph.node.remove(opening[0])
    picture = proto.graph.input[0]
    picture.name = opening[0].output[0]
    picture.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return bytes(proto.SerializeToString())


def takes_bytes(model: Path) -> bool:
    """Whether an ONNX file's picture is of uint8."""
    return any(spec.dtype == np.uint8 for spec in Session(model.read_bytes(), warmup=0).inputs)
