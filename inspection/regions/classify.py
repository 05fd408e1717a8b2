"""Which kind a region is: multinomial logistic regression over the features and their squares.

Convex, with a normal prior on the weights, so that teaching again gives the same coefficients; they
lie in kinds.json, where each can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

F64 = NDArray[np.float64]

PRIOR = 1.0  # precision of the normal prior on standardised weights
PROBABLE = 0.6  # a kind less probable than this is none: the region is "other"
OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """names: (K,). mean, scale: (E,) of the expanded features. weights: (K, E). bias: (K,)."""

    names: tuple[str, ...]
    mean: F64
    scale: F64
    weights: F64
    bias: F64

    def chances(self, features: F64) -> F64:
        """(N, D) -> (N, K) probabilities."""
        z = np.clip((expand(features) - self.mean) / self.scale, -6, 6)
        return np.asarray(softmax(z @ self.weights.T + self.bias, axis=1))

    def name(self, chances: F64) -> str:
        """The kind of one region from its (K,) probabilities."""
        best = int(chances.argmax())
        return self.names[best] if chances[best] >= PROBABLE else OTHER


def expand(features: F64) -> F64:
    """(N, D) -> (N, 2 D): the features and their squares."""
    return np.concatenate([features, features**2], axis=1)


def fit(
    features: F64, kinds: Sequence[str], weight: F64 | None = None, prior: float = PRIOR
) -> Kinds:
    """Maximum a posteriori. features: (N, D). weight: (N,) of each sample; kinds weigh the same
    without it. ValueError with fewer than two kinds."""
    names = tuple(sorted(set(kinds)))
    if len(names) < 2:
        raise ValueError("needs regions of at least two kinds")
    truth = np.array([names.index(kind) for kind in kinds])
    if weight is None:
        weight = len(truth) / (len(names) * np.bincount(truth))[truth]
    wide = expand(features)
    mean, scale = wide.mean(0), wide.std(0) + 1e-6
    z = np.column_stack([np.clip((wide - mean) / scale, -6, 6), np.ones(len(wide))])
    hot = np.eye(len(names))[truth]

    def loss(flat: F64) -> tuple[float, F64]:
        w = flat.reshape(len(names), -1)
        log_p = log_softmax(z @ w.T, axis=1)
        slope = ((np.exp(log_p) - hot) * weight[:, None]).T @ z
        slope[:, :-1] += prior * w[:, :-1]
        value = -(log_p[np.arange(len(truth)), truth] * weight).sum()
        return float(value + prior / 2 * (w[:, :-1] ** 2).sum()), slope.ravel()

    start = np.zeros(len(names) * z.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    w = found.reshape(len(names), -1)
    return Kinds(names, mean, scale, w[:, :-1], w[:, -1])
