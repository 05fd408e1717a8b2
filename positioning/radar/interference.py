"""Ramps of other radars in the samples: found, cut out and bridged.

What a target gives differs little from a chirp to the next one of the same transmitter; what
another radar gives differs altogether. Samples that are far from both neighbours are cut out, and
the gap is filled from the chirp's own spectrum: iterative thresholding (IMAT; Bechter, Rameez and
Waldschmidt 2017; Marvasti et al. 2012), which keeps side lobes of the gap from rising.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from positioning.radar.spectrum import Spectrum

FALSE_CUT_RATE = 1e-4  # of clean samples
WIDEN = 2  # samples to each side, where a ramp enters and leaves the band
ROUNDS = 4
FINAL_SIGMA = 3.0  # peaks of a chirp's spectrum that are believed, over its noise
WORTH = 5e-4  # share of cut samples under which a frame counts as undisturbed

Mask = NDArray[np.bool_]


def disturbed(signal: Spectrum) -> Mask:
    """(loops, tx, samples), True where another radar is heard. signal: (loops, tx, rx, samples)."""
    step = np.diff(signal, axis=0).view(np.float32)
    squares = np.einsum("ltrn,ltrn->ltn", step, step)
    change = squares[..., 0::2] + squares[..., 1::2]
    nearest = np.empty((len(signal), *change.shape[1:]), np.float32)
    nearest[0], nearest[-1] = change[0], change[-1]
    np.minimum(change[1:], change[:-1], out=nearest[1:-1])
    usual = np.median(change[::4], axis=(0, 2))
    loud = nearest > (usual * _factor(signal.shape[2]))[None, :, None]
    if not loud.any():
        return np.asarray(loud)
    wide = np.ones((1, 1, 2 * WIDEN + 1))
    return np.asarray(ndimage.binary_dilation(loud, wide), np.bool_)


@lru_cache(maxsize=8)
def _factor(receivers: int) -> np.float32:
    """Threshold over the median of Gamma(receivers)."""
    from scipy.special import gammainccinv, gammaincinv

    ratio = gammainccinv(receivers, FALSE_CUT_RATE) / gammaincinv(receivers, 0.5)
    return np.float32(ratio)


def mitigate(signal: Spectrum, mask: Mask) -> None:
    """Replace the masked samples in place; chirps without any are not touched."""
    if mask.mean() < WORTH:
        return
    hit = mask.any(axis=2)
    chirps = signal[hit]  # (H, rx, samples)
    gaps = np.broadcast_to(mask[hit][:, None, :], chirps.shape)
    chirps[gaps] = 0
    signal[hit] = fill(chirps, gaps)


def fill(chirps: Spectrum, gaps: Mask) -> Spectrum:
    """(..., samples) with the gaps bridged by the strongest tones of each chirp."""
    kept = ~gaps
    share = np.maximum(kept.mean(axis=-1, keepdims=True), 0.1)
    filled = chirps.copy()
    for turn in range(ROUNDS):
        tones = fft.fft(filled, axis=-1)
        size = np.abs(tones)
        noise = np.median(size, axis=-1, keepdims=True) / np.float32(np.sqrt(np.log(2)))
        top = size.max(axis=-1, keepdims=True)
        fade = (turn + 1) / ROUNDS
        floor = np.float32(FINAL_SIGMA) * noise
        limit = np.maximum(top, floor) ** (1 - fade) * floor**fade
        tones[size < limit] = 0
        if turn == 0:
            tones /= share.astype(np.float32)
        guess = fft.ifft(tones, axis=-1, overwrite_x=True)
        filled = np.where(kept, chirps, guess).astype(np.complex64)
    return filled
