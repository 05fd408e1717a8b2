"""The echo of falling rain: a volume of drops too many to count one by one.

Within a range bin the sum over drops is complex Gaussian (central limit); drops all over the field
of view reach elements half a wavelength apart with nearly independent phases; their velocities
spread the Doppler spectrum as a Gaussian. The power of a range bin is the radar equation
integrated over the shell: sent lambda^2 eta dR / ((4 pi)^3 R^2) times the integral of the gain
squared over directions, and the attenuation there and back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from positioning.radar.waveform import Waveform
from positioning.sim.radar.device import Device, Rain

NEAREST_M = 1.0  # drops nearer than that lie in the antennas' near field
TURBULENCE_MPS = 1.5
FIELD_SPREAD = 0.15  # of the carrier's speed, by the directions that drops are seen in


def rain_echo(
    waveform: Waveform, device: Device, rain: Rain, forward_mps: float, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """(chirps, rx, samples) in square roots of milliwatts, for a carrier's speed ahead."""
    loops, transmitters, receivers, samples = waveform.shape
    shape = (loops, transmitters, receivers, samples, 2)
    white = rng.standard_normal(shape, np.float32).view(np.complex64)[..., 0]
    slow = fft.fft(white, axis=0, overwrite_x=True)
    slow *= _doppler(waveform, forward_mps)[:, None, None, None]
    bins = fft.ifft(slow, axis=0, overwrite_x=True)
    bins *= np.sqrt(bin_power_mw(waveform, device, rain) / 2).astype(np.float32)
    ramp = fft.ifft(bins, axis=-1, overwrite_x=True, norm="forward")
    echo: NDArray[np.complex64] = ramp.reshape(loops * transmitters, receivers, samples)
    return echo


def bin_power_mw(waveform: Waveform, device: Device, rain: Rain) -> NDArray[np.float64]:
    """(samples,) mean echo of each range bin at one element."""
    distance = np.arange(waveform.samples) * waveform.range_resolution_m
    far = np.maximum(distance, NEAREST_M)
    sent = 10 ** (device.tx_power_dbm / 10) * waveform.wavelength_m**2 / (4 * math.pi) ** 3
    shell = rain.reflectivity_per_m * waveform.range_resolution_m * _gain_squared(device)
    lost = 10 ** (-2 * rain.attenuation_db_per_m * far / 10)
    power: NDArray[np.float64] = sent * shell * lost / far**2 * (distance >= NEAREST_M)
    return power


def _doppler(waveform: Waveform, forward_mps: float) -> NDArray[np.float32]:
    """(loops,) amplitude of the Doppler bins, of mean square 1, folded as the waveform folds it."""
    spread = math.hypot(TURBULENCE_MPS, FIELD_SPREAD * forward_mps)
    velocity = np.fft.fftfreq(waveform.loops) * waveform.ambiguous_velocity_mps
    folds = np.arange(-3, 4)[:, None] * waveform.ambiguous_velocity_mps
    density = np.exp(-0.5 * ((velocity + folds + forward_mps) / spread) ** 2).sum(axis=0)
    amplitude: NDArray[np.float32] = np.sqrt(density / density.mean()).astype(np.float32)
    return amplitude


def _gain_squared(device: Device) -> float:
    """Integral of the squared gain of one antenna over all directions, in steradian."""
    azimuth, elevation = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, 181), np.linspace(-np.pi / 2, np.pi / 2, 181)
    )
    level = np.cos(elevation)
    direction = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], -1)
    gain = device.pattern(direction.reshape(-1, 3)).reshape(azimuth.shape)
    return float((gain**2 * level).sum() * (np.pi / 180) ** 2)
