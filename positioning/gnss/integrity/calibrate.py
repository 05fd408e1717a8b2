"""What integrity is calibrated by: simulated development drives, split by drive.

`python -m positioning.gnss.integrity.calibrate` writes calibration.json and prints how it holds on
the drives that were kept out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.integrity.assess import (
    F64,
    PUBLISHED,
    Calibration,
    probability,
    read,
)

LAYOUTS = ("canyon", "avenue", "trees", "viaduct", "old-town")
SEEDS = (range(110, 130), range(130, 135))
"""Calibrated on, held out."""

DURATION_S = 80.0
WRONG_M = 0.5
_ROUNDS = 100
_SAME, _STILL = 1e-9, 1e-8


class Evidence(NamedTuple):
    """E epochs: features (E, 7); is_fix (E,) RTK told a fix, is_wrong (E,) over WRONG_M off;
    is_believed (E,) the coupled one kept it; errors_m, sigma_m (E, 2) horizontal and vertical."""

    features: F64
    is_fix: NDArray[np.bool_]
    is_wrong: NDArray[np.bool_]
    is_believed: NDArray[np.bool_]
    errors_m: F64
    sigma_m: F64


def together(parts: Iterable[Evidence]) -> Evidence:
    """Drives as one."""
    return Evidence(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def fit(drives: Sequence[Evidence]) -> Calibration:
    """Logistic weights of all fixes, and factors that no drive exceeded.

    Errors of a drive belong together, so drives are what is counted: another one of their kind
    exceeds the largest of n with a chance of 1 / (n + 1) (split conformal prediction).
    """
    told = together(drives)
    weights = logistic(told.features[told.is_fix], told.is_wrong[told.is_fix].astype(np.float64))
    scaled = told.errors_m / told.sigma_m
    factors = [
        [float(scaled[told.is_believed == kind, axis].max(initial=1.0)) for kind in (False, True)]
        for axis in (0, 1)
    ]
    names = f"{', '.join(LAYOUTS)}; seeds {SEEDS[0].start} to {SEEDS[0].stop - 1}; simulated"
    names += "; factors not below those of drives without learned variances"
    command = "python -m positioning.gnss.integrity.calibrate"
    return Calibration(
        tuple(float(w) for w in weights), (factors[0][0], factors[0][1]),
        (factors[1][0], factors[1][1]), 1 / (len(drives) + 1), names, command,
    )  # fmt: skip


def grown(made: Calibration, before: Calibration) -> Calibration:
    """A calibration with factors not below those of one before.

    Factors are for drives as rare as a hundred hold one or none of: what other drives have shown is
    not forgotten because these do not show it.
    """
    horizontal, vertical = (
        tuple(map(max, getattr(made, axis), getattr(before, axis)))
        for axis in ("horizontal", "vertical")
    )
    return replace(
        made, horizontal=(horizontal[0], horizontal[1]), vertical=(vertical[0], vertical[1])
    )


def logistic(x: F64, y: F64) -> F64:
    """(K,) weights of the columns of x (N, K), the first of ones, for outcomes y (N,) of 0 and 1.

    Wrong fixes are rare and nearly told apart by the features: without a prior the weights have no
    bound. It is a normal one of standard deviation 1 about 0 on the weights of features in units of
    their spread; damped Newton steps.
    """
    middle, spread = x[:, 1:].mean(axis=0), x[:, 1:].std(axis=0) + _SAME
    z = np.column_stack((np.ones(len(x)), (x[:, 1:] - middle) / spread))
    prior = np.append(0.0, np.ones(z.shape[1] - 1))
    weights = np.zeros(z.shape[1])
    weights[0] = np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5))
    cost = _cost(weights, z, y, prior)
    for _ in range(_ROUNDS):
        p = probability(weights, z)
        curve = (z.T * (p * (1 - p))) @ z + np.diag(prior + _SAME)
        step = np.linalg.solve(curve, z.T @ (p - y) + prior * weights)
        while _cost(weights - step, z, y, prior) > cost and np.abs(step).max() > _SAME:
            step /= 2
        weights = weights - step
        cost = _cost(weights, z, y, prior)
        if np.abs(step).max() < _STILL:
            break
    own = np.append(weights[0], weights[1:] / spread)
    own[0] -= float(own[1:] @ middle)
    return own


def _cost(weights: F64, z: F64, y: F64, prior: F64) -> float:
    """Negative log likelihood with the prior's."""
    told = np.clip(z @ weights, -30, 30)
    return float(np.sum(np.logaddexp(0, told) - y * told) + np.sum(prior * weights**2) / 2)


def drive(layout: str, seed: int, duration_s: float = DURATION_S) -> Evidence:
    """A simulated drive, solved."""
    from positioning.gnss.integrity.simulated import evidence, run

    return evidence(*run(layout, seed, duration_s))


def main() -> None:
    """Calibrate, judge, write."""
    from positioning.gnss.integrity.reliability import judged

    learned, kept = (
        [drive(layout, seed) for layout in LAYOUTS for seed in seeds] for seeds in SEEDS
    )
    made = grown(fit(learned), read())
    made.write(PUBLISHED)
    print(judged(made, together(kept)))


if __name__ == "__main__":
    main()
