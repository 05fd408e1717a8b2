"""What integrity is calibrated by: simulated development drives, split by drive.

`python -m positioning.gnss.integrity.calibrate` writes calibration.json and prints how it holds on
the drives that were kept out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.integrity.assess import (
    F64,
    FEATURES,
    PUBLISHED,
    Calibration,
    probability,
)

LAYOUTS = ("canyon", "avenue", "trees", "viaduct", "old-town")
SEEDS = (range(110, 113), range(113, 116))
"""Calibrated on, held out."""

RISK = 1e-3
DURATION_S = 200.0
WRONG_M = 0.5
_RIDGE = 1e-2
_ROUNDS = 50


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


def fit(told: Evidence) -> Calibration:
    """Logistic weights by Newton's method with a small ridge; factors as order statistics."""
    x, y = told.features[told.is_fix], told.is_wrong[told.is_fix].astype(np.float64)
    weights = np.zeros(len(FEATURES))
    for _ in range(_ROUNDS):
        p = probability(weights, x)
        slope = x.T @ (p - y) / len(y) + _RIDGE / len(y) * weights
        curve = (x.T * (p * (1 - p) / len(y))) @ x + 1e-8 * np.eye(len(weights))
        weights = weights - np.clip(np.linalg.solve(curve, slope), -2, 2)
    scaled = told.errors_m / told.sigma_m
    factors = [
        [_order(scaled[told.is_believed == kind, axis]) for kind in (False, True)]
        for axis in (0, 1)
    ]
    drives = f"{', '.join(LAYOUTS)}; seeds {SEEDS[0].start} to {SEEDS[0].stop - 1}; simulated"
    command = "python -m positioning.gnss.integrity.calibrate"
    return Calibration(
        tuple(float(w) for w in weights), (factors[0][0], factors[0][1]),
        (factors[1][0], factors[1][1]), RISK, drives, command,
    )  # fmt: skip


def _order(scaled: F64) -> float:
    """The value that a share RISK exceeds, conservatively."""
    ordered = np.sort(scaled)
    return float(ordered[min(int(np.ceil((len(ordered) + 1) * (1 - RISK))), len(ordered)) - 1])


def drive(layout: str, seed: int, duration_s: float = DURATION_S) -> Evidence:
    """A simulated drive, solved."""
    from positioning.gnss.integrity.simulated import evidence, run

    return evidence(*run(layout, seed, duration_s))


def main() -> None:
    """Calibrate, judge, write."""
    from positioning.gnss.integrity.reliability import judged

    learned, kept = (
        together(drive(layout, seed) for layout in LAYOUTS for seed in seeds) for seeds in SEEDS
    )
    made = fit(learned)
    made.write(PUBLISHED)
    print(judged(made, kept))


if __name__ == "__main__":
    main()
