"""A classifier whose structure follows its data: as many prototypes a class as are worth it.

Each increment joins its class's nearest unit. Where a class then answers worse on its validation
samples than it should (validation stalls), the increment's samples are made a unit of their own
instead, and that is kept if validation gains. Afterwards units of one class are merged wherever
validation loses nothing. A merge adds sums and counts, so nothing of what was learned is lost by
it; the head's integer arithmetic (`edge_deploy.fewshot.head`) stays, a unit being a class there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.head import FRACTION, MOST_FEATURES, MOST_SAMPLES, Head

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]

EVERY = 4  # of a class's samples one is kept to validate by
KEPT = 12  # validation samples of a class at the most: what memory is spent beside the units
ENOUGH = 0.95  # of a class's validation samples named rightly: it needs no further unit


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A prototype: class, sum of its samples (features,), their number."""

    owner: int
    sums: I64
    count: int

    def joined(self, other: Unit) -> Unit:
        """Both as one."""
        return Unit(self.owner, self.sums + other.sums, self.count + other.count)

    @property
    def mean(self) -> I64:
        """In quarters of a step, rounded half up, as in the head."""
        return (2 * FRACTION * self.sums + self.count) // (2 * self.count)


@dataclass(slots=True, eq=False)
class Growing:
    """features: length of a sample. Classes are any whole numbers."""

    features: int
    units: list[Unit] = field(default_factory=list)
    _kept: dict[int, list[U8]] = field(default_factory=dict)
    _seen: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.features <= MOST_FEATURES:
            raise EdgeError(f"{self.features} features; a head takes 1 to {MOST_FEATURES}")

    def answer(self, samples: U8) -> I64:
        """(N,) classes of (N, features). EdgeError where nothing was learned."""
        return _named(self.units, samples)

    def learn(self, samples: U8, labels: I64, rng: np.random.Generator) -> None:
        """One increment: samples (N, features), labels (N,). Nothing of it is kept but the units
        and a few samples to validate by."""
        if samples.dtype != np.uint8 or samples.shape != (len(labels), self.features):
            raise EdgeError(
                f"an increment is uint8 ({len(labels)}, {self.features}), "
                f"this is {samples.dtype} {samples.shape}"
            )
        for label in np.unique(labels).tolist():
            own = samples[labels == label]
            known = label in self._kept
            is_kept = np.arange(len(own)) % EVERY == EVERY - 1
            self._keep(label, own[is_kept], rng)
            self._take(label, own[~is_kept] if (~is_kept).any() else own, known)
        self._shrink()

    def head(self) -> tuple[Head, tuple[int, ...]]:
        """A head with a class for each unit, and the class each stands for."""
        head = Head(self.features)
        head.sums = [unit.sums for unit in self.units]
        head.counts = [unit.count for unit in self.units]
        head.squares = [0] * len(self.units)
        return head, tuple(unit.owner for unit in self.units)

    def _take(self, label: int, samples: U8, known: bool) -> None:
        fresh = Unit(label, samples.astype(np.int64).sum(0), len(samples))
        if fresh.count > MOST_SAMPLES:
            raise EdgeError(f"{fresh.count} samples of class {label} at once; at most 65536")
        apart = [*self.units, fresh]
        if not known:
            self.units = apart
            return
        own = [at for at, unit in enumerate(self.units) if unit.owner == label]
        near = min(own, key=lambda at: _away(self.units[at], fresh))
        joint = list(self.units)
        joint[near] = self.units[near].joined(fresh)
        fits = joint[near].count <= MOST_SAMPLES
        stalls = self._share(joint, label) < ENOUGH
        gains = stalls and self._right(apart) > self._right(joint)
        self.units = apart if gains or not fits else joint

    def _shrink(self) -> None:
        """Merge the nearest two units of a class as long as validation loses nothing."""
        for label in sorted({unit.owner for unit in self.units}):
            while True:
                own = [at for at, unit in enumerate(self.units) if unit.owner == label]
                pairs = [(a, b) for a in own for b in own if a < b]
                if not pairs:
                    break
                a, b = min(pairs, key=lambda pair: _away(*(self.units[at] for at in pair)))
                merged = [unit for at, unit in enumerate(self.units) if at != b]
                merged[a] = self.units[a].joined(self.units[b])
                is_worse = self._right(merged) < self._right(self.units)
                if merged[a].count > MOST_SAMPLES or is_worse:
                    break
                self.units = merged

    def _keep(self, label: int, samples: U8, rng: np.random.Generator) -> None:
        """Reservoir sampling (Vitter 1985): every sample so far is as likely to be among them."""
        kept = self._kept.setdefault(label, [])
        for sample in samples:
            self._seen[label] = seen = self._seen.get(label, 0) + 1
            if len(kept) < KEPT:
                kept.append(sample)
            elif (place := int(rng.integers(seen))) < KEPT:
                kept[place] = sample

    def _share(self, units: list[Unit], label: int) -> float:
        """Of a class's validation samples, those named rightly; 1 where there are none."""
        kept = self._kept[label]
        return float((_named(units, np.stack(kept)) == label).mean()) if kept else 1.0

    def _right(self, units: list[Unit]) -> int:
        """Of every class that has a unit, the validation samples named rightly."""
        owners = {unit.owner for unit in units}
        kept = [(label, one) for label in owners for one in self._kept[label]]
        if not kept:
            return 0
        found = _named(units, np.stack([one for _, one in kept]))
        return int((found == np.array([label for label, _ in kept])).sum())


def _away(one: Unit, other: Unit) -> int:
    between = one.mean - other.mean
    return int(between @ between)


def _named(units: list[Unit], samples: U8) -> I64:
    """The class of the nearest unit, the first of equals. Exact: all is below 2 ** 53."""
    if not units:
        raise EdgeError("no class was learned: learn some samples first")
    means = np.stack([unit.mean for unit in units]).astype(np.float64)
    wide = samples.astype(np.float64) * FRACTION
    away = (means**2).sum(1) - 2 * (wide @ means.T)  # the sample's own square is the same for all
    owners: I64 = np.array([unit.owner for unit in units], np.int64)
    return np.asarray(owners[away.argmin(1)], np.int64)
