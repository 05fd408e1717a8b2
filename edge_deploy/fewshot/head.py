"""A head that learns on the device: the nearest mean of a class.

Prototypical networks (Snell, Swersky and Zemel, NIPS 2017) on the uint8 features of a quantised
backbone. All arithmetic is integer, so that every target gives the same answer, and learning a
sample is an addition: `edge_deploy/c/runtime/lingnan_prototypes.c` is this file in C.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]

FRACTION = 4  # a mean is kept to a quarter of a step: distances then fit 32 bits
MOST_FEATURES = 4096  # FRACTION * 255 squared, that often, is still below 2 ** 32
MOST_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """nearest: index of the class. Distances are squared, in sixteenths of a squared step; second:
    to the second nearest class, None where there is one class only."""

    nearest: int
    distance: int
    second: int | None


@dataclass(slots=True, eq=False)
class Head:
    """features: length of a feature vector. Classes are numbered as they come."""

    features: int
    sums: list[I64] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    _means: I64 | None = None

    def __post_init__(self) -> None:
        if not 0 < self.features <= MOST_FEATURES:
            raise EdgeError(f"{self.features} features; a head takes 1 to {MOST_FEATURES}")

    def learn(self, sample: U8, label: int) -> None:
        """Add one sample (features,) to class `label`, which is known or the next new one."""
        self._check(sample)
        if not 0 <= label <= len(self.sums):
            raise EdgeError(f"class {label}: there are {len(self.sums)}, the next is their number")
        if label == len(self.sums):
            self.sums.append(np.zeros(self.features, np.int64))
            self.counts.append(0)
        if self.counts[label] == MOST_SAMPLES:
            raise EdgeError(f"class {label} has {MOST_SAMPLES} samples: more would overflow")
        self.sums[label] += sample.astype(np.int64)
        self.counts[label] += 1
        self._means = None

    @property
    def means(self) -> I64:
        """(classes, features), in quarters of a step, rounded half up."""
        if self._means is None:
            counts = np.array(self.counts)[:, None]
            self._means = (2 * FRACTION * np.stack(self.sums) + counts) // (2 * counts)
        return self._means

    def answer(self, sample: U8) -> Answer:
        """Nearest class of one sample (features,), the first of equals.

        EdgeError where nothing was learned.
        """
        self._check(sample)
        if not self.sums:
            raise EdgeError("no class was learned: learn some samples first")
        away = self.means - FRACTION * sample.astype(np.int64)
        distances = np.einsum("cf,cf->c", away, away)
        order = np.argsort(distances, kind="stable")
        second = int(distances[order[1]]) if len(order) > 1 else None
        return Answer(int(order[0]), int(distances[order[0]]), second)

    def _check(self, sample: U8) -> None:
        if sample.dtype != np.uint8 or sample.shape != (self.features,):
            raise EdgeError(
                f"a sample is uint8 ({self.features},), this is {sample.dtype} {sample.shape}"
            )
