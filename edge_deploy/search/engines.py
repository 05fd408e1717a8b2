"""Three ways to spend a budget of trained evaluations: evolution, Bayesian search, chance.

Costs are known beforehand, errors cost an evaluation each; every engine gets the same candidates
and as many evaluations, and none is asked for twice. Chance is what the other two are judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_deploy.search.front import front, hypervolume
from edge_deploy.search.space import DEPTHS, KINDS, WIDTHS

F64 = NDArray[np.float64]
Evaluate = Callable[[int], float]
Name = Literal["evolution", "bayes", "random"]

FIRST = 10  # evaluations before there is anything to go by
CROSS = 0.5  # share of children of two parents
LENGTH, NOISE = 0.6, 1e-3  # of the Gaussian process, in coordinates and in variances
POOL = 128  # candidates that the Bayesian search weighs a step
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


class Candidates:
    """places (N, genes) from 0 to 1; costs (N,), 0 to 1 of what they can be; worst error that
    counts."""

    def __init__(self, places: F64, costs: F64, worst: float) -> None:
        self.places, self.costs, self.worst = places, costs, worst
        self._at = {tuple(place): at for at, place in enumerate(np.round(places, 6).tolist())}

    def find(self, place: F64) -> int | None:
        """The candidate at a place, None where there is none within the limits."""
        return self._at.get(tuple(np.round(place, 6).tolist()))

    def points(self, errors: dict[int, float]) -> F64:
        """(N, 2) error and cost of what was evaluated."""
        return np.array([(error, self.costs[at]) for at, error in errors.items()])

    def area(self, errors: dict[int, float]) -> float:
        """Hypervolume of what was evaluated."""
        return hypervolume(self.points(errors), (self.worst, 1.0))


def search(
    engine: Name, candidates: Candidates, evaluate: Evaluate, budget: int, seed: int
) -> dict[int, float]:
    """Errors by candidate, in the order in which they were asked for."""
    rng = np.random.default_rng(seed)
    count = len(candidates.places)
    order = rng.permutation(count)[: min(FIRST, budget, count)].tolist()
    errors = {at: evaluate(at) for at in order}
    choose = {"evolution": _child, "bayes": _promising, "random": _any}[engine]
    while len(errors) < min(budget, count):
        at = choose(candidates, errors, rng)
        errors[at] = evaluate(at)
    return errors


def _any(candidates: Candidates, errors: dict[int, float], rng: np.random.Generator) -> int:
    left = np.setdiff1d(np.arange(len(candidates.places)), list(errors))
    return int(rng.choice(left))


def _child(candidates: Candidates, errors: dict[int, float], rng: np.random.Generator) -> int:
    """Of parents on the front; a gene or two changed, until it is new and within the limits."""
    known = list(errors)
    best = [known[at] for at in front(candidates.points(errors))]
    for _ in range(200):
        one, other = (candidates.places[best[rng.integers(len(best))]] for _ in range(2))
        mixed = np.where(rng.random(len(one)) < 0.5, one, other) if rng.random() < CROSS else one
        child = candidates.find(_mutated(mixed, rng))
        if child is not None and child not in errors:
            return child
    return _any(candidates, errors, rng)


def _mutated(place: F64, rng: np.random.Generator) -> F64:
    """One or two genes drawn anew."""
    moved = place.copy()
    sizes = [n for widths in WIDTHS for n in (len(widths), len(DEPTHS), len(KINDS))]
    for gene in rng.choice(len(place), int(rng.integers(1, 3)), replace=False):
        moved[gene] = rng.integers(sizes[gene]) / (sizes[gene] - 1)
    return moved


def _promising(candidates: Candidates, errors: dict[int, float], rng: np.random.Generator) -> int:
    """The greatest expected gain in hypervolume (Emmerich 2006) under a Gaussian process of the
    error; the cost is known."""
    left = np.setdiff1d(np.arange(len(candidates.places)), list(errors))
    pool = rng.choice(left, min(POOL, len(left)), replace=False)
    mean, spread = _guess(candidates.places, errors, pool)
    known, area = candidates.points(errors), candidates.area(errors)
    shown = known[front(known)]
    gains = [
        _gain(shown, area, (m, s), candidates.costs[at], candidates.worst)
        for at, m, s in zip(pool, mean, spread, strict=True)
    ]
    return int(pool[int(np.argmax(gains))])


def _gain(shown: F64, area: float, guess: tuple[float, float], price: float, worst: float) -> float:
    """Expected over the error's normal distribution, by Gauss-Hermite quadrature."""
    grown = [
        hypervolume(np.vstack([shown, (max(guess[0] + guess[1] * node, 0.0), price)]), (worst, 1.0))
        for node in _NODES
    ]
    return float(np.dot(_WEIGHTS, grown) / _WEIGHTS.sum() - area)


def _guess(places: F64, errors: dict[int, float], pool: NDArray[np.int64]) -> tuple[F64, F64]:
    """Mean and spread of the errors of `pool` by a Gaussian process with a squared kernel."""
    known = np.array(list(errors))
    values = np.array(list(errors.values()))
    middle, scale = values.mean(), max(float(values.std()), 1e-6)
    inner = _alike(places[known], places[known]) + NOISE * np.eye(len(known))
    across = _alike(places[pool], places[known])
    solved = np.linalg.solve(inner, across.T)
    mean = middle + scale * (solved.T @ ((values - middle) / scale))
    variance = np.maximum(1 - (across * solved.T).sum(1), 1e-9)
    return mean, scale * np.sqrt(variance)


def _alike(one: F64, other: F64) -> F64:
    away = ((one[:, None] - other[None]) ** 2).sum(-1)
    return np.asarray(np.exp(-away / (2 * LENGTH**2 * one.shape[1] / 3)), np.float64)


def found(candidates: Candidates, errors: dict[int, float]) -> Sequence[int]:
    """The evaluated candidates that are on the front, by rising error."""
    known = list(errors)
    return [known[at] for at in front(candidates.points(errors)).tolist()]
