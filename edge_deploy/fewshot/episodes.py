"""Many small tasks, each with classes of its own: how few-shot learning is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.head import Head

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EpisodeSize:
    """ways: classes. shots: samples learned of each. asked: further samples asked of each.

    strange: classes that are asked and were never learned.
    """

    ways: int
    shots: int
    asked: int
    strange: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """learned (ways, shots, features); asked (M, features) with label (M,), -1 the strange."""

    learned: U8
    asked: U8
    label: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """of: (episodes,) share named rightly in each episode."""

    of: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Over the episodes."""
        return float(self.of.mean())


def episodes(classes: Sequence[U8], size: EpisodeSize, count: int, seed: int) -> Iterator[Episode]:
    """classes: features (samples, features) of each. EdgeError where there are too few."""
    need, samples = size.ways + size.strange, size.shots + size.asked
    if len(classes) < need or min(map(len, classes)) < samples:
        raise EdgeError(
            f"{len(classes)} classes; an episode takes {need} with {samples} samples each"
        )
    rng = np.random.default_rng(seed)
    for _ in range(count):
        chosen = rng.choice(len(classes), need, replace=False)
        drawn = np.stack(
            [classes[at][rng.permutation(len(classes[at]))[:samples]] for at in chosen]
        )
        label = np.repeat(np.arange(need), size.asked)
        label[label >= size.ways] = -1
        asked = drawn[:, size.shots :].reshape(-1, drawn.shape[-1])
        yield Episode(drawn[: size.ways, : size.shots], asked, label)


def nearest(episode: Episode) -> NDArray[np.int64]:
    """(M,) the class with the nearest mean, by `edge_deploy.fewshot.head`'s arithmetic."""
    return np.asarray(taught(episode).distances(episode.asked).argmin(1), np.int64)


def taught(episode: Episode) -> Head:
    """A head that has learned an episode's samples."""
    head = Head(episode.asked.shape[1])
    for label, samples in enumerate(episode.learned):
        for sample in samples:
            head.learn(sample, label)
    return head


def accuracy(classes: Sequence[U8], size: EpisodeSize, count: int, seed: int) -> Shares:
    """Share of the asked samples of learned classes that are named rightly, by episode."""
    shares = []
    for episode in episodes(classes, size, count, seed):
        right = (nearest(episode) == episode.label)[episode.label >= 0]
        shares.append(right.mean())
    return Shares(np.array(shares))
