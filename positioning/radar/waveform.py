"""What a chirp-sequence MIMO radar sends and where its antennas stand; all else follows.

Frames: x forward, y to the left, z up (REP-103). Velocities are range rates: positive where the
range grows. Times within a frame count from its middle. (Richards, Fundamentals of Radar Signal
Processing, 2nd ed., chapters 3 and 5; Li and Stoica, MIMO Radar Signal Processing, 2009.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError

LIGHT_MPS = 299_792_458.0

Floats = NDArray[np.float64]


class RadarError(LingnanError):
    """A waveform or a frame of samples cannot be worked on."""


@dataclass(frozen=True)
class Waveform:
    """Time-division MIMO: each transmitter sends one chirp of every loop, in turn.

    carrier_hz: at the first sample of a chirp. slope_hz_per_s: of the ramp, positive.
    sample_rate_hz, samples: complex (I/Q) converter, samples of one chirp. loops: chirps of each
    transmitter. chirp_interval_s: from chirp to chirp, whichever transmitter sends.
    tx, rx: antenna positions (y, z) in half wavelengths at the middle of the ramp, transmitters
    in the order in which they send. The default has the layout and the limits of an AWR1843: two
    transmitters form a row of eight virtual elements, the third one stands half a wavelength
    higher.
    """

    carrier_hz: float = 77.0e9
    slope_hz_per_s: float = 20.0e12
    sample_rate_hz: float = 10.0e6
    samples: int = 256
    loops: int = 128
    chirp_interval_s: float = 36.0e-6
    tx: tuple[tuple[float, float], ...] = ((0.0, 0.0), (4.0, 0.0), (2.0, 1.0))
    rx: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0))

    def __post_init__(self) -> None:
        numbers = (self.carrier_hz, self.slope_hz_per_s, self.sample_rate_hz, self.chirp_interval_s)
        if not all(np.isfinite(value) and value > 0 for value in numbers):
            raise RadarError("carrier, slope, sample rate and chirp interval must be > 0")
        if self.samples < 8 or self.loops < 8 or not self.tx or not self.rx:
            raise RadarError("a frame needs 8 samples, 8 loops, a transmitter and a receiver")
        if self.samples / self.sample_rate_hz > self.chirp_interval_s:
            raise RadarError(
                f"{self.samples} samples take {self.samples / self.sample_rate_hz:.3g} s, "
                f"longer than the chirp interval of {self.chirp_interval_s:.3g} s"
            )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(loops, transmitters, receivers, samples) of a frame."""
        return self.loops, len(self.tx), len(self.rx), self.samples

    @property
    def elements(self) -> int:
        """Virtual elements."""
        return len(self.tx) * len(self.rx)

    @property
    def ramp_s(self) -> float:
        """Time that is sampled of each chirp."""
        return self.samples / self.sample_rate_hz

    @property
    def bandwidth_hz(self) -> float:
        """Swept while sampling."""
        return self.slope_hz_per_s * self.ramp_s

    @property
    def centre_hz(self) -> float:
        """Frequency at the middle of the sampled ramp: that of all phases after the range FFT."""
        return self.carrier_hz + self.bandwidth_hz / 2

    @property
    def wavelength_m(self) -> float:
        """At `centre_hz`."""
        return LIGHT_MPS / self.centre_hz

    @property
    def loop_s(self) -> float:
        """From chirp to chirp of one transmitter."""
        return self.chirp_interval_s * len(self.tx)

    @property
    def frame_s(self) -> float:
        """Coherent processing interval."""
        return self.loop_s * self.loops

    @property
    def range_resolution_m(self) -> float:
        """c / 2B, the Rayleigh limit of an unweighted ramp; also the spacing of range bins."""
        return LIGHT_MPS / (2 * self.bandwidth_hz)

    @property
    def max_range_m(self) -> float:
        """Where the beat frequency reaches the sample rate."""
        return self.range_resolution_m * self.samples

    @property
    def velocity_resolution_mps(self) -> float:
        """lambda / 2T of the frame; also the spacing of Doppler bins."""
        return self.wavelength_m / (2 * self.frame_s)

    @property
    def ambiguous_velocity_mps(self) -> float:
        """Velocities this far apart give the same Doppler bin: lambda / 2 T_loop."""
        return self.wavelength_m / (2 * self.loop_s)

    @property
    def range_doppler_coupling_s(self) -> float:
        """A range rate v shifts the apparent range by this times v: f_c / slope."""
        return self.centre_hz / self.slope_hz_per_s

    @cached_property
    def virtual(self) -> Floats:
        """(tx, rx, 2) positions (y, z) of the virtual elements in half wavelengths."""
        tx, rx = np.array(self.tx, np.float64), np.array(self.rx, np.float64)
        positions: Floats = tx[:, None, :] + rx[None, :, :]
        return positions

    @cached_property
    def chirp_times_s(self) -> Floats:
        """(loops, tx) middle of the sampled ramp of each chirp, from the middle of the frame."""
        count = self.loops * len(self.tx)
        order = np.arange(count, dtype=np.float64) - (count - 1) / 2
        times: Floats = (order * self.chirp_interval_s).reshape(self.loops, len(self.tx))
        return times
