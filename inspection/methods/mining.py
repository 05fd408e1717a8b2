"""Hard-negative mining (Sung and Poggio 1998): a first perceptron, the scout, says which good cells
look most like defects, and a committee learns from these too.

An image is judged by its worst cells, so what counts is the tail of the good ones, which cells
drawn at random hardly show. The mean of a few perceptrons varies less than each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.methods import perceptron
from inspection.methods.perceptron import F32, Features, Perceptron, Rows

HARDEST = 1 / 20  # of a lesson's spare cells
HARD_SHARE = 0.4  # of the good cells' weight
MEMBERS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What is learned from: rows (R,) of a table of features, the class and weight of each.

    spare: rows, one array a lesson, of good cells among which the hardest are looked for.
    """

    rows: Rows
    is_defect: NDArray[np.bool_]
    weight: F32
    spare: list[Rows]


def fit(x: Features, course: Course, seed: int, epochs: int, decay: float) -> Perceptron:
    """The committee, as `perceptron.fit` does it. x: (N, D) features of all cells."""
    weight, is_defect = course.weight, course.is_defect
    scout = perceptron.fit(x, course.rows, is_defect, weight, seed, epochs, decay)
    hard = np.concatenate([_hardest(x, rows, scout) for rows in course.spare])
    of_hard = HARD_SHARE * float(weight[~is_defect].sum()) / max(1, len(hard))
    weight = np.where(is_defect, weight, weight * np.float32(1 - HARD_SHARE))
    return perceptron.fit(
        x,
        np.concatenate([course.rows, hard]),
        np.append(is_defect, np.zeros(len(hard), bool)),
        np.append(weight, np.full(len(hard), of_hard)).astype(np.float32),
        seed + 1,
        epochs,
        decay,
        MEMBERS,
    )


def _hardest(x: Features, rows: Rows, scout: Perceptron) -> Rows:
    """Of a lesson's good cells, those of the largest logits."""
    if not len(rows):
        return rows
    count = max(1, round(HARDEST * len(rows)))
    return rows[np.argpartition(scout.logits(x.take(rows, 0)), -count)[-count:]]
