"""What the check networks are judged by: one score from 0 to 1 for each sample of a set.

The same samples go through the float and the int8 file, so that their difference is paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.runtime.session import Session
from common.types.detections import Detections
from edge_deploy.characters import Characters
from edge_deploy.models.detector import STRIDE, decode
from edge_deploy.sim.trays import KINDS, Tray, tray

WEIGHTS = Path(__file__).resolve().parent / "weights"
CLASSES = 20  # characters
SHIFTS = [(down, right) for down in (-2, 0, 2) for right in (-2, 0, 2)]
TRAY_SEED = 900_000  # of the judged trays; those learned from are drawn from others

Outputs = dict[str, NDArray[np.float32]]
Scores = NDArray[np.float64]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Net:
    """A shipped network: its files are <name>_fp32 and <name>_int8 in weights/."""

    name: str
    task: str
    score: str


NETS = (
    Net("resnet8", "characters", "share of characters named rightly"),
    Net("mobilenet", "characters", "share of characters named rightly"),
    Net("detector", "trays", "F1 of parts, kind right and centre within 4 px"),
    Net("unet", "masks", "mean intersection over union of the kinds of a tray"),
)


@dataclass(frozen=True, slots=True, eq=False)
class CheckSet:
    """pictures (N, 1, H, W) uint8; score: outputs of the N pictures -> one score a sample.

    samples: independent ones; a sample may have several pictures.
    """

    pictures: U8
    samples: int
    score: Callable[[Outputs], Scores]


def check_set(task: str, samples: int, characters: Characters | None = None) -> CheckSet:
    """The set of a task. characters: needed by the task of that name, all its judged drawings."""
    if task == "characters":
        if characters is None:
            raise ValueError("the task characters needs the Omniglot set")
        return _drawings(characters)
    trays, pictures = [], []
    for at in range(samples):
        rng = np.random.default_rng((TRAY_SEED, at))
        trays.append(tray(rng))
        pictures.append(trays[-1].picture(rng))
    scored = _parts if task == "trays" else _masks
    return CheckSet(np.stack(pictures)[:, None], samples, lambda outputs: scored(outputs, trays))


def answers(payload: bytes, pictures: U8) -> Outputs:
    """Outputs by name of a network that takes float32 in 0..1, one picture a call."""
    session = Session(payload, warmup=0)
    (name,) = (spec.name for spec in session.inputs)
    scaled = pictures.astype(np.float32) / np.float32(255)
    found = [session.run({name: one[None]}) for one in scaled]
    return {key: np.concatenate([each[key] for each in found]) for key in found[0]}


def _drawings(data: Characters) -> CheckSet:
    """Every judged drawing at nine places; its score is the share of places it is known at."""
    images, labels = data.images[~data.for_learning], data.labels[~data.for_learning]
    shifted = np.stack([np.roll(images, shift, (2, 3)) for shift in SHIFTS], 1)

    def score(outputs: Outputs) -> Scores:
        named = outputs["logits"].argmax(1).reshape(len(images), len(SHIFTS))
        return np.asarray((named == labels[:, None]).mean(1), np.float64)

    return CheckSet(shifted.reshape(-1, *images.shape[1:]), len(images), score)


def _parts(outputs: Outputs, trays: list[Tray]) -> Scores:
    found = zip(outputs["heat"], outputs["size"], trays, strict=True)
    return np.array([f1(decode(heat, size), truth) for heat, size, truth in found])


def f1(found: Detections, truth: Tray) -> float:
    """Harmonic mean of precision and recall on one tray, which is never empty."""
    middles = (found.boxes_px[:, :2] + found.boxes_px[:, 2:]) / 2
    wanted = (truth.boxes_px[:, :2] + truth.boxes_px[:, 2:]) / 2
    left = list(range(len(wanted)))
    hits = 0
    for middle, kind in zip(middles, found.labels, strict=True):
        far = [
            (float(np.hypot(*(wanted[at] - middle))), at) for at in left if truth.kinds[at] == kind
        ]
        if far and min(far)[0] <= STRIDE:
            left.remove(min(far)[1])
            hits += 1
    return 2 * hits / (len(middles) + len(wanted))


def _masks(outputs: Outputs, trays: list[Tray]) -> Scores:
    named = outputs["classes"].argmax(1)
    return np.array(list(_overlaps(named, trays)))


def _overlaps(named: NDArray[np.int64], trays: list[Tray]) -> Iterator[float]:
    for one, truth in zip(named, trays, strict=True):
        there = [kind for kind in range(1, len(KINDS) + 1) if (truth.labels == kind).any()]
        shares = [
            ((one == kind) & (truth.labels == kind)).sum()
            / ((one == kind) | (truth.labels == kind)).sum()
            for kind in there
        ]
        yield float(np.mean(shares))
