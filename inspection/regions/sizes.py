"""From what was measured on the picture to the defect's size, with what is left unsure.

The picture shows contrast, the drawing speaks of geometry: a groove's lips shine beside it, a
film's rim is soft. A ridge regression on the features, taught where both are known, gives the
correction; a second one how far it errs for features like these (locally weighted conformal
prediction, Lei et al. 2018), scaled on folds that it was not fitted on so that 95 % of the errors
lie within two standard uncertainties.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

RIDGE = 3.0
FOLDS = 5
COVERED = 0.95  # within two standard uncertainties
LEAST = 0.005  # relative error under which two regions are alike
MOST_LOG = 3.0  # of a correction: a factor of 20, for outlines that took in their host


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """log(true / measured) = (x - mean) / scale . weights[0] + bias[0]; row 1 gives the log of the
    relative standard uncertainty. mean, scale: (D,); weights: (2, D); bias: (2,)."""

    mean: F64
    scale: F64
    weights: F64
    bias: F64

    def apply(self, measured: float, u: float, features: F64) -> tuple[float, float]:
        """Size and its standard uncertainty, in the units of `measured`; u: of the measurement."""
        z = np.minimum(np.maximum((features - self.mean) / self.scale, -4), 4)
        log_ratio, log_u = (self.weights @ z + self.bias).tolist()
        size = measured * exp(min(max(log_ratio, -MOST_LOG), MOST_LOG))
        return size, max(size * exp(min(max(log_u, -5.0), 1.0)), min(u, 0.5 * size))


def fit(features: F64, measured: F64, true: F64) -> Correction:
    """features: (N, D); measured, true: (N,) lengths > 0."""
    mean, scale = features.mean(0), features.std(0) + 1e-6
    z = np.clip((features - mean) / scale, -4, 4)
    target = np.log(true / measured)
    fold = np.arange(len(z)) % FOLDS
    left = np.empty(len(z))
    for one in range(FOLDS):
        left[fold == one] = target[fold == one] - _at(_ridge(z[fold != one], target[fold != one]),
                                                      z[fold == one])  # fmt: skip
    error = np.log(np.abs(left) + LEAST)
    spread = np.empty(len(z))
    for one in range(FOLDS):
        spread[fold == one] = _at(_ridge(z[fold != one], error[fold != one]), z[fold == one])
    wide = float(np.quantile(np.log(np.abs(left) + 1e-9) - spread, COVERED)) - np.log(2)
    (w0, b0), (w1, b1) = _ridge(z, target), _ridge(z, error)
    return Correction(mean, scale, np.stack([w0, w1]), np.array([b0, b1 + wide]))


def _ridge(z: F64, target: F64) -> tuple[F64, float]:
    """Weights (D,) and bias; robust to outliers by Huber's weights, three rounds."""
    wide = np.column_stack([z, np.ones(len(z))])
    penalty = RIDGE * np.eye(wide.shape[1])
    penalty[-1, -1] = 0
    share, found = np.ones(len(z)), np.zeros(wide.shape[1])
    for _ in range(4):
        found = np.linalg.solve(
            wide.T @ (wide * share[:, None]) + penalty, wide.T @ (share * target)
        )
        left = np.abs(target - wide @ found)
        limit = 2 * np.median(left) + 1e-9
        share = np.minimum(1, limit / np.maximum(left, 1e-12))
    return np.asarray(found[:-1], np.float64), float(found[-1])


def _at(model: tuple[F64, float], z: F64) -> F64:
    return np.asarray(z @ model[0] + model[1])
