"""Hard-negative mining (Sung and Poggio 1998): a first perceptron, the scout, says which good cells
look most like defects, and a committee learns from these too.

An image is judged by its worst cells, so what counts is the tail of the good ones, which cells
drawn at random hardly show. The mean of a few perceptrons varies less than each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspection.methods import perceptron
from inspection.methods.perceptron import F32, Perceptron

HARDEST = 1 / 60  # of a lesson's spare cells
HARD_SHARE = 0.4  # of the good cells' weight
MEMBERS = 3


def fit(
    x: F32,
    is_defect: NDArray[np.bool_],
    weight: F32,
    spare: Sequence[NDArray[np.float16]],
    seed: int,
    epochs: int,
    decay: float,
) -> Perceptron:
    """As `perceptron.fit`. spare: one (M, D) a lesson, good cells to find the hardest among."""
    scout = perceptron.fit(x, is_defect, weight, seed, epochs, decay)
    hard = np.concatenate([_hardest(cells, scout) for cells in spare])
    good = float(weight[~is_defect].sum())
    x = np.concatenate([x, hard])
    weight = np.where(is_defect, weight, weight * np.float32(1 - HARD_SHARE))
    weight = np.append(weight, np.full(len(hard), HARD_SHARE * good / max(1, len(hard))))
    is_defect = np.append(is_defect, np.zeros(len(hard), bool))
    members = range(seed + 1, seed + MEMBERS + 1)
    weight = weight.astype(np.float32)
    return perceptron.joined(perceptron.committee(x, is_defect, weight, members, epochs, decay))


def _hardest(cells: NDArray[np.float16], scout: Perceptron) -> F32:
    """(N, D) of a lesson's good cells, those of the largest logits."""
    single = cells.astype(np.float32)
    if not len(single):
        return single
    count = max(1, round(HARDEST * len(single)))
    return single[np.argpartition(scout.logits(single), -count)[-count:]]
