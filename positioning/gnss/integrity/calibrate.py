"""What integrity is calibrated by: simulated development drives, split by drive.

`python -m positioning.gnss.integrity.calibrate batch` (or `realtime`) writes that estimator's
calibration and prints how it holds on the drives that were kept out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.integrity.assess import (
    F64,
    KINDS,
    PUBLISHED,
    Calibration,
    Mode,
    probability,
)

LAYOUTS = ("canyon", "avenue", "trees", "viaduct", "old-town")
SEEDS: dict[Mode, tuple[range, range]] = {
    "batch": (range(110, 130), range(130, 135)),
    "realtime": (range(110, 116), range(130, 132)),
}
"""Calibrated on, held out."""

DURATION_S = 80.0
WRONG_M = 0.5
RISK = 1e-3
"""Of a drive that exceeds a factor, where there are drives enough to tell."""

_TAIL, _TELLS_TAIL = 5, 50  # a fifth of the drives is their tail; so many show one
_ROUNDS = 100
_SAME, _STILL = 1e-9, 1e-8


class Evidence(NamedTuple):
    """E epochs: features (E, 7); is_fix (E,) RTK told a fix, is_wrong (E,) over WRONG_M off;
    kind (E,) of assess.KINDS of the mode; errors_m, sigma_m (E, 2) horizontal and vertical."""

    features: F64
    is_fix: NDArray[np.bool_]
    is_wrong: NDArray[np.bool_]
    kind: NDArray[np.int64]
    errors_m: F64
    sigma_m: F64


def together(parts: Iterable[Evidence]) -> Evidence:
    """Drives as one."""
    return Evidence(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def fit(
    drives: Sequence[Evidence], mode: Mode = "batch", lessons: Sequence[Evidence] = ()
) -> Calibration:
    """Logistic weights of all fixes of the lessons, where there are none of the drives; and
    factors that a drive like these seldom exceeds, see `seldom`."""
    taught = together(lessons or drives)
    wrong = taught.is_wrong[taught.is_fix].astype(np.float64)
    weights = logistic(taught.features[taught.is_fix], wrong)
    largest = np.array([
        [(told.errors_m / told.sigma_m)[told.kind == k].max(axis=0, initial=0.0)
         for k in range(len(KINDS[mode]))]
        for told in drives
    ])  # fmt: skip
    horizontal, vertical = (tuple(map(seldom, largest[:, :, axis].T)) for axis in (0, 1))
    tops = np.maximum(largest.max(axis=0), 1.0)  # where one of these stands, no tail was carried on
    seeds = SEEDS[mode][0]
    names = f"{', '.join(LAYOUTS)}; seeds {seeds.start} to {seeds.stop - 1}; simulated"
    if lessons:
        names += "; probabilities by what RTK fixes on them before it is told"
    return Calibration(
        tuple(float(w) for w in weights),
        horizontal,
        vertical,
        RISK if np.all(tops < np.array((horizontal, vertical)).T) else 1 / (len(drives) + 1),
        names,
        f"python -m positioning.gnss.integrity.calibrate {mode}",
    )


def seldom(largest: F64) -> float:
    """The factor that a drive exceeds with the chance RISK; largest: (D,) error over sigma of
    each drive, 0 where it has no such epoch. Not under 1, nor under the largest.

    Errors of a drive belong together, so drives are what is counted. Of few the largest stands:
    another exceeds it with a chance of 1 / (D + 1) (split conformal prediction). More tell how
    their tail falls off, as a power of the factor (Hill 1975, Ann. Statist. 3, 1163), which is
    carried on to RISK (Weissman 1978, JASA 73, 812); lighter tails fall off faster.
    """
    told = np.sort(largest)[::-1]
    top = max(1.0, float(told[0]))
    count = len(told) // _TAIL
    if len(told) < _TELLS_TAIL or told[count] <= 0:
        return top
    power = float(np.mean(np.log(told[:count] / told[count])))
    return max(top, float(told[count] * (count / (len(told) * RISK)) ** power))


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


def drive(layout: str, seed: int, mode: Mode = "batch", duration_s: float = DURATION_S) -> Evidence:
    """A simulated drive, solved."""
    from positioning.gnss.integrity.simulated import evidence, run

    return evidence(*run(layout, seed, duration_s, mode), mode)


def lesson(layout: str, seed: int) -> Evidence:
    """The same drive in batch as RTK fixes it before it is told anything.

    Of fixes that are told hardly any is wrong, too few for a law of them.
    """
    from positioning.gnss.integrity.simulated import evidence, untold
    from positioning.gnss.variance.network import unseen
    from positioning.sim.gnss.scenario import Scenario, simulate

    driven = simulate(Scenario(layout=layout, seed=seed, duration_s=DURATION_S))
    return evidence(driven, *untold(driven, unseen(layout)))


def main(mode: Mode) -> None:
    """Calibrate, judge, write."""
    from positioning.gnss.integrity.reliability import exceeded, judged

    learned, kept = (
        [drive(layout, seed, mode) for layout in LAYOUTS for seed in seeds] for seeds in SEEDS[mode]
    )
    lessons = [
        lesson(layout, seed)
        for layout in LAYOUTS for seed in SEEDS[mode][0] if mode == "batch"
    ]  # fmt: skip
    made = fit(learned, mode, lessons)
    made.write(PUBLISHED[mode])
    print(judged(made, together(kept)), exceeded(made, kept), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m positioning.gnss.integrity.calibrate")
    parser.add_argument("mode", choices=tuple(SEEDS))
    main(parser.parse_args().mode)
