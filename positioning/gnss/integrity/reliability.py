"""Stated against observed: is a told probability of a wrong fix the rate of wrong fixes?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from common.acceptance.resampling import bootstrap
from positioning.gnss.integrity.assess import F64, Calibration, probability
from positioning.gnss.integrity.calibrate import Evidence

EDGES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7, 1.0)


class Bin(NamedTuple):
    """Fixes of like probability: how many, the mean that was stated, the rate that was observed."""

    fixes: int
    stated: float
    observed: float


class Judgement(NamedTuple):
    """reliability: bins. misled: share of epochs outside the horizontal level, and the vertical.
    level_m: median and 95th percentile of the horizontal level. epochs: how many."""

    reliability: tuple[Bin, ...]
    misled: tuple[float, float]
    level_m: tuple[float, float]
    epochs: int


class Exceeded(NamedTuple):
    """Epochs of drives that lie outside a level: how many of how many, in how many stretches of
    epochs in a row, in how many of how many drives; the share with 95 % bounds, of drives drawn
    again, for epochs in a row are one event."""

    out: int
    epochs: int
    stretches: int
    drives_out: int
    drives: int
    share: tuple[float, float, float]


def judged(made: Calibration, told: Evidence) -> Judgement:
    """A calibration on epochs that it does not come from."""
    levels = levels_of(made, told)
    out = (told.errors_m > levels).mean(axis=0)
    return Judgement(
        table(stated(made, told), told.is_wrong[told.is_fix].astype(np.float64)),
        (float(out[0]), float(out[1])),
        (float(np.median(levels[:, 0])), float(np.percentile(levels[:, 0], 95))),
        len(levels),
    )


def exceeded(made: Calibration, drives: Sequence[Evidence], seed: int = 0) -> Exceeded:
    """How often, and how clustered, drives exceed a calibration's levels."""
    outs = [np.any(told.errors_m > levels_of(made, told), axis=1) for told in drives]
    out = np.concatenate(outs)
    drive = np.repeat(np.arange(len(outs)), [len(o) for o in outs])
    begins = sum(int((np.diff(o.astype(int), prepend=0) == 1).sum()) for o in outs)
    bounds = bootstrap(
        lambda i: float(out[i].mean()), len(out), seed=seed, clusters=drive, resamples=1000
    )
    share = (float(out.mean()), *bounds)
    return Exceeded(
        int(out.sum()), len(out), begins, sum(bool(o.any()) for o in outs), len(outs), share
    )


def stated(made: Calibration, told: Evidence) -> F64:
    """(F,) probabilities that the fixes of RTK are wrong."""
    return probability(np.array(made.weights), told.features[told.is_fix])


def levels_of(made: Calibration, told: Evidence) -> F64:
    """(E, 2) protection levels."""
    both = np.array(made.horizontal), np.array(made.vertical)
    factors = np.column_stack([axis[told.kind] for axis in both])
    return np.asarray(told.sigma_m * factors)


def table(stated: F64, observed: F64) -> tuple[Bin, ...]:
    """Bins of stated probability (N,) with the rate of what was observed (N,) 0 or 1."""
    at = np.clip(np.searchsorted(EDGES, stated, side="right") - 1, 0, len(EDGES) - 2)
    return tuple(
        Bin(int(here.sum()), float(stated[here].mean()), float(observed[here].mean()))
        for here in (at == k for k in range(len(EDGES) - 1))
        if here.any()
    )
