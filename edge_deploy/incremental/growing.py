"""A classifier whose structure follows its data: as many prototypes a class as are worth it.

An increment joins its class's nearest unit unless it lies further from it than chance explains (the
between-group over the within-group mean square, Fisher 1925) and validation answers by a larger
margin with a unit of its own: then the structure grows. Units of one class that more data bring
within chance are merged again. A merge adds sums and counts, so nothing of what was learned is lost
by it. With a `patience`, a unit that no sample came to for that many increments is given up, as
when an appearance is no longer made or a class was withdrawn. The head's integer arithmetic
(`edge_deploy.fewshot.head`) stays, a unit being a class there.

Validation is asked by what margin samples are named, not how many rightly: of a dozen samples a
class that number hardly ever moves, and units that others will need later would not be kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.head import FRACTION, MOST_FEATURES, MOST_SAMPLES, Head

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

EVERY = 4  # of a class's samples one is kept to validate by
KEPT = 12  # validation samples of a class at the most: what memory is spent beside the units
APART = 3.0  # times what chance explains, from which two units are different appearances


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A prototype: class, sum of its samples (features,), their number, sum of their squares, and
    the increment that last brought some."""

    owner: int
    sums: I64
    count: int
    squares: int
    last: int = 0

    def joined(self, other: Unit) -> Unit:
        """Both as one."""
        return Unit(
            self.owner,
            self.sums + other.sums,
            self.count + other.count,
            self.squares + other.squares,
            max(self.last, other.last),
        )

    @property
    def mean(self) -> I64:
        """In quarters of a step, rounded half up, as in the head."""
        return (2 * FRACTION * self.sums + self.count) // (2 * self.count)

    @property
    def scatter(self) -> float:
        """Sum of the squared distances of its samples from their mean."""
        return self.squares - int(self.sums @ self.sums) / self.count


@dataclass(slots=True, eq=False)
class Growing:
    """features: length of a sample. Classes are any whole numbers. patience: increments without a
    sample after which a unit is given up, None to keep all."""

    features: int
    units: list[Unit] = field(default_factory=list)
    patience: int | None = None
    _turn: int = 0
    _kept: dict[int, list[U8]] = field(default_factory=dict)
    _seen: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.features <= MOST_FEATURES:
            raise EdgeError(f"{self.features} features; a head takes 1 to {MOST_FEATURES}")
        if self.patience is not None and self.patience < 1:
            raise EdgeError(f"a patience of {self.patience} increments: at least one, or None")

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
        self._turn += 1
        for label in np.unique(labels).tolist():
            own = samples[labels == label]
            known = label in self._kept
            is_kept = np.arange(len(own)) % EVERY == EVERY - 1
            self._keep(label, own[is_kept], rng)
            self._take(label, own[~is_kept] if (~is_kept).any() else own, known)
        self._shrink()
        if self.patience is not None:
            self._give_up(self._turn - self.patience)

    def head(self) -> tuple[Head, tuple[int, ...]]:
        """A head with a class for each unit, and the class each stands for."""
        head = Head(self.features)
        head.sums = [unit.sums for unit in self.units]
        head.counts = [unit.count for unit in self.units]
        head.squares = [unit.squares for unit in self.units]
        return head, tuple(unit.owner for unit in self.units)

    def _take(self, label: int, samples: U8, known: bool) -> None:
        wide = samples.astype(np.int64)
        fresh = Unit(label, wide.sum(0), len(wide), int((wide**2).sum()), self._turn)
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
        grows = _is_apart(self.units[near], fresh) and self._margin(apart) > self._margin(joint)
        self.units = apart if grows or not fits else joint

    def _shrink(self) -> None:
        """Merge the nearest two units of a class as long as chance explains their distance."""
        for label in sorted({unit.owner for unit in self.units}):
            while True:
                own = [at for at, unit in enumerate(self.units) if unit.owner == label]
                pairs = [(a, b) for a in own for b in own if a < b]
                if not pairs:
                    break
                a, b = min(pairs, key=lambda pair: _away(*(self.units[at] for at in pair)))
                joined = self.units[a].joined(self.units[b])
                if joined.count > MOST_SAMPLES or _is_apart(self.units[a], self.units[b]):
                    break
                self.units[a] = joined
                del self.units[b]

    def _give_up(self, since: int) -> None:
        """Drop the units that nothing came to from increment `since` on, and the validation samples
        that lie nearest to them."""
        for label in {unit.owner for unit in self.units if unit.last < since}:
            own = [unit for unit in self.units if unit.owner == label]
            is_held = np.array([unit.last >= since for unit in own])
            kept = self._kept[label]
            stay = is_held[_distances(own, np.stack(kept)).argmin(1)] if kept else []
            left = [one for one, stays in zip(kept, stay, strict=True) if stays]
            if is_held.any():
                self._kept[label] = left
                self._seen[label] = self._seen.get(label, 0) * len(left) // max(len(kept), 1)
            else:
                self._kept.pop(label)
                self._seen.pop(label, None)
        self.units = [unit for unit in self.units if unit.last >= since]

    def _keep(self, label: int, samples: U8, rng: np.random.Generator) -> None:
        """Reservoir sampling (Vitter 1985): every sample so far is as likely to be among them."""
        kept = self._kept.setdefault(label, [])
        for sample in samples:
            self._seen[label] = seen = self._seen.get(label, 0) + 1
            if len(kept) < KEPT:
                kept.append(sample)
            elif (place := int(rng.integers(seen))) < KEPT:
                kept[place] = sample

    def _margin(self, units: list[Unit]) -> float:
        """Mean over the validation samples of every class that has a unit: how much further the
        nearest other class is than its own, over the sum of both distances."""
        kept = [
            (label, one) for label in {unit.owner for unit in units} for one in self._kept[label]
        ]
        if not kept:
            return 0.0
        away = _distances(units, np.stack([one for _, one in kept]))
        own = np.array([label for label, _ in kept])[:, None] == [unit.owner for unit in units]
        near = np.where(own, away, np.inf).min(1)
        other = np.where(own, np.inf, away).min(1)
        if not np.isfinite(other).all():
            return 1.0  # of one class alone
        return float(((other - near) / np.maximum(other + near, 1.0)).mean())


def _is_apart(one: Unit, other: Unit) -> bool:
    """Whether their means differ by more than their samples' scatter explains; two single samples
    tell nothing of that."""
    n, m = one.count, other.count
    if n + m < 3:
        return False
    between = one.sums / n - other.sums / m
    chance = (one.scatter + other.scatter) / (n + m - 2) * (1 / n + 1 / m)
    return float(between @ between) > APART * chance


def _away(one: Unit, other: Unit) -> int:
    between = one.mean - other.mean
    return int(between @ between)


def _named(units: list[Unit], samples: U8) -> I64:
    """The class of the nearest unit, the first of equals."""
    owners: I64 = np.array([unit.owner for unit in units], np.int64)
    return np.asarray(owners[_distances(units, samples).argmin(1)], np.int64)


def _distances(units: list[Unit], samples: U8) -> F64:
    """(N, units), squared, as in the head. Exact: all is below 2 ** 53."""
    if not units:
        raise EdgeError("no class was learned: learn some samples first")
    means = np.stack([unit.mean for unit in units]).astype(np.float64)
    wide = samples.astype(np.float64) * FRACTION
    squares = (wide**2).sum(1)[:, None] + (means**2).sum(1)
    return np.asarray(squares - 2 * (wide @ means.T), np.float64)
