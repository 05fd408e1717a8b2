"""What `lingnan edge quantize` does between its options and what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.runtime.errors import ModelError
from common.runtime.scan import scan
from common.runtime.session import Session
from edge_deploy.errors import EdgeError
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file
from edge_deploy.quantize import check
from edge_deploy.quantize.calibration import load
from edge_deploy.quantize.exact import make_exact
from edge_deploy.quantize.gate import ROUNDING, Gate, Rule, classes, judge, scores
from edge_deploy.quantize.insert import Method, prepared, quantise
from edge_deploy.quantize.layers import Layer, layers
from edge_deploy.quantize.mixed import NOISE_SAMPLES, make_mixed
from edge_deploy.quantize.noise import by_layer

WORST = 3  # layers that a refusal names


@dataclass(frozen=True, slots=True)
class Checked:
    """What is judged by. mixed: whether layers may stay in float where the gate fails."""

    data: Path
    rule: Rule
    mixed: bool = False


def quantise_file(
    model: Path,
    calibration: Path,
    out: Path,
    method: Method = "minmax",
    exact: bool = False,
    checked: Checked | None = None,
) -> dict[str, Any]:
    """Quantise a file; what was done, as plain data. EdgeError names what does not fit, or what is
    lost where that is more than is tolerated: then nothing is written."""
    if out.exists():
        raise EdgeError(f"{out} is there already: name a new file")
    if exact and checked and checked.mixed:
        raise EdgeError("--exact needs every layer in integers, --mixed leaves some in float")
    payload = _read(model)
    shape = _shape(payload, model)
    samples = load(calibration, shape)
    judged = _judged(payload, shape, checked) if checked else None
    made = quantise(payload, samples, method)
    moved = None
    if exact:
        made, moved = make_exact(made)
    from_file(open_bytes(made), out.stem)
    gate, left = None, None
    if checked and judged:
        gate = judge(payload, made, judged, checked.rule)
        if not gate.holds and checked.mixed:
            made, gate, left = _mixed(payload, samples, method, judged, checked.rule)
        if not gate.holds:
            raise EdgeError(_refusal(gate, payload, made, samples, left))
    noise = by_layer(payload, made, samples[:NOISE_SAMPLES])
    out.write_bytes(made)
    return {
        "file": str(out),
        "samples": len(samples),
        "layers": [asdict(layer) for layer in noise],
        "exact": asdict(moved) if moved else None,
        "gate": asdict(gate) if gate else None,
        "in_float": _in_float(payload, left) if left else None,
    }


def _read(model: Path) -> bytes:
    try:
        payload = model.read_bytes()
        scan(payload)
    except OSError as error:
        raise EdgeError(f"{model}: {error.strerror}") from None
    except ModelError as error:
        raise EdgeError(f"{model}: not a model that can be used: {error}") from None
    return payload


def _judged(payload: bytes, shape: check.Shape, checked: Checked) -> check.CheckSet:
    checked.rule.check()
    data = check.read(checked.data, shape, classes(payload, shape, checked.rule))
    if checked.mixed and len(data) < 2:
        raise EdgeError(f"{checked.data}: --mixed chooses by one half and judges by the other")
    return data


def _mixed(
    payload: bytes,
    samples: Sequence[NDArray[np.float32]],
    method: Method,
    data: check.CheckSet,
    rule: Rule,
) -> tuple[bytes, Gate, tuple[Layer, ...]]:
    """Layers are chosen on one half of the check set, and the gate is of the other."""

    def holds(made: bytes) -> bool:
        single, integer = scores(payload, made, data.half(0), rule)
        return 100 * float((single - integer).mean()) <= rule.tolerance + ROUNDING

    made, left = make_mixed(payload, samples, method, holds)
    return made, judge(payload, made, data.half(1), rule), left


def _refusal(
    gate: Gate,
    payload: bytes,
    made: bytes,
    samples: Sequence[NDArray[np.float32]],
    left: Sequence[Layer] | None,
) -> str:
    if left is not None:
        told = ", ".join(layer.name for layer in left)
        return (
            f"nothing written. With {told} in float the gate holds on the half of the check set "
            f"they were chosen on, and not on the other ({gate}); give more pictures to --check"
        )
    noise = sorted(by_layer(payload, made, samples[:NOISE_SAMPLES]), key=lambda one: one.decibels)
    worst = ", ".join(f"{one.layer} {one.decibels:.1f} dB" for one in noise[:WORST])
    return (
        f"nothing written. {gate}. Least signal over noise: {worst}. Give more typical "
        "calibration data, another --method, or leave the layers that need it in float (--mixed, "
        "without --exact)"
    )


def _in_float(payload: bytes, left: Sequence[Layer]) -> dict[str, Any]:
    total = sum(layer.macs for layer in layers(prepared(payload)))
    share = sum(layer.macs for layer in left) / max(total, 1)
    return {"layers": [layer.name for layer in left], "macs_share": share}


def _shape(payload: bytes, model: Path) -> check.Shape:
    inputs = Session(payload, warmup=0).inputs
    extents = inputs[0].shape[1:] if len(inputs) == 1 else ()
    if len(extents) != 3 or not all(isinstance(extent, int) for extent in extents):
        told = ", ".join(f"{spec.name} {spec.shape}" for spec in inputs)
        raise EdgeError(f"{model}: takes {told}; quantisation needs one input (N, C, H, W), fixed")
    channels, height, width = (int(extent) for extent in extents)
    return channels, height, width
