"""One direction a cell: the peak of the angle FFT, refined; and elevation by the raised row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.radar.array import Rows, Snapshots, beam_directions, beams, steering

Floats = NDArray[np.float64]
NEWTON_STEPS = 3


def single(row: Snapshots, y: Floats) -> tuple[Floats, Floats]:
    """(u, residual) of (D, M) snapshots: the maximum-likelihood direction of one source, by the
    angle FFT and Newton steps on its beam's power, and the energy that it leaves unexplained."""
    directions = beam_directions()
    u = directions[np.argmax(beams(row), axis=1)]
    for _ in range(NEWTON_STEPS):
        u = u + np.clip(_newton(row, y, u), -1 / len(y) / 4, 1 / len(y) / 4)
    u = (u + 1) % 2 - 1
    peak = np.abs((steering(y, u).conj() * row).sum(axis=1)) ** 2 / len(y)
    return u, np.maximum((np.abs(row) ** 2).sum(axis=1) - peak, 0.0)


def _newton(row: Snapshots, y: Floats, u: Floats) -> Floats:
    """Step towards the maximum of |b(u)|^2 with b = sum of conj(a(u)) times the snapshot."""
    terms = steering(y, u).conj() * row
    slope = 1j * np.pi * y
    b, b1, b2 = terms.sum(axis=1), (terms * slope).sum(axis=1), (terms * slope**2).sum(axis=1)
    first = 2 * (b.conj() * b1).real
    second = 2 * (np.abs(b1) ** 2 + (b.conj() * b2).real)
    step: Floats = np.where(second < 0, -first / np.where(second < 0, second, 1.0), 0.0)
    return step


def elevation_rad(flat: Snapshots, layout: Rows, u: Floats) -> Floats:
    """(D,) elevation by the phase from the level to the raised row, towards direction u.

    Zeros without a raised row; phases beyond what a direction can give end at the horizon's edge.
    """
    if not len(layout.raised):
        return np.zeros(len(flat))
    low = (steering(layout.y, u).conj() * flat[:, layout.level]).sum(axis=1)
    high = (steering(layout.raised_y, u).conj() * flat[:, layout.raised]).sum(axis=1)
    return between_rows(low, high, layout.raised_z)


def between_rows(low: Snapshots, high: Snapshots, height: float) -> Floats:
    """Elevation by a source's amplitudes in two rows, `height` half wavelengths apart."""
    w = -np.angle(high * low.conj()) / (np.pi * height)
    elevation: Floats = np.arcsin(np.clip(w, -1, 1))
    return elevation


def azimuth_rad(u: Floats, elevation: Floats) -> Floats:
    """(D,) azimuth of a direction u at that elevation."""
    azimuth: Floats = np.arcsin(np.clip(u / np.maximum(np.cos(elevation), 0.2), -1, 1))
    return azimuth
