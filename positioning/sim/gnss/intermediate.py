"""Samples after a receiver's front end: satellites in noise, quantised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coldstart import codes
from positioning.gnss.coldstart.codes import CHIP_RATE_HZ, System

CARRIER_HZ = 1575.42e6
_BIT_S = {"G": 0.020, "E": 0.004, "C": 0.010}  # E: the pilot's secondary code turns every 4 ms
_GRID_CHIPS = 1 / 64


@dataclass(frozen=True, slots=True)
class Signal:
    """A satellite as it arrives: C/N0 of the component that is searched, Doppler, code phase."""

    system: System
    prn: int
    cn0_dbhz: float
    doppler_hz: float
    phase_chips: float


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """rate_hz of complex samples; bandwidth_hz (two-sided) of the filter; bits a component.

    loss_db: noise figure's and cables' share is in C/N0 already; this is what else is lost.
    """

    rate_hz: float = 4.092e6
    bandwidth_hz: float = 3.6e6
    bits: int = 2


def samples(
    signals: tuple[Signal, ...], duration_s: float, front: FrontEnd, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """(round(duration_s rate_hz),) complex samples at zero intermediate frequency.

    Data and secondary-code bits are drawn and turn at their own edges; the carrier's Doppler moves
    the code too. Noise has unit variance before the filter.
    """
    count = round(duration_s * front.rate_hz)
    time_s = np.arange(count) / front.rate_hz
    total = np.zeros(count, np.complex128)
    for signal in signals:
        amplitude = np.sqrt(10 ** (signal.cn0_dbhz / 10) / front.rate_hz)
        rate = CHIP_RATE_HZ * (1 + signal.doppler_hz / CARRIER_HZ)
        code = codes.at(signal.system, signal.prn, signal.phase_chips + rate * time_s)
        length = CHIP_RATE_HZ * _BIT_S[signal.system]
        edge = rng.uniform(0, length) if signal.system == "G" else 0.0
        edge -= edge % 1023  # bits turn where a code begins
        bit = ((signal.phase_chips + edge + rate * time_s) // length).astype(np.int64)
        turns = 1 - 2 * rng.integers(0, 2, int(bit[-1]) + 1)
        spin = np.exp(2j * np.pi * (signal.doppler_hz * time_s + rng.random()))
        total += amplitude * code * turns[bit] * spin
    noise = rng.normal(0, np.sqrt(0.5), (count, 2))
    total += noise[:, 0] + 1j * noise[:, 1]
    return quantise(_filtered(total, front), front.bits)


def _filtered(raw: NDArray[np.complex128], front: FrontEnd) -> NDArray[np.complex128]:
    """Behind a steep filter of the front end's bandwidth."""
    frequency = np.fft.fftfreq(len(raw), 1 / front.rate_hz)
    gain = 1 / np.sqrt(1 + (2 * np.abs(frequency) / front.bandwidth_hz) ** 16)
    return np.asarray(np.fft.ifft(np.fft.fft(raw) * gain))


def quantise(raw: NDArray[np.complex128], bits: int) -> NDArray[np.complex64]:
    """Levels of a converter whose gain control holds one sigma at the best step (Max, 1960)."""
    steps = {1: 1.596, 2: 0.996, 3: 0.586, 4: 0.335}  # of a sigma
    if bits not in steps:
        raise ValueError(f"a converter has 1 to 4 bits here, not {bits}")
    step = steps[bits] * np.sqrt(0.5 * np.mean(np.abs(raw) ** 2))
    top = 2 ** (bits - 1) - 0.5

    def levels(part: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.clip(np.floor(part / step) + 0.5, -top, top))

    return (levels(raw.real) + 1j * levels(raw.imag)).astype(np.complex64)
