"""Peaks of the range-Doppler map: which are worth testing, and where between bins they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from positioning.radar.cfar import Cells
from positioning.radar.spectrum import Power, Spectrum

Floats = NDArray[np.float64]
Snapshots = NDArray[np.complex64]

SIDELOBE = 10**-2.8  # Hann's first side lobe is 31.5 dB down; noise may lift it a little
NEAR = 4  # bins to each side that hold all of a windowed tone worth having
STEP = 0.25  # bins
SIDELOBE_BINS = 9  # width of the cross in which a side lobe is looked for


def candidates(power: Power) -> tuple[Cells, Cells]:
    """(Doppler, range) bins of local maxima that are no side lobe of a neighbour.

    The map wraps around in Doppler and ends in range.
    """
    edges = ("wrap", "nearest")
    highest = ndimage.maximum_filter(power, size=3, mode=edges)
    row, column = np.nonzero(power == highest)
    peak = power[row, column]
    along_range = ndimage.maximum_filter1d(power, SIDELOBE_BINS, axis=1, mode="nearest")
    along_doppler = ndimage.maximum_filter1d(power, SIDELOBE_BINS, axis=0, mode="wrap")
    strongest = np.maximum(along_range[row, column], along_doppler[row, column])
    own = peak > SIDELOBE * strongest
    return row[own], column[own]


def offsets(near: Snapshots, count: int) -> tuple[Floats, Floats]:
    """(fraction of a bin, gain) of the peaks beside their bins, from (D, elements, 2 NEAR + 1)
    complex bins around them along one axis of `count` samples.

    The peak of the windowed periodogram, summed over the elements: the spectrum between bins by
    its own kernel, at the place that Grandke's ratio tells (1983, IEEE T-IM 32:350: exact for one
    tone under a Hann window) and STEP to each side, and a parabola through the logarithms. gain:
    the peak's power over that in its bin.
    """
    power = (np.abs(near) ** 2).sum(axis=1)
    first = _grandke(power[:, NEAR - 1], power[:, NEAR], power[:, NEAR + 1])
    sides = [_between(near, first + step, count) for step in (-STEP, 0.0, STEP)]
    low, middle, high = np.log(np.stack(sides) + 1e-30)
    bend = np.minimum(low - 2 * middle + high, -1e-9)
    move = np.clip((low - high) / (2 * bend), -1, 1)
    peak = np.exp(middle - (low - high) * move / 4)
    return np.clip(first + STEP * move, -0.75, 0.75), peak / power[:, NEAR]


def around(values: Spectrum, row: Cells, column: Cells) -> tuple[Snapshots, Snapshots]:
    """(D, elements, 2 NEAR + 1) each: bins beside the peaks along Doppler and along range.

    Doppler wraps around; so does range, where a window's main lobe passes the sample rate.
    """
    loops, bins = values.shape[0], values.shape[3]
    flat = values.reshape(loops, -1, bins)
    near = np.arange(-NEAR, NEAR + 1)
    doppler = flat[(row[:, None] + near) % loops, :, column[:, None]]
    ranges = flat[row[:, None], :, (column[:, None] + near) % bins]
    return doppler.transpose(0, 2, 1), ranges.transpose(0, 2, 1)


def _grandke(low: Floats, peak: Floats, high: Floats) -> Floats:
    """With a = |X[k + 1]| / |X[k]| a tone lies (2a - 1) / (a + 1) behind k, likewise before it."""
    ahead, back = np.sqrt(high / peak), np.sqrt(low / peak)
    forward, backward = (2 * ahead - 1) / (ahead + 1), -(2 * back - 1) / (back + 1)
    mean = (high * forward + low * backward) / (high + low + 1e-30)
    offset: Floats = np.clip(mean, -0.5, 0.5)
    return offset


def _between(near: Snapshots, offset: Floats, count: int) -> Floats:
    """(D,) power summed over the elements at fractions of a bin from the middle one."""
    away = offset[:, None] - np.arange(-NEAR, NEAR + 1)
    turn = np.exp(-2j * np.pi * away)
    with np.errstate(divide="ignore", invalid="ignore"):
        kernel = (1 - turn) / (1 - np.exp(-2j * np.pi * away / count)) / count
    kernel = np.where(np.abs(away) < 1e-9, 1.0, kernel)
    power: Floats = (np.abs(np.einsum("dem,dm->de", near, kernel)) ** 2).sum(axis=1)
    return power
