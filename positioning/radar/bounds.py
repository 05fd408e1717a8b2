"""How well one target can be measured: Cramer-Rao bounds for its range, velocity and direction.

Rife and Boorstyn 1974, IEEE T-IT 20:591: the frequency of a tone over N uniform samples, with
unknown amplitude and phase, has var(omega) >= 6 / (E/N0 (N^2 - 1)), where E/N0 is the energy of all
samples together over the noise's variance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from positioning.radar.waveform import Waveform

Floats = NDArray[np.float64]


def tone_variance(energy_to_noise: ArrayLike, count: int) -> Floats:
    """Variance of a tone's angular frequency in radians a sample."""
    bound: Floats = 6.0 / (np.asarray(energy_to_noise, np.float64) * (count**2 - 1))
    return bound


def range_variance_m2(waveform: Waveform, energy_to_noise: ArrayLike) -> Floats:
    """Of the range at the frame's middle, where it does not depend on the velocity's error
    beyond the range-Doppler coupling."""
    per_radian = waveform.range_resolution_m * waveform.samples / (2 * np.pi)
    return per_radian**2 * tone_variance(energy_to_noise, waveform.samples)


def velocity_variance(waveform: Waveform, energy_to_noise: ArrayLike) -> Floats:
    """Of the range rate, (m/s)^2."""
    per_radian = waveform.wavelength_m / (4 * np.pi * waveform.loop_s)
    return per_radian**2 * tone_variance(energy_to_noise, waveform.loops)


def direction_variance(elements: int, energy_to_noise: ArrayLike) -> Floats:
    """Of u = sin(azimuth) cos(elevation) by a uniform row at half a wavelength; the energy is
    that in the row."""
    return tone_variance(energy_to_noise, elements) / np.pi**2
