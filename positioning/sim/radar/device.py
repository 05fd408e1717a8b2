"""The analogue side of a simulated radar, and other radars that disturb it. Units in the names."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BOLTZMANN_MW_PER_K_HZ = 1.380649e-20


@dataclass(frozen=True, slots=True)
class Device:
    """Transmit power, noise and converter; the defaults are of the order of an AWR1843's.

    gain_dbi: of one antenna at boresight; it falls as cos^2 in azimuth and cos^8 in elevation.
    phase_noise_dbc_hz: single side band at 1 MHz, of a Wiener phase; None for a clean oscillator.
    Only its difference over the echo's delay is seen (Budge and Burt 1993, range correlation).
    full_scale_dbm: at the antenna, the amplitude at which the converter clips.
    """

    tx_power_dbm: float = 12.0
    gain_dbi: float = 10.0
    noise_figure_db: float = 15.0
    temperature_k: float = 290.0
    phase_noise_dbc_hz: float | None = -93.0
    adc_bits: int = 12
    full_scale_dbm: float = -30.0

    def noise_mw(self, bandwidth_hz: float) -> float:
        """Thermal noise in that bandwidth, referred to the antenna."""
        factor = 10 ** (self.noise_figure_db / 10)
        return float(BOLTZMANN_MW_PER_K_HZ * self.temperature_k * bandwidth_hz * factor)

    def pattern(self, direction: Floats) -> Floats:
        """(N,) gain of one antenna towards (N, 3) unit vectors; none behind the array."""
        forward = np.clip(direction[:, 0], 0.0, None)
        level = np.sqrt(np.clip(1 - direction[:, 2] ** 2, 0.0, None))
        azimuth_cos = np.divide(forward, level, out=np.zeros_like(forward), where=level > 1e-6)
        gain: Floats = 10 ** (self.gain_dbi / 10) * azimuth_cos**2 * level**8
        return gain

    def echo_mw(
        self, rcs_m2: Floats, out_m: Floats, home_m: Floats, gains: Floats, wavelength_m: float
    ) -> Floats:
        """(N,) received power by the radar equation; gains is the product of both antennas'."""
        sent = 10 ** (self.tx_power_dbm / 10)
        spread = (4 * pi) ** 3 * out_m**2 * home_m**2
        power: Floats = sent * gains * wavelength_m**2 * rcs_m2 / spread
        return power

    @property
    def dn_per_root_mw(self) -> float:
        """Converter counts for an amplitude of one square root of a milliwatt."""
        return float(2 ** (self.adc_bits - 1) / 10 ** (self.full_scale_dbm / 20))


@dataclass(frozen=True, slots=True)
class Rain:
    """Rain at `rate_mm_h`, horizontally polarised at 77 GHz.

    Attenuation: ITU-R P.838-3, k = 1.132 and alpha = 0.718. Backscatter per volume:
    A R^B with A = 4.2e-5, B = 1.1 (Richard, Kammerer and Wallace 1988, fitted at 70 GHz).
    """

    rate_mm_h: float

    @property
    def attenuation_db_per_m(self) -> float:
        """One way."""
        return float(1.132e-3 * self.rate_mm_h**0.718)

    @property
    def reflectivity_per_m(self) -> float:
        """Cross section per volume, m2/m3."""
        return float(4.2e-5 * self.rate_mm_h**1.1)


@dataclass(frozen=True, slots=True)
class Interferer:
    """Another chirp-sequence radar that shines into ours.

    position_m: in our radar's frame. Its ramps start at carrier_hz every interval_s, the first
    one offset_s after our frame's begin, last ramp_s and rise by slope_hz_per_s (may be negative).
    """

    position_m: tuple[float, float, float] = (25.0, 3.0, 0.0)
    carrier_hz: float = 76.95e9
    slope_hz_per_s: float = 15.0e12
    ramp_s: float = 45.0e-6
    interval_s: float = 52.3e-6
    offset_s: float = 7.0e-6
    tx_power_dbm: float = 12.0
    gain_dbi: float = 10.0
