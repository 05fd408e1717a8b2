"""What a job remembers, so that it can learn from corrections: defects that it knows, how high good
parts score, and harmless variation that an operator showed it.

A find is let pass where it lies within reach of a corrected one. The reach ends half way to the
nearest known defect, as in the nearest-neighbour rule (Cover and Hart 1967), and never exceeds how
far known defects lie from one another: what is farther is not known to be the same thing. No known
defect can so be let pass, and the scores of all else stay what they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from inspection.methods.base import State

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

MOST = 2000  # known defects, and good scores, that a job holds
SHARE = 0.5  # of the way to the nearest known defect
_ARRAYS = {"defects": 2, "scale": 1, "good_scores": 1, "harmless": 2, "reach": 1}
_PREFIX = "memory_"


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """defects: (N, D) features of regions on known defects. scale: (D,) their deviations.
    good_scores: (G,) of good samples by models that had not seen them, -inf where nothing was
    found. harmless: (M, D) regions that an operator called good; reach: (M,) around each, in
    scaled distance."""

    defects: F32
    scale: F32
    good_scores: F32
    harmless: F32
    reach: F32

    def __post_init__(self) -> None:
        wide = len(self.scale)
        fits = self.defects.shape[1:] == self.harmless.shape[1:] == (wide,)
        if not fits or len(self.reach) != len(self.harmless) or not (self.scale > 0).all():
            raise ValueError("the parts of what the job remembers do not fit each other")

    def passes(self, features: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """(N, D) -> (N,) whether each region is variation that was shown to be harmless."""
        if not len(self.harmless) or not len(features):
            return np.zeros(len(features), bool)
        return np.asarray((self.distances(features, self.harmless) <= self.reach).any(1))

    def distances(self, some: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]]) -> F64:
        """(N, D), (M, D) -> (N, M), per feature in deviations of the known defects."""
        scaled = (np.asarray(each, np.float64) / self.scale for each in (some, others))
        return np.asarray(cdist(*scaled) / np.sqrt(len(self.scale)))

    def spread(self) -> float:
        """How far a known defect lies from the next one, the median."""
        if len(self.defects) < 2:
            return 0.0
        apart = self.distances(self.defects, self.defects)
        np.fill_diagonal(apart, np.inf)
        return float(np.median(apart.min(1)))

    def with_harmless(self, shown: F32, defects: F32) -> Memory:
        """The same with more known defects, and with more regions that are none: the reach of all
        of them is found anew."""
        known = np.concatenate([self.defects, defects]).astype(np.float32)
        harmless = np.concatenate([self.harmless, shown]).astype(np.float32)
        nearest = self.distances(harmless, known).min(1, initial=np.inf)
        reach = np.minimum(SHARE * nearest, self.spread()).astype(np.float32)
        return replace(self, defects=known, harmless=harmless, reach=reach)

    def rejected(self, threshold: float) -> float:
        """Share of the good samples at or above a threshold; 0 where none was seen."""
        return float((self.good_scores >= threshold).mean()) if len(self.good_scores) else 0.0

    def to_state(self) -> dict[str, F32]:
        """As part of a job's state."""
        return {_PREFIX + name: getattr(self, name) for name in _ARRAYS}

    @classmethod
    def of_state(cls, state: State) -> Self | None:
        """From a job's state; None of a job that was taught before jobs remembered. ValueError
        where it is broken."""
        if not any(name.startswith(_PREFIX) for name in state):
            return None
        return cls(**{name: _array(state, name, ndim) for name, ndim in _ARRAYS.items()})


def remembered(defects: NDArray[np.floating[Any]], good_scores: NDArray[Any]) -> Memory:
    """What a job remembers once it is taught. defects: (N, D); some of them where they are many."""
    kept = _some(np.asarray(defects, np.float32))
    wide = kept.shape[1]
    scale = kept.std(0) + np.float32(1e-3) if len(kept) > 1 else np.ones(wide, np.float32)
    scores = np.sort(np.asarray(good_scores, np.float32))
    none = np.zeros((0, wide), np.float32)
    return Memory(kept, scale.astype(np.float32), _some(scores), none, np.zeros(0, np.float32))


def _some(rows: F32) -> F32:
    """Evenly picked where there are over MOST."""
    if len(rows) <= MOST:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, MOST).round().astype(int)], np.float32)


def _array(state: State, name: str, ndim: int) -> F32:
    value = state.get(_PREFIX + name)
    if not isinstance(value, np.ndarray) or value.dtype != np.float32 or value.ndim != ndim:
        raise ValueError(f"the job holds no float32 array {_PREFIX + name!r}")
    if len(value) > 1_000_000 or np.isnan(value).any():
        raise ValueError(f"the job's {_PREFIX + name!r} is no such table")
    return value
