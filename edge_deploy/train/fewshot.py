"""Trains and ships the backbone of few-shot learning.

    python -m edge_deploy.train.fewshot --data DATA_ROOT

Prototypical episodes (Snell, Swersky and Zemel 2017) of 32 classes with three learned and four
asked drawings each. Half of the classes are characters of three Omniglot alphabets, turned and
mirrored into new ones; half are invented (`edge_deploy.sim.glyphs`). Greek and Latin are left out
whole: by them it is judged. About 15 minutes of one core; a GPU allows more steps.
"""

from __future__ import annotations

import argparse
import math
import warnings
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from common.runtime.publish import card_of, write_manifest
from common.runtime.weights import verify_folder
from edge_deploy.characters import SIDE, alphabets, shrunk
from edge_deploy.fewshot.episodes import EpisodeSize, accuracy
from edge_deploy.fewshot.features import NAME, extract
from edge_deploy.quantize.exact import check, make_exact
from edge_deploy.quantize.insert import quantise
from edge_deploy.sim.glyphs import draw, invent
from edge_deploy.train.export import export
from edge_deploy.train.nets import Residual, block

U8 = NDArray[np.uint8]

FOLDER = Path(__file__).resolve().parents[1] / "weights"
LEARNED = ("Balinese", "Early_Aramaic", "Korean")
WAYS, SHOTS, ASKED = 32, 3, 4
INVENTED, DRAWINGS = 3000, 20
RATE = 2e-3
CALIBRATION = 200


class Backbone(nn.Module):
    """(N, 1, 32, 32) to features (N, 1024): places are kept, since a character is where its
    strokes are."""

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            block(1, 32),
            nn.MaxPool2d(2),
            Residual(32, 32, 1),
            Residual(32, 64, 2),
            Residual(64, 96, 2),
            nn.Conv2d(96, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).flatten(1)


def learn(characters: list[U8], steps: int, seed: int) -> Backbone:
    """characters: each (drawings, 105, 105), ink bright."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    invented = [_drawings(seed, at) for at in range(INVENTED)]
    net = Backbone().train()
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=5e-4)
    label = torch.arange(WAYS).repeat_interleave(ASKED)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = RATE * (0.505 + 0.495 * math.cos(math.pi * step / steps))
        pictures = _real(characters, WAYS // 2, rng) + _invented(invented, WAYS // 2, rng)
        batch = torch.from_numpy(np.stack(pictures)[:, None].astype(np.float32) / 255)
        features = net(batch).reshape(WAYS, SHOTS + ASKED, -1)
        means = features[:, :SHOTS].mean(1)
        asked = features[:, SHOTS:].flatten(0, 1)
        away = torch.cdist(asked, means) ** 2 / math.sqrt(features.shape[-1])
        loss = nn.functional.cross_entropy(-away, label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 100 == 99:
            print(f"step {step + 1} of {steps}: loss {loss.item():.3f}", flush=True)
    return net.eval()


def _drawings(seed: int, at: int) -> U8:
    rng = np.random.default_rng((seed, at))
    glyph = invent(rng)
    return np.stack([shrunk(draw(glyph, rng)) for _ in range(DRAWINGS)])


def _real(characters: list[U8], ways: int, rng: np.random.Generator) -> list[U8]:
    """A turned or mirrored character is another character, so there are eight of each."""
    pictures = []
    for choice in rng.choice(len(characters) * 8, ways, replace=False):
        drawings = characters[choice // 8]
        for at in rng.permutation(len(drawings))[: SHOTS + ASKED]:
            turned = np.rot90(drawings[at], choice % 4)
            page = turned[:, ::-1] if choice % 8 >= 4 else turned
            pictures.append(shrunk(_other_hand(np.ascontiguousarray(page), rng)))
    return pictures


def _invented(glyphs: list[U8], ways: int, rng: np.random.Generator) -> list[U8]:
    pictures = []
    for choice in rng.choice(len(glyphs), ways, replace=False):
        turns = int(rng.integers(4))
        for at in rng.permutation(DRAWINGS)[: SHOTS + ASKED]:
            pictures.append(np.rot90(glyphs[choice][at], turns))
    return pictures


def _other_hand(page: U8, rng: np.random.Generator) -> U8:
    """The drawing turned, slanted, stretched and moved a little."""
    turn, slant = rng.normal(0, 0.1), rng.normal(0, 0.08)
    wide, high = np.exp(rng.normal(0, 0.08, 2))
    matrix = np.array(
        [[wide * np.cos(turn), slant - np.sin(turn)], [np.sin(turn), wide * high * np.cos(turn)]]
    )
    middle = np.full(2, len(page) / 2)
    moved = middle - matrix @ middle + rng.normal(0, 4, 2)
    return cv2.warpAffine(page, np.column_stack([matrix, moved]), page.shape).astype(np.uint8)


def main() -> None:
    """Train, export, quantise, measure and add to weights/ and its manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER)
    told = parser.parse_args()
    warnings.simplefilter("ignore")  # of torch's tracer, about extents that are fixed on purpose
    torch.set_num_threads(1)
    every = alphabets(told.data)
    net = learn([one for name in LEARNED for one in every[name]], told.steps, told.seed)
    payload = export(net, (1, SIDE, SIDE), ("features",))
    samples = [_drawings(told.seed, INVENTED + at)[0] for at in range(CALIBRATION)]
    pictures = [one[None, None].astype(np.float32) / np.float32(255) for one in samples]
    made, moved = make_exact(quantise(payload, pictures))
    if moved.left:
        raise RuntimeError("; ".join(moved.left))
    check(made)
    path = told.out / f"{NAME}.onnx"
    path.write_bytes(made)
    judged = [shrunk_all(one) for name in ("Greek", "Latin") for one in every[name]]
    features = [extract(made, one) for one in judged]
    score = {
        f"accuracy_{ways}_way_3_shot": accuracy(features, EpisodeSize(ways, 3, 5), 600, 1).mean
        for ways in (5, 20)
    }
    print(score)
    source = "Omniglot background small 1 (MIT): Balinese, Early Aramaic, Korean; invented glyphs"
    command = "python -m edge_deploy.train.fewshot --data DATA_ROOT"
    card = card_of(path, licence="Apache-2.0", data=source, command=command, score=score)
    cards = verify_folder(told.out).models if (told.out / "manifest.json").is_file() else {}
    write_manifest(told.out, {**cards, path.stem: card})


def shrunk_all(drawings: U8) -> U8:
    """(N, 105, 105) to (N, 32, 32)."""
    return np.stack([shrunk(page) for page in drawings])


if __name__ == "__main__":
    main()
