"""From a trained network to the shipped files: fp32 and int8 ONNX, thresholds, manifest, parity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from common.errors import LingnanError
from common.runtime.manifest import NAME, ModelCard, parse_manifest
from common.runtime.publish import card_of, write_manifest
from inspection.models.fcn import Fcn as OnnxFcn
from inspection.sim.names import TAUGHT
from inspection.sim.trial import Lot, frames, split
from inspection.train.fcn_net import Fcn, parameters
from inspection.train.fcn_onnx import float_core, with_uint8_input
from inspection.train.parity import check_set, compare, of_materials, onnx_score, torch_score
from inspection.train.quantize import quantise

# What a threshold must find (kind, size in um, defects a part), on a draw of its own.
STATED: tuple[tuple[str, float, int], ...] = (
    ("point", 30.0, 49),
    ("scratch", 30.0, 16),
    ("stain", 400.0, 16),
)
MISSES, FALSE = 0.003, 0.01  # rates aimed at
RANGES, CALIBRATION, CHECK = 7_000, 8_000, 9_000  # seeds: quantiser, threshold, parity


def export(net: Fcn, folder: Path, seed: int, log: Callable[[str], None]) -> None:
    """Write both variants with their manifest. LingnanError when their decisions differ."""
    folder.mkdir(parents=True, exist_ok=True)
    core = float_core(net.weights())
    models = {
        "fcn_fp32": with_uint8_input(core),
        "fcn_int8": with_uint8_input(quantise(core, list(_range_samples()))),
    }
    scores = calibrate({n: OnnxFcn(model.SerializeToString()) for n, model in models.items()})
    for name, score in scores.items():
        log(f"{name}: {score}")
    _gate(net, models, scores, log)
    for name, model in models.items():
        onnx.save(model, folder / f"{name}.onnx")
    cards = {name: _card(folder / f"{name}.onnx", scores[name], net, seed) for name in models}
    known = _known(folder / NAME)
    write_manifest(folder, {**known, **cards})


def _known(manifest: Path) -> dict[str, ModelCard]:
    """The cards of models that lie in the folder already."""
    return dict(parse_manifest(manifest.read_bytes(), manifest).models) if manifest.exists() else {}


def calibrate(nets: Mapping[str, OnnxFcn]) -> dict[str, dict[str, float]]:
    """Of each net, each material's threshold and what it was chosen on, by name of the figure.

    All nets get the same threshold: they are one network, and their scores agree.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in nets}
    for m, material in enumerate(TAUGHT):
        defects: dict[str, list[float]] = {name: [] for name in nets}
        good: dict[str, list[float]] = {name: [] for name in nets}
        for c, (kind, size, per_part) in enumerate((*STATED, ("point", 30.0, 0))):
            parts = 40 if per_part == 0 else max(4, 196 // per_part)
            seed = CALIBRATION + 100 * m + c
            for frame, truth in frames(
                Lot(material, "calibrate", seed, parts, kind, size, per_part)
            ):
                for name, net in nets.items():
                    scores, beside, _ = split(net.logits(frame), truth)
                    defects[name] += map(float, scores)
                    good[name].append(beside)
        level = middle([*chain(*defects.values())], [*chain(*good.values())])
        for name in nets:
            found[name] |= _figures(material, level, defects[name], good[name])
    return found


def _figures(
    material: str, level: float, defects: Sequence[float], good: Sequence[float]
) -> dict[str, float]:
    return {
        f"threshold_{material}": level,
        f"weakest_defect_{material}": min(defects),
        f"strongest_good_{material}": max(good),
        f"calibration_defects_{material}": float(len(defects)),
        f"calibration_frames_{material}": float(len(good)),
    }


def middle(defects: Sequence[float], good: Sequence[float]) -> float:
    """The threshold with the fewest misses and false alarms, each in units of what is aimed at;
    of equal ones the widest gap between scores, and in it the middle."""
    missed, alarms = np.sort(np.asarray(defects)), np.sort(np.asarray(good))
    scores = np.unique(np.concatenate([missed, alarms]))
    levels = (scores[1:] + scores[:-1]) / 2
    misses = np.searchsorted(missed, levels) / len(missed)
    false = 1 - np.searchsorted(alarms, levels) / len(alarms)
    cost = misses / MISSES + false / FALSE
    best = np.flatnonzero(cost <= cost.min() + 1e-9)
    return float(levels[best[np.argmax(np.diff(scores)[best])]])


def _range_samples() -> Iterator[NDArray[np.float32]]:
    """Frames whose activations set the int8 ranges, black and white among their pixels."""
    for m, material in enumerate(TAUGHT):
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
    thresholds = {n: of_materials(s) for n, s in scores.items()}
    thresholds["torch"] = thresholds["fcn_fp32"]
    found = compare(check_set(CHECK, 12), ways, thresholds)  # more than 500 images
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
