"""Trains and ships the networks that every target is checked with.

    python -m edge_deploy.train.checknets --data DATA_ROOT [--seed 1]

ResNet-8 and the MobileNet learn 20 Omniglot characters, the detector and the U-Net simulated
trays. Each is exported as float and in the hardware-exact int8 form. Torch, float and int8 must
agree on the check set, or nothing is written.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from common.runtime.publish import card_of, write_manifest
from edge_deploy.characters import Characters, load
from edge_deploy.checksets import CLASSES, NETS, WEIGHTS, CheckSet, answers, check_set
from edge_deploy.quantize.exact import check, make_exact
from edge_deploy.quantize.insert import quantise
from edge_deploy.sim.trays import KINDS, tray
from edge_deploy.train import learn
from edge_deploy.train.export import export
from edge_deploy.train.nets import Detector, MobileNet, ResNet8, UNet

CALIBRATION = 200
JUDGED = 300  # trays
CALIBRATION_SEED = 500_000
FAR = 1e-3  # largest difference of an output between torch and ONNX Runtime
POINTS = 0.01  # that int8 may lose against float


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A learned network: its float file, its calibration samples, what it learned from."""

    net: nn.Module
    payload: bytes
    samples: list[NDArray[np.float32]]
    source: str


def _characters(net: nn.Module, data: Characters, steps: int, seed: int) -> Made:
    batch = learn.character_batches(data)
    learned = learn.train(net, steps, batch, functional.cross_entropy, seed)
    images = data.images[data.for_learning][:: len(data.images) // CALIBRATION]
    source = f"Omniglot background small 1, {CLASSES} characters, drawers 1 to 15 (MIT)"
    return Made(learned, export(learned, (1, 32, 32), ("logits",)), _scaled(images), source)


def _trays(name: str, steps: int, seed: int) -> Made:
    source = "simulated trays (edge_deploy.sim.trays)"
    if name == "detector":
        net: nn.Module = Detector(1, len(KINDS))
        nn.init.constant_(net.heat.bias, -3.0)  # few cells are centres
        batch = learn.tray_batches(learn.centre_targets)
        learned = learn.train(net, steps, batch, learn.centre_loss, seed)
        outputs: tuple[str, ...] = ("heat", "size")
    else:
        batch = learn.tray_batches(learn.mask_targets)
        net = UNet(1, 1 + len(KINDS))
        learned = learn.train(net, steps, batch, functional.cross_entropy, seed)
        outputs = ("classes",)
    return Made(learned, export(learned, (1, 64, 64), outputs), _calibration(), source)


def _calibration() -> list[NDArray[np.float32]]:
    pictures = []
    for at in range(CALIBRATION):
        rng = np.random.default_rng((CALIBRATION_SEED, at))
        pictures.append(tray(rng).picture(rng))
    return _scaled(np.stack(pictures)[:, None])


def _scaled(pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    return list((pictures.astype(np.float32) / np.float32(255))[:, None])


def _exact(payload: bytes, samples: list[NDArray[np.float32]]) -> bytes:
    made, moved = make_exact(quantise(payload, samples))
    if moved.left:
        raise RuntimeError("; ".join(moved.left))
    check(made)
    return made


def _scores(name: str, made: Made, payload: bytes, judged: CheckSet) -> Mapping[str, float]:
    """Float and int8 score. RuntimeError where torch, float and int8 do not agree."""
    floats = answers(made.payload, judged.pictures)
    with torch.no_grad():
        told = made.net(torch.from_numpy(judged.pictures[:32].astype(np.float32) / 255))
    for one, key in zip(told if isinstance(told, tuple) else (told,), floats, strict=True):
        if (far := np.abs(one.numpy() - floats[key][:32]).max()) > FAR:
            raise RuntimeError(f"{name}: {key} of torch and ONNX Runtime are {far:.2g} apart")
    single = float(judged.score(floats).mean())
    integer = float(judged.score(answers(payload, judged.pictures)).mean())
    if single - integer > POINTS:
        raise RuntimeError(f"{name}: int8 {integer:.4f}, float {single:.4f}")
    return {"score_fp32": single, "score_int8": integer, "samples": float(judged.samples)}


def main() -> None:
    """Train, export, quantise, measure and write weights/ with its manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    warnings.simplefilter("ignore")  # of torch's tracer, about extents that are fixed on purpose
    data = load(told.data, CLASSES)
    torch.manual_seed(told.seed)
    files: dict[str, bytes] = {}
    about: dict[str, tuple[str, Mapping[str, float]]] = {}
    for net in NETS:
        if net.task == "characters":
            kind = ResNet8 if net.name == "resnet8" else MobileNet
            made = _characters(kind(1, CLASSES), data, told.steps, told.seed)
        else:
            made = _trays(net.name, told.steps, told.seed)
        payload = _exact(made.payload, made.samples)
        score = _scores(net.name, made, payload, check_set(net.task, JUDGED, data))
        print(net.name, dict(score), len(payload), flush=True)
        for word, model in (("fp32", made.payload), ("int8", payload)):
            files[f"{net.name}_{word}"] = model
            about[f"{net.name}_{word}"] = (made.source, score)
    _ship(
        files, about, f"python -m edge_deploy.train.checknets --data DATA_ROOT --seed {told.seed}"
    )


def _ship(
    files: Mapping[str, bytes], about: Mapping[str, tuple[str, Mapping[str, float]]], command: str
) -> None:
    cards = {}
    for name, payload in files.items():
        path = WEIGHTS / f"{name}.onnx"
        path.write_bytes(payload)
        source, score = about[name]
        cards[name] = card_of(path, licence="Apache-2.0", data=source, command=command, score=score)
    write_manifest(WEIGHTS, cards)


if __name__ == "__main__":
    main()
