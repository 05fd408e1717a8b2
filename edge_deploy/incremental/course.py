"""A course of increments: what comes when, and how well everything so far is known after each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Increment:
    """samples (N, features) with labels (N,) to learn from; asked and wanted of the same kind, by
    other people."""

    samples: U8
    labels: I64
    asked: U8
    wanted: I64


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """shares: (increments, increments), of increment j named rightly after increment i, NaN before
    it came."""

    shares: F64

    @property
    def final(self) -> float:
        """Mean over all increments after the last."""
        return float(self.shares[-1].mean())

    @property
    def forgetting(self) -> float:
        """Mean fall of an increment from its best to the end (Chaudhry et al. 2018)."""
        before = self.shares[:-1, :-1]
        return float((np.nanmax(before, 0) - self.shares[-1, :-1]).mean())

    @property
    def after_each(self) -> F64:
        """Mean over what came so far, after each increment."""
        return np.asarray(np.nanmean(self.shares, 1), np.float64)


def marks(
    course: Sequence[Increment],
    learn: Callable[[Increment], None],
    answer: Callable[[U8], I64],
) -> Marks:
    """Learn the increments in turn and ask all that came so far after each."""
    shares = np.full((len(course), len(course)), np.nan)
    for at, increment in enumerate(course):
        learn(increment)
        for before, told in enumerate(course[: at + 1]):
            shares[at, before] = (answer(told.asked) == told.wanted).mean()
    return Marks(shares)


def drawn(
    plain: Sequence[U8], changed: Sequence[U8], each: int, later: int, seed: int
) -> list[Increment]:
    """By class, features (samples, features) of its first appearance and of a second one.

    `each` new classes an increment; `later` increments on, their second appearance comes. A quarter
    of the samples, the same people's in both appearances, is asked and never learned.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(plain))
    people = rng.permutation(len(plain[0]))
    asked, learned = np.split(people, [len(people) // 4])
    groups = [order[at : at + each] for at in range(0, len(order), each)]
    course = []
    for at in range(len(groups) + later):
        parts = [(plain, groups[at])] if at < len(groups) else []
        parts += [(changed, groups[at - later])] if at >= later else []
        course.append(
            Increment(*_gathered(parts, learned, rng), *_gathered(parts, asked, rng)),
        )
    return course


def replaced(
    plain: Sequence[U8], changed: Sequence[U8], each: int, stays: int, seed: int
) -> list[Increment]:
    """Classes whose appearance is replaced and which are withdrawn in the end.

    `each` new classes an increment; `stays` increments long their first appearance comes, by other
    people each time, and as long their second one in its place. What is asked is what is there at
    that increment. It ends `stays` increments after the last classes came.
    """
    rng = np.random.default_rng(seed)
    order, people = rng.permutation(len(plain)), rng.permutation(len(plain[0]))
    asked, learned = np.split(people, [len(people) // 4])
    turns = np.array_split(learned, stays)
    groups = [order[at : at + each] for at in range(0, len(order), each)]
    course = []
    for at in range(len(groups) + stays):
        ages = [(at - came, group) for came, group in enumerate(groups)]
        there = [(age, group) for age, group in ages if 0 <= age < 2 * stays]
        fresh = [
            _gathered([((plain, changed)[age // stays], group)], turns[age % stays], rng)
            for age, group in there
        ]
        known = [((plain, changed)[age // stays], group) for age, group in there]
        samples, labels = (np.concatenate(parts) for parts in zip(*fresh, strict=True))
        course.append(Increment(samples, labels, *_gathered(known, asked, rng)))
    return course


def _gathered(
    parts: Sequence[tuple[Sequence[U8], I64]], people: I64, rng: np.random.Generator
) -> tuple[U8, I64]:
    samples = [source[label][people] for source, labels in parts for label in labels]
    names = [label for _, labels in parts for label in labels]
    shuffled = rng.permutation(len(samples) * len(people))
    return np.concatenate(samples)[shuffled], np.repeat(names, len(people))[shuffled]
