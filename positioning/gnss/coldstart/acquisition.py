"""Search for a satellite over code phase and Doppler by FFT (van Nee and Coenen, 1991).

Each code period (or several) is correlated at once over all code phases; the magnitudes' squares
of `blocks` of them are added. Under noise alone a cell is chi-square with 2 blocks degrees of
freedom, which gives the threshold; the noise's own power is told by the whole grid's median.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from positioning.gnss.coldstart import codes
from positioning.gnss.coldstart.codes import CHIP_RATE_HZ, System

_CARRIER_HZ = 1575.42e6


@dataclass(frozen=True, slots=True)
class Search:
    """How far and how long.

    doppler_hz: half the range searched about centre_hz. periods: codes added coherently. blocks:
    of them added in power. false_alarm: of one satellite's whole search.
    """

    doppler_hz: float = 5000.0
    centre_hz: float = 0.0
    periods: int = 1
    blocks: int = 10
    false_alarm: float = 1e-3


@dataclass(frozen=True, slots=True)
class Acquired:
    """What a search gave: found, or the strongest cell anyway.

    phase_chips: code phase at the first sample. statistic: over the threshold is found.
    """

    found: bool
    doppler_hz: float
    phase_chips: float
    statistic: float
    threshold: float


def acquire(
    samples: NDArray[np.complex64], rate_hz: float, system: System, prn: int, search: Search
) -> Acquired:
    """Look for one satellite. ValueError where the samples are too few for the search."""
    period = round(codes.LENGTHS[system] / CHIP_RATE_HZ * rate_hz)
    length = period * search.periods
    if len(samples) < length * search.blocks:
        told = 1e3 * length * search.blocks / rate_hz
        raise ValueError(f"the search takes {told:.0f} ms of samples, {len(samples)} were given")
    bins = _bins(search, length / rate_hz)
    template = np.conj(np.fft.fft(np.tile(codes.replica(system, prn, rate_hz), search.periods)))
    power = np.zeros((len(bins), period), np.float32)
    time_s = np.arange(length) / rate_hz
    for row, doppler_hz in enumerate(bins):
        wiped = np.exp(-2j * np.pi * doppler_hz * time_s).astype(np.complex64)
        for block in range(search.blocks):
            part = samples[block * length : (block + 1) * length] * wiped
            spread = np.abs(np.fft.ifft(np.fft.fft(part) * template)[:period]) ** 2
            drift = doppler_hz / _CARRIER_HZ * block * length  # code Doppler since the start
            power[row] += np.roll(spread, round(drift))
    return _decide(power, bins, rate_hz, search)


def _bins(search: Search, coherent_s: float) -> NDArray[np.float64]:
    """Dopplers to try: half a main lobe apart, so that at most 0.9 dB is lost between two."""
    step = 0.5 / coherent_s
    reach = int(np.ceil(search.doppler_hz / step))
    return np.asarray(search.centre_hz + step * np.arange(-reach, reach + 1), np.float64)


def _decide(
    power: NDArray[np.float32], bins: NDArray[np.float64], rate_hz: float, search: Search
) -> Acquired:
    freedom = 2 * search.blocks
    scale = float(np.median(power)) / float(stats.chi2.median(freedom))
    threshold = cell_threshold(power.size, freedom, search.false_alarm)
    row, column = np.unravel_index(int(np.argmax(power)), power.shape)
    statistic = float(power[row, column] / scale)
    phase = -float(column) * CHIP_RATE_HZ / rate_hz
    period = power.shape[1] * CHIP_RATE_HZ / rate_hz
    found = bool(statistic > threshold)
    return Acquired(found, float(bins[row]), phase % period, statistic, threshold)


@cache
def cell_threshold(cells: int, freedom: int, false_alarm: float) -> float:
    """Chi-square that the largest of `cells` independent ones passes by false_alarm."""
    return float(stats.chi2.isf(-np.expm1(np.log1p(-false_alarm) / cells), freedom))


def detection_probability(
    cn0_dbhz: float, coherent_s: float, search: Search, cells: int, loss_db: float = 0.0
) -> float:
    """Closed form for one cell that holds the whole signal less loss_db (Marcum's Q)."""
    freedom = 2 * search.blocks
    energy = 2 * search.blocks * coherent_s * 10 ** ((cn0_dbhz - loss_db) / 10)
    threshold = cell_threshold(cells, freedom, search.false_alarm)
    return float(1.0 - special.chndtr(threshold, freedom, energy))
