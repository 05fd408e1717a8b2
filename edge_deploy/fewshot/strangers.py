"""Who was never learned: the distance beyond which a sample is of no learned class.

Known samples lie about as far from their class's mean as the learned ones lie from it when each is
left out in turn, so a limit is told as a multiple of that (`Head.limit`), and one multiple serves
every set of classes. Which multiple is found on classes that nothing is judged by: the largest that
lets in no more strangers than is wanted. The more classes there are, the more often a stranger
looks like one of them, so each number of classes has its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.episodes import Episode, EpisodeSize, episodes, taught
from edge_deploy.fewshot.head import MOST_FACTOR, ONE

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

FILE = Path(__file__).with_name("strangers.json")
WANTED = 0.04  # of strangers let in where the multiple is found; what is promised is 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Of M asked samples: label, -1 the strange; nearest class; factor: the least that lets the
    sample in, in 256ths."""

    label: I64
    nearest: I64
    factor: I64

    def false_share(self, factor: int) -> float:
        """Share of the strangers that are let in."""
        return float((self.factor[self.label < 0] <= factor).mean())

    def known_share(self, factor: int) -> float:
        """Share of the known samples that are let in and named rightly."""
        right = (self.nearest == self.label) & (self.factor <= factor)
        return float(right[self.label >= 0].mean())


def answers(episode: Episode) -> Answers:
    """Every asked sample of an episode through the head."""
    head = taught(episode)
    unit = head.limit(ONE)
    if unit is None:
        raise EdgeError("strangers are told from two learned samples a class on, not from one")
    distances = head.distances(episode.asked)
    # the least factor with unit * factor // ONE >= distance
    needed = -(-distances.min(1) * ONE // max(unit, 1))
    return Answers(episode.label, distances.argmin(1), needed)


def calibrate(
    sets: Sequence[Sequence[U8]], size: EpisodeSize, count: int, seed: int, wanted: float = WANTED
) -> int:
    """The largest factor, in 256ths, that lets in `wanted` of the strangers, each set of classes
    weighing the same. A stranger comes from the set that the known classes come from."""
    let_in = []
    for classes in sets:
        found = [answers(one) for one in episodes(classes, size, count, seed)]
        let_in.append(np.concatenate([one.factor[one.label < 0] for one in found]))
    least = min(map(len, let_in))
    pooled = np.sort(np.concatenate([each[:least] for each in let_in]))
    return int(np.clip(pooled[int(wanted * len(pooled))] - 1, 0, MOST_FACTOR))


def shipped(ways: int, table: Mapping[str, int] | None = None) -> int:
    """The shipped backbone's factor for `ways` classes, in 256ths: that of the next larger number
    of classes it was found for, or of the largest."""
    known = _table() if table is None else table
    numbers = sorted(map(int, known))
    return known[str(next((number for number in numbers if number >= ways), numbers[-1]))]


def _table() -> dict[str, int]:
    told: dict[str, int] = json.loads(FILE.read_text("utf-8"))["factor_256ths_by_classes"]
    return told
