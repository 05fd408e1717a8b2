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
ONE = 256  # of a factor
MOST_FACTOR = 1 << 16


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
    squares: list[int] = field(default_factory=list)
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
            self.squares.append(0)
            self.counts.append(0)
        if self.counts[label] == MOST_SAMPLES:
            raise EdgeError(f"class {label} has {MOST_SAMPLES} samples: more would overflow")
        wide = sample.astype(np.int64)
        self.sums[label] += wide
        self.squares[label] += int(wide @ wide)
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
        distances = self.distances(sample[None])[0]
        order = np.argsort(distances, kind="stable")
        second = int(distances[order[1]]) if len(order) > 1 else None
        return Answer(int(order[0]), int(distances[order[0]]), second)

    def distances(self, samples: U8) -> I64:
        """(M, classes) of (M, features): squared, in sixteenths of a squared step. EdgeError where
        nothing was learned."""
        if not self.sums:
            raise EdgeError("no class was learned: learn some samples first")
        means = self.means.astype(np.float64)
        wide = samples.astype(np.float64) * FRACTION
        # all whole numbers below 2 ** 53, so that a float product is exact and quick
        squares = (wide**2).sum(1)[:, None] + (means**2).sum(1)
        return np.asarray(squares - 2 * (wide @ means.T), np.int64)

    def limit(self, factor: int) -> int | None:
        """The distance beyond which a sample is a stranger: factor / 256 times the learned
        samples' mean distance from the mean of their class without them.

        Leaving a sample out needs no sample: of n with sum s and sum of squares q, those distances
        sum to (n / (n - 1))^2 (q - |s|^2 / n). None where no class has two samples.
        """
        total = learned = 0
        for sums, square, n in zip(self.sums, self.squares, self.counts, strict=True):
            if n < 2:
                continue
            scatter = square - int(sums @ sums) // n
            total += FRACTION**2 * scatter * n // (n - 1) * n // (n - 1)
            learned += n
        return total // learned * factor // ONE if learned else None

    def _check(self, sample: U8) -> None:
        if sample.dtype != np.uint8 or sample.shape != (self.features,):
            raise EdgeError(
                f"a sample is uint8 ({self.features},), this is {sample.dtype} {sample.shape}"
            )
