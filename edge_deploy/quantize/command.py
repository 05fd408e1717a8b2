"""What `lingnan edge quantize` does between its options and what it prints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.runtime.errors import ModelError
from common.runtime.scan import scan
from common.runtime.session import Session
from edge_deploy.errors import EdgeError
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file
from edge_deploy.quantize.calibration import load
from edge_deploy.quantize.exact import make_exact
from edge_deploy.quantize.insert import Method, quantise
from edge_deploy.quantize.noise import by_layer

NOISE_SAMPLES = 16


def quantise_file(
    model: Path, calibration: Path, out: Path, method: Method = "minmax", exact: bool = False
) -> dict[str, Any]:
    """Quantise a file; what was done, as plain data. EdgeError names what does not fit."""
    if out.exists():
        raise EdgeError(f"{out} is there already: name a new file")
    try:
        payload = model.read_bytes()
        scan(payload)
    except OSError as error:
        raise EdgeError(f"{model}: {error.strerror}") from None
    except ModelError as error:
        raise EdgeError(f"{model}: not a model that can be used: {error}") from None
    samples = load(calibration, _shape(payload, model))
    made = quantise(payload, samples, method)
    moved = None
    if exact:
        made, moved = make_exact(made)
    graph = from_file(open_bytes(made), out.stem)
    noise = by_layer(payload, graph, samples[:NOISE_SAMPLES])
    out.write_bytes(made)
    return {
        "file": str(out),
        "samples": len(samples),
        "layers": [asdict(layer) for layer in noise],
        "exact": asdict(moved) if moved else None,
    }


def _shape(payload: bytes, model: Path) -> tuple[int, int, int]:
    inputs = Session(payload, warmup=0).inputs
    extents = inputs[0].shape[1:] if len(inputs) == 1 else ()
    if len(extents) != 3 or not all(isinstance(extent, int) for extent in extents):
        told = ", ".join(f"{spec.name} {spec.shape}" for spec in inputs)
        raise EdgeError(f"{model}: takes {told}; quantisation needs one input (N, C, H, W), fixed")
    channels, height, width = (int(extent) for extent in extents)
    return channels, height, width
