"""What a receiver's loops make of several ways at once: one delay, one phase, one strength.

The delay lock loop is run on the composite correlation until early and late are even (van Nee 1993;
Braasch in Kaplan & Hegarty, Understanding GPS/GNSS, ch. 9). Ways whose Doppler differs from one
another's beat faster than the loop averages, and their cross terms fade accordingly. Code error,
carrier error and C/N0 all come from the one composite, so they hang together as physics has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.jit import compiled
from positioning.sim.gnss.city import Array
from positioning.sim.gnss.rays import MOST, Paths

AVERAGING_S = 0.5
"""Of the carrier-aided delay loop and of the C/N0 estimate."""

CARRIER_LOOP_HZ = 15.0
_ITERATIONS = 30
_STEPS = 4  # of the loop itself, before halving


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """(N, 2) each, NaN where a satellite sends nothing.

    code_m: delay over the straight line. carrier_m: carrier's delay over the straight line.
    gain_db: power over an isotropic antenna's in the open. tracked_m, tracked_mps: excess length
    of the strongest way and its change: another way leads to a slip.
    """

    code_m: Array
    carrier_m: Array
    gain_db: Array
    tracked_m: Array
    tracked_mps: Array


def combine(
    paths: Paths,
    frequency_hz: Array,
    traits: Array,
    rounding: Array,
    fading: NDArray[np.complex128],
) -> Composite:
    """The composite of N rows. frequency_hz (N, 2), traits (N, 2, 4), see signals.Table.

    rounding: (2,) m, how far the front end's bandwidth rounds the correlation's peak.
    fading: (N,) complex, what leaves do to the direct way beyond their mean loss; 1 is nothing.
    """
    shape = frequency_hz.shape
    out = Composite(*(np.full(shape, np.nan) for _ in range(5)))
    _combine(
        paths.count, paths.excess_m, paths.rate_mps, paths.field, fading, frequency_hz, traits,
        rounding, out.code_m, out.carrier_m, out.gain_db, out.tracked_m, out.tracked_mps,
    )  # fmt: skip
    return out


@compiled
def correlation(delay_m: float, chip_m: float, boc: bool, rounding_m: float) -> float:
    """Of the code with itself: a triangle, or BOC(n, n)'s; its corner rounded."""
    x: float = np.sqrt(delay_m**2 + rounding_m**2) / chip_m
    if x >= 1:
        return 0.0
    if not boc:
        return 1 - x
    return 1 - 3 * x if x < 0.5 else x - 1


@compiled
def _power(
    at: float, cross: Array, delays: Array, count: int, chip: float, boc: bool, rounding: float,
    work: Array,
) -> float:  # fmt: skip
    for i in range(count):
        work[i] = correlation(at - delays[i], chip, boc, rounding)
    total = 0.0
    for i in range(count):
        for j in range(count):
            total += cross[i, j] * work[i] * work[j]
    return max(total, 0.0)


@compiled
def settle(
    start: float, cross: Array, delays: Array, count: int, chip: float, spacing: float, boc: bool,
    rounding: float,
) -> float:  # fmt: skip
    """Where the delay loop comes to rest: early and late even.

    cross: (n, n) mean products of the ways' fields. The step is exact on a lone triangle; where
    ways cancel it overshoots, and the interval between the last signs is halved instead.
    """
    work = np.empty(len(delays))
    slope = 3.0 if boc else 1.0
    at, low, high = start, -np.inf, np.inf
    for turn in range(_ITERATIONS):
        early = np.sqrt(_power(at - spacing / 2, cross, delays, count, chip, boc, rounding, work))
        late = np.sqrt(_power(at + spacing / 2, cross, delays, count, chip, boc, rounding, work))
        if early + late <= 0:
            break
        step = (late - early) / (late + early) * (chip / slope - spacing / 2)
        if abs(step) < 1e-4:
            break
        if step > 0:
            low = at
        else:
            high = at
        trusts_step = turn < _STEPS or np.isinf(low) or np.isinf(high)
        at = at + step if trusts_step and low < at + step < high else (low + high) / 2
    return at


@compiled
def _combine(
    count: NDArray[np.int32], excess: Array, rate: Array, field: NDArray[np.complex128],
    fading: NDArray[np.complex128], frequency: Array, traits: Array, rounding: Array,
    code: Array, carrier: Array, gain: Array, tracked: Array, tracked_rate: Array,
) -> None:  # fmt: skip
    cross, wave = np.empty((MOST, MOST)), np.empty(MOST, np.complex128)
    for row in range(len(count)):
        n = count[row]
        for band in range(2):
            if frequency[row, band] <= 0:
                continue
            wavelength = SPEED_OF_LIGHT_MPS / frequency[row, band]
            best = 0
            for i in range(n):
                turn = -2j * np.pi * excess[row, i] / wavelength
                wave[i] = field[row, i, band] * np.exp(turn)
                if i == 0:
                    wave[i] *= fading[row]
                if abs(wave[i]) > abs(wave[best]):
                    best = i
            for i in range(n):
                for j in range(n):
                    beat = (rate[row, i] - rate[row, j]) / wavelength
                    mean = np.sinc(beat * AVERAGING_S)
                    cross[i, j] = (wave[i] * wave[j].conjugate()).real * mean
            chip, spacing, _, boc = traits[row, band]
            at = settle(
                excess[row, best], cross, excess[row], n, chip, spacing, boc > 0, rounding[band]
            )
            code[row, band] = at
            total = 0j
            power = 0.0
            for i in range(n):
                r_i = correlation(at - excess[row, i], chip, boc > 0, rounding[band])
                beat = (rate[row, i] - rate[row, best]) / wavelength / CARRIER_LOOP_HZ
                total += wave[i] * r_i / np.sqrt(1 + beat * beat)
                for j in range(n):
                    r_j = correlation(at - excess[row, j], chip, boc > 0, rounding[band])
                    power += cross[i, j] * r_i * r_j
            gain[row, band] = 10 * np.log10(max(power, 1e-12))
            upright = total * np.exp(2j * np.pi * excess[row, best] / wavelength)
            residual = np.angle(upright) / (2 * np.pi)
            carrier[row, band] = excess[row, best] - wavelength * residual
            tracked[row, band] = excess[row, best]
            tracked_rate[row, band] = rate[row, best]
