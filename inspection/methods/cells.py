"""A table of cells that a part is learned from, filled picture by picture."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F16 = NDArray[np.float16]
Rows = NDArray[np.int64]


class Role(IntEnum):
    """What a cell is for. SPARE: good, learned from only where it looks like a defect. COARSE:
    good, averaged over 2 x 2 cells (`normal.halved`)."""

    GOOD = 0
    DEFECT = 1
    SPARE = 2
    COARSE = 3


FACTS = np.dtype([("lesson", np.int32), ("role", np.int8), ("is_made", np.bool_)])


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """features: (N, D), half precision, for there are many. facts: (N,) of `FACTS`: the number of
    the lesson that a cell is of, its `Role`, and whether the picture's defects are synthetic."""

    features: F16
    facts: NDArray[np.void]

    def rows(
        self, roles: Collection[Role], lessons: Collection[int], is_made: bool | None = None
    ) -> Rows:
        """Of these lessons, in the order they were drawn; made or not where None."""
        fits = np.isin(self.facts["role"], list(roles))
        fits &= np.isin(self.facts["lesson"], list(lessons))
        if is_made is not None:
            fits &= self.facts["is_made"] == is_made
        return np.flatnonzero(fits)

    def by_lesson(self, rows: Rows) -> list[Rows]:
        """Ordered rows, one array a lesson."""
        return np.split(rows, np.flatnonzero(np.diff(self.facts["lesson"][rows])) + 1)

    def weighed(self, rows: Rows) -> tuple[NDArray[np.bool_], F32]:
        """Of good and defective cells, classes and weights of mean 1: both classes weigh the same,
        within one every lesson."""
        is_defect = self.facts["role"][rows] == Role.DEFECT
        group = 2 * self.facts["lesson"][rows].astype(np.int64) + is_defect
        weight = 1 / np.bincount(group)[group] if len(rows) else np.empty(0)
        for side in (is_defect, ~is_defect):
            weight[side] *= 0.5 * len(weight) / max(weight[side].sum(), 1e-9)
        return is_defect, weight.astype(np.float32)


class Filling:
    """A table of at most `most` cells; memory that was never written to takes none."""

    def __init__(self, most: int, depth: int) -> None:
        self._features = np.empty((most, depth), np.float16)
        self._facts = np.empty(most, FACTS)
        self._used = 0

    def add(self, features: F32, lesson: int, role: Role, is_made: bool = False) -> None:
        """features: (M, D)."""
        new = slice(self._used, self._used + len(features))
        self._features[new] = features
        self._facts[new] = (lesson, role, is_made)
        self._used = new.stop

    def cells(self) -> Cells:
        """What was added."""
        return Cells(self._features[: self._used], self._facts[: self._used])
