"""The virtual array: its rows, its steering vectors, and the phases of time division.

A wave from direction u = sin(azimuth) cos(elevation), w = sin(elevation) reaches an element at
(y, z) half wavelengths with the phase -pi (y u + z w): an element to the left is nearer to a
target on the left, and the mixer's phase falls with the delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from positioning.radar.spectrum import Spectrum
from positioning.radar.waveform import RadarError, Waveform

Floats = NDArray[np.float64]
Snapshots = NDArray[np.complex128]
BEAMS = 128  # directions of the angle FFT over u = -1..1


@dataclass(frozen=True, eq=False)
class Rows:
    """The uniform row that azimuth is taken from, and the row above it, if there is one.

    level: indices into the flattened (tx, rx) elements, by rising y. y: their positions from 0.
    raised: indices of the other row's elements; raised_y; raised_z, its height; all half
    wavelengths relative to the first element of the level row.
    """

    level: NDArray[np.intp]
    y: Floats
    raised: NDArray[np.intp]
    raised_y: Floats
    raised_z: float


@lru_cache(maxsize=8)
def rows(waveform: Waveform) -> Rows:
    """The waveform's array sorted into rows. RadarError when no row is uniform at half a wave."""
    place = waveform.virtual.reshape(-1, 2)
    heights, count = np.unique(place[:, 1], return_counts=True)
    main = heights[np.argmax(count)]
    level = np.flatnonzero(place[:, 1] == main)
    level = level[np.argsort(place[level, 0])]
    if not np.array_equal(np.diff(place[level, 0]), np.ones(len(level) - 1)):
        raise RadarError("the virtual array has no uniform row at half a wavelength")
    other = heights[heights != main]
    raised_at = float(other[0]) if len(other) else float(main)
    raised = np.flatnonzero(place[:, 1] == raised_at) if len(other) else np.zeros(0, np.intp)
    origin = place[level[0], 0]
    return Rows(
        level, place[level, 0] - origin, raised, place[raised, 0] - origin, raised_at - float(main)
    )


def snapshots(values: Spectrum, doppler: NDArray[np.intp], ranges: NDArray[np.intp]) -> Snapshots:
    """(D, tx, rx) the cells' values in every element."""
    picked: Snapshots = values[doppler, :, :, ranges].astype(np.complex128)
    return picked


def compensated(found: Snapshots, waveform: Waveform, velocity_mps: Floats) -> Snapshots:
    """(D, elements): the turn by which a moving target's phase runs on from transmitter to
    transmitter taken back."""
    turn = 4 * np.pi / waveform.wavelength_m * waveform.chirp_interval_s * velocity_mps
    back = np.exp(-1j * turn[:, None] * np.arange(len(waveform.tx)))
    flat: Snapshots = (found * back[:, :, None]).reshape(len(found), np.prod(found.shape[1:]))
    return flat


def steering(y: Floats, u: Floats) -> Snapshots:
    """(..., len(y)) phases of a row for directions u (...)."""
    wave: Snapshots = np.exp(-1j * np.pi * np.asarray(u)[..., None] * y)
    return wave


def beam_directions() -> Floats:
    """(BEAMS,) u of the angle FFT's bins."""
    return 2 * np.asarray(np.fft.fftfreq(BEAMS), np.float64)


def beams(row: Snapshots) -> Floats:
    """(D, BEAMS) power of a uniform row's snapshots (D, M) over `beam_directions`."""
    power: Floats = np.abs(np.fft.ifft(row, BEAMS, axis=-1) * BEAMS) ** 2 / row.shape[-1]
    return power
