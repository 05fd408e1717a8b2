"""Constant false-alarm rate: cell averaging and order statistic, in two dimensions.

Power summed over K elements in noise is Gamma(K). Training cells lie on a lattice of every second
bin, where a Hann window leaves them nearly independent (power correlation 0.028), so the closed
forms for independent cells set the thresholds:
CA: cell over mean of N cells is F distributed with 2K and 2KN degrees of freedom.
OS: P = integral of Q(K, a y) over the density of the k-th of N order statistics (Rohling 1983,
IEEE T-AES 19:608, there for K = 1). "Cell > a times the k-th smallest" is the same as "at least k
training cells lie under cell / a", which needs no sorting.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from positioning.radar.spectrum import Power
from positioning.radar.waveform import RadarError

Cells = NDArray[np.intp]
Bools = NDArray[np.bool_]

GUARD = (3, 3)  # Doppler and range bins to each side that the target itself may fill
REACH = (7, 9)  # outermost training cells
RANK = 0.75  # of the training cells, for OS


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The tested cells that exceed: doppler, range (M,) bins; noise (M,), the mean power of noise
    in the cell, summed over the elements."""

    doppler: Cells
    range: Cells
    noise: NDArray[np.float64]


@lru_cache(maxsize=4)
def training() -> NDArray[np.intp]:
    """(N, 2) offsets in Doppler and range: a ring on the lattice of even distances."""
    spans = [np.arange(-reach + reach % 2, reach + 1, 2) for reach in REACH]
    grid = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid[(np.abs(grid) > np.array(GUARD)).any(axis=1)].astype(np.intp)


def detect(
    power: Power,
    elements: int,
    rate: float,
    kind: Literal["ca", "os"],
    doppler: Cells,
    ranges: Cells,
) -> Judged:
    """Which of the named cells exceed the threshold for that false-alarm rate."""
    offsets = training()
    if power.shape[0] <= 2 * REACH[0] or power.shape[1] <= 2 * REACH[1] + 1:
        raise RadarError(f"a map of {power.shape} cells is too small for the training ring")
    around = _gather(power, doppler, ranges, offsets)
    cell = power[doppler, ranges]
    if kind == "ca":
        mean = around.mean(axis=1, dtype=np.float64)
        hit = cell > ca_factor(elements, len(offsets), rate) * mean
        return Judged(doppler[hit], ranges[hit], mean[hit])
    rank = os_rank(len(offsets))
    factor = os_factor(elements, len(offsets), rank, rate)
    hit = np.count_nonzero(around * np.float32(factor) < cell[:, None], axis=1) >= rank
    ordered = np.partition(around[hit], rank - 1, axis=1)[:, rank - 1].astype(np.float64)
    noise = ordered / os_mean(elements, len(offsets), rank)
    return Judged(doppler[hit], ranges[hit], noise)


def _gather(power: Power, doppler: Cells, ranges: Cells, offsets: Cells) -> Power:
    """(M, N) training cells: Doppler wraps around, range is mirrored at its ends.

    Mirrored offsets land between the lattice's own cells, so that none counts twice.
    """
    loops, bins = power.shape
    rows = (doppler[:, None] + offsets[:, 0]) % loops
    columns = ranges[:, None] + offsets[:, 1]
    outside = (columns < 0) | (columns >= bins)
    mirrored = ranges[:, None] - offsets[:, 1] + np.where(offsets[:, 1] < 0, 1, -1)
    around: Power = power[rows, np.where(outside, mirrored, columns)]
    return around


def os_rank(cells: int) -> int:
    """The order statistic in use, counted from 1."""
    return max(1, round(RANK * cells))


@lru_cache(maxsize=64)
def ca_factor(elements: int, cells: int, rate: float) -> float:
    """Threshold over the mean of the training cells."""
    from scipy.stats import f

    return float(f.isf(rate, 2 * elements, 2 * elements * cells))


@lru_cache(maxsize=64)
def os_factor(elements: int, cells: int, rank: int, rate: float) -> float:
    """Threshold over the `rank`-th smallest training cell."""
    from scipy.optimize import brentq

    def excess(log_factor: float) -> float:
        return float(np.log(os_rate(elements, cells, rank, np.exp(log_factor))) - np.log(rate))

    return float(np.exp(brentq(excess, -5.0, 12.0, xtol=1e-10)))


def os_rate(elements: int, cells: int, rank: int, factor: float) -> float:
    """False-alarm rate of OS-CFAR on Gamma(elements) noise, by quadrature over the quantile."""
    level, weight = _order_statistic(elements, cells, rank)
    from scipy.special import gammaincc

    return float(np.maximum((weight * gammaincc(elements, factor * level)).sum(), 1e-300))


@lru_cache(maxsize=64)
def os_mean(elements: int, cells: int, rank: int) -> float:
    """Mean of the order statistic over the mean of the noise."""
    level, weight = _order_statistic(elements, cells, rank)
    return float((weight * level).sum() / elements)


@lru_cache(maxsize=64)
def _order_statistic(
    elements: int, cells: int, rank: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(values, weights) of the order statistic of unit-scale Gamma(elements) cells.

    Its share below is Beta(rank, cells + 1 - rank): Gauss-Legendre over that quantile.
    """
    from scipy.special import betaincinv, gammaincinv

    node, weight = np.polynomial.legendre.leggauss(400)
    share = betaincinv(rank, cells + 1 - rank, (node + 1) / 2)
    return gammaincinv(elements, share), weight / 2
