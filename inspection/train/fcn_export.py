"""From a trained network to the shipped files: fp32 and int8 ONNX, thresholds, manifest, parity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from common.errors import LingnanError
from common.runtime.manifest import NAME, ModelCard, parse_manifest
from common.runtime.publish import card_of, write_manifest
from inspection.models.fcn import Fcn as OnnxFcn
from inspection.models.shipped import name_of, thresholds
from inspection.sim.names import CHINESE, GEOMETRIES
from inspection.sim.trial import Lot, frames
from inspection.train.fcn_calibrate import STATED, calibrate
from inspection.train.fcn_net import Fcn, parameters
from inspection.train.fcn_onnx import float_core, with_uint8_input
from inspection.train.parity import CASES, check_set, compare, onnx_score, torch_score
from inspection.train.quantize import quantise

RANGES, CHECK = 7_000, 9_000  # seeds: quantiser (1,000 less for every other draw), parity
CHECKED = 504  # images at least
Log = Callable[[str], None]


def export(
    net: Fcn,
    material: str,
    folder: Path,
    command: str,
    log: Log,
    ranges: int = 0,
    draws: int = 1,
    regime: str = "calibrate",
) -> None:
    """Write both variants with their manifest. LingnanError when no geometry is told well enough,
    or when their decisions differ. ranges: which draw of frames sets the int8 ranges. draws: times
    the usual number of parts, of this regime, set the thresholds."""
    folder.mkdir(parents=True, exist_ok=True)
    core = float_core(net.weights())
    models = {
        name_of(material, "fp32"): with_uint8_input(core),
        name_of(material, "int8"): with_uint8_input(
            quantise(core, list(_range_samples(material, ranges, regime)), is_narrow=True)
        ),
    }
    nets = {name: OnnxFcn(model.SerializeToString()) for name, model in models.items()}
    scores = calibrate(material, nets, log, draws, regime)
    _gate(net, material, models, scores, log)
    for name, model in models.items():
        onnx.save(model, folder / f"{name}.onnx")
    cards = {n: _card(folder / f"{n}.onnx", scores[n], net, command) for n in models}
    write_manifest(folder, {**known(folder / NAME), **cards})


def known(manifest: Path) -> dict[str, ModelCard]:
    """The cards of models that lie in the folder already."""
    return dict(parse_manifest(manifest.read_bytes(), manifest).models) if manifest.exists() else {}


def _range_samples(material: str, draw: int, regime: str) -> Iterator[NDArray[np.float32]]:
    """Frames whose activations set the int8 ranges, black and white among their pixels."""
    first = RANGES - 1_000 * draw + 100 * list(CHINESE).index(material)
    for g, form in enumerate(GEOMETRIES[material]):
        for c, (kind, size, per_part) in enumerate(STATED):
            lot = Lot(material, regime, first + 10 * g + c, 2, kind, size, per_part, form)
            for frame, _ in frames(lot):
                x = frame.astype(np.float32) / np.float32(255)
                x[0, 0], x[0, 1] = 0.0, 1.0  # so that x is quantised in steps of 1/255
                yield x[None, None]


def _gate(
    net: Fcn,
    material: str,
    models: Mapping[str, onnx.ModelProto],
    scores: Mapping[str, dict[str, float]],
    log: Log,
) -> None:
    ways = {"torch": torch_score(net)}
    ways |= {name: onnx_score(model.SerializeToString()) for name, model in models.items()}
    levels = thresholds(next(iter(scores.values())))
    repeats = -(-CHECKED // (len(levels) * (len(CASES) + 4)))
    found = compare(check_set(material, tuple(levels), CHECK, repeats), ways, levels)
    log(f"parity: {found}")
    for name in models:
        scores[name]["parity_images"] = float(found.n)
        scores[name]["parity_differing"] = float(found.differing)
        scores[name]["parity_wrong"] = float(found.wrong[name])
        scores[name]["parity_margin"] = found.margin
    if found.differing:
        raise LingnanError(
            f"{found.differing} of {found.n} decisions differ between torch, fp32 and int8; "
            "nothing is exported. Train longer, or quantise with other ranges"
        )


def _card(path: Path, score: dict[str, float], net: Fcn, command: str) -> ModelCard:
    return card_of(
        path,
        licence="Apache-2.0",
        data="simulated station (inspection.sim), regimes as the command says; "
        "parity on regime judge",
        command=command,
        score={**score, "parameters": float(parameters(net))},
        units={"image": "DN", "logits": "logit"},
    )
