"""A float ONNX file in ncnn's form, by ncnn's own converter."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from common.runtime.session import Session
from edge_deploy.errors import EdgeError
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
        target.write_bytes(float_model.read_bytes())
        extents = ",".join(map(str, (1, *shape)))
        kind = "u8" if takes_bytes(float_model) else "f32"
        tools.run(["pnnx", target.name, f"inputshape=[{extents}]{kind}"], scratch)
    return made


def takes_bytes(model: Path) -> bool:
    """Whether an ONNX file's picture is of uint8."""
    return any(spec.dtype == np.uint8 for spec in Session(model.read_bytes(), warmup=0).inputs)
