"""S2-E1: the bounds of the reports cover the truth as often as they say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, rate
from common.acceptance.resampling import bootstrap
from common.acceptance.statistics import CONFIDENCE, upper_bound

GUIDE = "系统性测试方法和指标体系"
RATES = Indicator(
    id="S2-E1/rates",
    claim="The 95 % bound of a rate covers the true rate at least 95 times in 100, whatever it is",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=CONFIDENCE,
    evidence="simulated",
    method="Coverage of the one-sided upper bound summed exactly over the binomial distribution "
    "(scipy.stats.binom), for n of 5 to 1,000 and a grid of true rates; the least coverage found",
)
AUROC = Indicator(
    id="S2-E1/bootstrap",
    claim="The bootstrap bound of an AUROC covers the true AUROC at least 90 times in 100",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=0.90,
    evidence="simulated",
    method="Samples of two normal scores whose AUROC is known in closed form, 150 good and 50 "
    "defective; how often the nominal 95 % lower bound lies under the truth. Bootstrap bounds are "
    "approximate, so the target is 90 %",
)
SIZES = (5, 10, 30, 100, 300, 1000)
DISTANCE = 2.0  # between the two normal distributions, in standard deviations


def least_coverage(n: int, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exact coverage of the upper bound at each true rate: sum of P(k) where bound(k) >= rate."""
    from scipy.stats import binom

    k = np.arange(n + 1)
    bounds = np.array([upper_bound(int(i), n) for i in k])
    mass = binom.pmf(k[None, :], n, rates[:, None])
    covered: NDArray[np.float64] = np.sum(mass * (bounds[None, :] >= rates[:, None]), axis=1)
    return covered


def auroc(scores: NDArray[np.float64], bad: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by the rank sum (Mann and Whitney 1947).

    Ties do not matter here: only repeats of one sample tie, and those share their class.
    """
    ranks = np.empty(len(scores), np.float64)
    ranks[np.argsort(scores)] = np.arange(1, len(scores) + 1)
    n_bad = int(bad.sum())
    above = ranks[bad].sum() - n_bad * (n_bad + 1) / 2
    return float(above / (n_bad * (len(scores) - n_bad)))


def run(context: Context) -> Mapping[str, Measurement]:
    """Measure both rows."""
    return {RATES.id: _rates(context), AUROC.id: _auroc(context)}


def _rates(context: Context) -> Measurement:
    points = 2000 if context.full else 500
    rates = np.linspace(0.0005, 0.9995, points)
    found = {n: least_coverage(n, rates) for n in SIZES}
    series = tuple(Series(f"n = {n}", rates, found[n]) for n in (10, 100, 1000))
    line = ReferenceLine("stated", CONFIDENCE)
    title = "Coverage of the upper bound of a rate"
    plot = Plot(title, "true rate", "coverage", series, lines=(line,))
    least = float(min(values.min() for values in found.values()))
    n_cells = points * len(SIZES)
    return exact(least, n_cells, content_hash(rates, *SIZES), "n counts cells of the grid", (plot,))


def _auroc(context: Context) -> Measurement:
    from scipy.special import ndtr

    trials, resamples = (1000, 1000) if context.full else (300, 300)
    truth = float(ndtr(DISTANCE / np.sqrt(2)))  # binormal model of equal variances
    rng = np.random.default_rng([context.seed, 1])
    bad = np.arange(200) < 50
    bounds = np.empty(trials)
    drawn = rng.normal(size=(trials, 200)) + DISTANCE * bad
    for i, scores in enumerate(drawn):
        seed = int(rng.integers(2**31))
        bounds[i] = _lower_bound(scores, bad, seed, resamples)
        context.progress(i + 1, trials, "bootstrap samples")
    covered = int(np.count_nonzero(bounds <= truth))
    ordered = np.sort(bounds)
    share = np.arange(1, trials + 1) / trials
    plot = Plot(
        "Lower bounds of the AUROC over the trials",
        "lower bound",
        "share of the trials at or under it",
        (Series("bounds", ordered, share, kind="step"),),
        lines=(ReferenceLine("true AUROC", truth, axis="x"),),
    )
    return rate(covered, trials, content_hash(drawn), f"True AUROC {truth:.4f}", (plot,))


def _lower_bound(
    scores: NDArray[np.float64], bad: NDArray[np.bool_], seed: int, resamples: int
) -> float:
    def statistic(chosen: NDArray[np.int64]) -> float:
        return auroc(scores[chosen], bad[chosen])

    return bootstrap(statistic, len(scores), seed=seed, resamples=resamples, strata=bad)[0]


COVERAGE = Experiment("coverage", (RATES, AUROC), run)
