"""Where a network errs most on the parts it learns from: crops to be shown again, and oftener.

Random crops of a part rarely hold what decides the miss rate, such as a speck beside the edge of a
print: of a network that has learned, nearly every crop teaches nothing (Shrivastava et al. 2016,
CVPR, online hard example mining).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from inspection.train.fcn_net import STRIDE, Fcn
from inspection.train.fcn_pool import Batch, Frame, Place, Sense, cell_owners, crop, stacked
from inspection.train.fcn_sensor import sensed

DEFECTS, GOOD = 0.06, 0.4  # shares kept: of all defects, and of the frames' strongest good cells
SHOWN = 0.5  # share of the crops that lie about such places


@dataclass(frozen=True, slots=True)
class Weak:
    """A defect or a good cell: the frame's number, its place, and how wrong the network is there,
    in logits (higher is worse)."""

    frame: int
    place: Place
    error: float


def hardest(
    net: Fcn, frames: list[Frame], rng: np.random.Generator, sense: Sense = sensed
) -> list[Weak]:
    """The weakest defects of all frames and the strongest good cells."""
    defects: list[Weak] = []
    good: list[Weak] = []
    for number, frame in enumerate(frames):
        image = sense(frame.radiance.astype(np.float32), rng)
        with torch.no_grad():
            logits = net(torch.from_numpy(image)[None, None])[0, 0].numpy()
        owners = cell_owners(frame.labels)
        defects += [
            Weak(number, place, -peak)
            for which in np.unique(owners[owners > 0])
            for place, peak in (_highest(logits, owners == which),)
        ]
        place, peak = _highest(logits, owners == 0)
        good.append(Weak(number, place, peak))
    return _worst(defects, DEFECTS) + _worst(good, GOOD)


def _highest(logits: NDArray[np.float32], cells: NDArray[np.bool_]) -> tuple[Place, float]:
    masked = np.where(cells, logits, -np.inf)
    row, column = divmod(int(masked.argmax()), logits.shape[1])
    return (row * STRIDE, column * STRIDE), float(masked[row, column])


def _worst(found: list[Weak], share: float) -> list[Weak]:
    return sorted(found, key=lambda weak: -weak.error)[: max(1, int(share * len(found)))]


def hard_batch(
    frames: list[Frame],
    weak: list[Weak],
    rng: np.random.Generator,
    n: int,
    side: int,
    sense: Sense = sensed,
) -> Batch:
    """n crops, each through its own sensor: about a weak place or, as often, anywhere."""
    made = []
    for _ in range(n):
        if rng.random() < SHOWN:
            one = weak[int(rng.integers(len(weak)))]
            made.append(crop(frames[one.frame], rng, side, one.place, sense))
        else:
            any_one = frames[int(rng.integers(len(frames)))]
            made.append(crop(any_one, rng, side, sense=sense))
    return stacked(made)
