"""Logistic regression with an L2 prior: small, convex, the same answer every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """logit = (x - mean) / scale . weights + bias; all (D,) but the bias."""

    mean: F64
    scale: F64
    weights: F64
    bias: float

    def logit(self, features: NDArray[np.floating]) -> F64:
        """(N, D) -> (N,); larger is more likely the positive class."""
        return np.asarray(((features - self.mean) / self.scale) @ self.weights + self.bias)

    def packed(self) -> F64:
        """(4, D): mean, scale, weights, and the bias repeated."""
        return np.stack([self.mean, self.scale, self.weights, np.full_like(self.mean, self.bias)])

    @classmethod
    def unpacked(cls, packed: NDArray[np.floating]) -> Logistic:
        """From `packed`."""
        mean, scale, weights, bias = np.asarray(packed, np.float64)
        return cls(mean, scale, weights, float(bias[0]))


def fit(
    features: NDArray[np.floating], is_positive: NDArray[np.bool_], prior: float = 1.0
) -> Logistic:
    """Maximum a posteriori with a normal prior of precision `prior` on the standardised weights.

    features: (N, D); both classes must be there, else ValueError. Classes weigh the same.
    """
    if is_positive.all() or not is_positive.any():
        raise ValueError("needs samples of both classes")
    x = np.asarray(features, np.float64)
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = np.column_stack([(x - mean) / scale, np.ones(len(x))])
    sign = np.where(is_positive, 1.0, -1.0)
    share = np.where(is_positive, 0.5 / is_positive.mean(), 0.5 / (~is_positive).mean())

    def loss(w: F64) -> tuple[float, F64]:
        margin = sign * (z @ w)
        slope = -share * sign * expit(-margin)
        value = (share * np.logaddexp(0, -margin)).sum() + 0.5 * prior * (w[:-1] ** 2).sum()
        gradient = z.T @ slope
        gradient[:-1] += prior * w[:-1]
        return float(value), gradient

    found = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B").x
    return Logistic(mean, scale, found[:-1], float(found[-1]))
