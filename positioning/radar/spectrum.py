"""Samples to the range-Doppler spectrum of every virtual element, Hann windows on both axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from common.types.radar import RadarCube
from positioning.radar.waveform import RadarError, Waveform

Spectrum = NDArray[np.complex64]
Power = NDArray[np.float32]

HANN_NOISE_BANDWIDTH = 1.5  # bins (Harris 1978, Proc. IEEE 66:51); its processing loss is 1.76 dB


@dataclass(frozen=True, slots=True, eq=False)
class RangeDoppler:
    """values: (loops, tx, rx, samples), Doppler bins in the order of the FFT (0 first).

    power: (loops, samples), summed over all virtual elements; white noise has mean `elements`
    times its variance in one of them.
    """

    values: Spectrum
    power: Power

    @property
    def elements(self) -> int:
        """Virtual elements that `power` sums over."""
        return int(self.values.shape[1] * self.values.shape[2])


def samples(cube: RadarCube, waveform: Waveform) -> Spectrum:
    """(loops, tx, rx, samples) complex samples. RadarError for a cube of another shape."""
    if cube.adc.shape[:-1] != waveform.shape:
        raise RadarError(
            f"a radar cube of {cube.adc.shape[:-1]}, but the waveform has {waveform.shape} "
            "(loops, transmitters, receivers, samples): use the config of that recording"
        )
    return cube.adc.astype(np.float32).view(np.complex64)[..., 0]


def transform(signal: Spectrum) -> RangeDoppler:
    """Range FFT of every chirp, Doppler FFT over the chirps of every transmitter.

    The windows have unit energy, so that noise keeps its variance and a tone gains the number of
    samples over the window's noise bandwidth. `signal` is overwritten.
    """
    loops, transmitters, receivers, count = signal.shape
    signal *= hann(count)
    ranges = fft.fft(signal, axis=-1, overwrite_x=True)
    ranges *= hann(loops)[:, None, None, None]
    values = fft.fft(ranges, axis=0, overwrite_x=True)
    return RangeDoppler(values, energy(values.reshape(loops, transmitters * receivers, count)))


def energy(values: Spectrum) -> Power:
    """(loops, samples) sum of squares over the middle axis."""
    parts = values.view(np.float32)
    summed = np.einsum("dcr,dcr->dr", parts, parts)
    power: Power = summed[:, 0::2] + summed[:, 1::2]
    return power


@lru_cache(maxsize=16)
def hann(count: int) -> NDArray[np.float32]:
    """(count,) periodic Hann window of unit energy."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / count)
    window /= np.sqrt((window**2).sum())
    window.setflags(write=False)
    return window.astype(np.float32)
