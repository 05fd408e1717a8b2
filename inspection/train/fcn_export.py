"""From a trained network to the shipped files: fp32 and int8 ONNX, thresholds, manifest, parity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from common.errors import LingnanError
from common.runtime.manifest import ModelCard
from common.runtime.publish import card_of, write_manifest
from inspection.models.fcn import Fcn as OnnxFcn
from inspection.sim.materials import MATERIALS
from inspection.sim.trial import Lot, frames, judge
from inspection.train.fcn_net import Fcn, parameters
from inspection.train.fcn_onnx import float_core, with_uint8_input
from inspection.train.parity import check_set, compare, onnx_score, torch_score
from inspection.train.quantize import quantise

# What a threshold must find (kind, size in um, defects a part), on a draw of its own.
STATED: tuple[tuple[str, float, int], ...] = (
    ("point", 30.0, 49),
    ("scratch", 30.0, 16),
    ("stain", 400.0, 16),
)
RANGES, CALIBRATION, CHECK = 7_000, 8_000, 9_000  # seeds: quantiser, threshold, parity


def export(net: Fcn, folder: Path, seed: int, log: Callable[[str], None]) -> None:
    """Write both variants with their manifest. LingnanError when their decisions differ."""
    folder.mkdir(parents=True, exist_ok=True)
    core = float_core(net.weights())
    models = {
        "fcn_fp32": with_uint8_input(core),
        "fcn_int8": with_uint8_input(quantise(core, list(_range_samples()))),
    }
    scores: dict[str, dict[str, float]] = {}
    for name, model in models.items():
        scores[name] = calibrate(OnnxFcn(model.SerializeToString()))
        log(f"{name}: {scores[name]}")
    _gate(net, models, scores, log)
    for name, model in models.items():
        onnx.save(model, folder / f"{name}.onnx")
    cards = {name: _card(folder / f"{name}.onnx", scores[name], net, seed) for name in models}
    write_manifest(folder, cards)


def calibrate(net: OnnxFcn) -> dict[str, float]:
    """The threshold and what it was chosen on: in the middle between the weakest stated defect and
    the strongest good part of the calibration draw."""
    weakest, strongest, n, good = np.inf, -np.inf, 0, 0
    for m, material in enumerate(MATERIALS):
        for c, (kind, size, per_part) in enumerate((*STATED, ("point", 30.0, 0))):
            parts = 40 if per_part == 0 else max(4, 196 // per_part)
            seed = CALIBRATION + 100 * m + c
            for part in judge(
                Lot(material, "calibrate", seed, parts, kind, size, per_part), net.logits
            ):
                strongest = max(strongest, part.beside)
                weakest = min([weakest, *map(float, part.scores)])
                n, good = n + len(part.scores), good + 1
    return {
        "threshold": (weakest + strongest) / 2,
        "calibration_weakest_defect": float(weakest),
        "calibration_strongest_good": float(strongest),
        "calibration_defects": float(n),
        "calibration_frames": float(good),
    }


def _range_samples() -> Iterator[NDArray[np.float32]]:
    """Frames whose activations set the int8 ranges, black and white among their pixels."""
    for m, material in enumerate(MATERIALS):
        for c, (kind, size, per_part) in enumerate(STATED):
            lot = Lot(material, "calibrate", RANGES + 100 * m + c, 2, kind, size, per_part)
            for frame, _ in frames(lot):
                x = frame.astype(np.float32) / np.float32(255)
                x[0, 0], x[0, 1] = 0.0, 1.0  # so that x is quantised in steps of 1/255
                yield x[None, None]


def _gate(
    net: Fcn,
    models: dict[str, onnx.ModelProto],
    scores: dict[str, dict[str, float]],
    log: Callable[[str], None],
) -> None:
    ways = {"torch": torch_score(net)}
    ways |= {name: onnx_score(model.SerializeToString()) for name, model in models.items()}
    thresholds = {n: s["threshold"] for n, s in scores.items()}
    thresholds["torch"] = thresholds["fcn_fp32"]
    found = compare(check_set(CHECK, 12), ways, thresholds)
    log(f"parity: {found}")
    for name in models:
        scores[name]["parity_images"] = float(found.n)
        scores[name]["parity_differing"] = float(found.differing)
        scores[name]["parity_wrong"] = float(found.wrong[name])
    if found.differing:
        raise LingnanError(
            f"{found.differing} of {found.n} decisions differ between torch, fp32 and int8; "
            "nothing is exported. Train longer, or quantise with other ranges"
        )


def _card(path: Path, score: dict[str, float], net: Fcn, seed: int) -> ModelCard:
    return card_of(
        path,
        licence="Apache-2.0",
        data="simulated station (inspection.sim), regime train; "
        f"threshold on regime calibrate; parity on regime judge; seed {seed}",
        command=f"python -m inspection.train.fcn --seed {seed}",
        score={**score, "parameters": float(parameters(net))},
        units={"image": "DN", "logits": "logit"},
    )
