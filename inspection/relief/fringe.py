"""Fringe projection: frames of shifted fringes to a height map with an uncertainty a point.

Calibrated by a plane at known heights alone (`calibrate`); nothing of projector or geometry is
told. The uncertainty of a point adds, as variances: the camera's noise through the phase (photon
transfer, sigma_phi = sqrt(2 / N) s / B), what the planes of the calibration leave, and what the
lens mixes (`mixing`). Light that comes by way of another point is not in it: in a white groove it
can be off by several um.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.jit import njit
from inspection.relief.mixing import FAST, mixed
from inspection.relief.phase import Fringes, decode, decode_row, tables
from inspection.relief.photon_transfer import photon_transfer
from inspection.relief.triangulation import CalibrationError, Curve, fit

F32 = NDArray[np.float32]

ORDER = 5  # of the polynomials over the field: pinhole projector and its distortion
LEAST_SNR = 5.0  # modulation over noise below which a point counts as not seen
MOST_MISFIT = 0.5  # of the fringe order, see `Phase.misfit`
BEYOND = 0.15  # share of the calibrated range that heights may lie outside of it


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One height of the calibration plane: the frames, and the same again for the noise."""

    height_um: float
    frames: NDArray[Any]
    again: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class FringeCalibration:
    """What `calibrate` found. noise: variance of a grey value is noise[0] + noise[1] grey, DN^2.

    blur_px: standard deviation of lens and pixel together. saturated_dn: a grey value that is not
    to be trusted. fixed_um: rms that the planes leave beyond noise.
    """

    fringes: Fringes
    curve: Curve
    um_per_px: float
    noise: tuple[float, float]
    blur_px: float
    saturated_dn: float
    fixed_um: float


def calibrate(
    planes: Sequence[Plane], fringes: Fringes, um_per_px: float, blur_px: float
) -> FringeCalibration:
    """The calibration from a diffuse plane at four heights or more. CalibrationError when not."""
    frames = planes[0].frames if planes else np.zeros(0)
    if frames.dtype not in (np.uint8, np.uint16):
        raise CalibrationError("a fringe calibration needs planes of uint8 or uint16 frames")
    saturated = 254.5 if frames.dtype == np.uint8 else 4094.5
    noise = photon_transfer([(p.frames, p.again) for p in planes])
    seen, expected = [], []
    for plane in planes:
        phase = decode(plane.frames, fringes)
        spread = _phase_noise(phase.mean_dn, phase.modulation_dn, noise, fringes.steps[-1])
        good = (phase.modulation_dn > 0) & (phase.brightest_dn < saturated) & (spread < 0.2)
        seen.append(np.where(good & (phase.misfit < MOST_MISFIT), phase.phase_rad, np.nan))
        expected.append(np.mean(spread[good] ** 2))
    curve = fit(seen, [plane.height_um for plane in planes], ORDER)
    noise_um = float(np.sqrt(np.mean(expected)) * np.median(np.abs(curve.slope)))
    fixed = float(np.sqrt(max(curve.residual_um**2 - noise_um**2, 0.0)))
    return FringeCalibration(fringes, curve, um_per_px, noise, blur_px, saturated, fixed)


def _phase_noise(mean: F32, modulation: F32, noise: tuple[float, float], steps: int) -> F32:
    """Standard deviation of the phase, rad."""
    variance = noise[0] + noise[1] * mean
    return np.asarray(np.sqrt(2 / steps * variance) / np.maximum(modulation, 1e-6), np.float32)


def reconstruct(frames: NDArray[Any], calibration: FringeCalibration) -> HeightMap:
    """Heights of (frames, H, W) of the camera that was calibrated.

    NaN where the pattern is too weak, saturated, of doubtful order, or out of range.
    """
    curve, fringes = calibration.curve, calibration.fringes
    if frames.shape != (fringes.frames, *curve.slope.shape):
        raise ValueError(f"frames {frames.shape}, calibrated {curve.slope.shape} of {fringes}")
    raw, variance, modulation = (np.empty(curve.slope.shape, np.float32) for _ in range(3))
    margin = BEYOND * (curve.high_um - curve.low_um)
    limits = (
        calibration.noise[0] * 2 / fringes.steps[-1],
        calibration.noise[1] * 2 / fringes.steps[-1],
        LEAST_SNR**2,
        calibration.saturated_dn,
        MOST_MISFIT,
        curve.low_um - margin,
        curve.high_um + margin,
        calibration.fixed_um**2,
    )
    _heights(
        np.ascontiguousarray(frames),
        *tables(fringes),
        curve.reference,
        curve.slope,
        curve.bend,
        np.array(limits, np.float32),
        raw,
        variance,
        modulation,
    )
    height, sigma = mixed(raw, variance, modulation, calibration.blur_px**2)
    return HeightMap(height, calibration.um_per_px, sigma)


_NAN = np.float32(np.nan)
_TWO = np.float32(2)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _heights(  # type: ignore[no-untyped-def]
    frames, first, sine, cosine, counts, reference, slope, bend, limits, height, sigma2, modulation
):
    """Height, its variance and the modulation of every pixel, row by row through the caches."""
    width = frames.shape[2]
    s, c, phase, mean, top, off = np.empty((6, width), np.float32)
    offset, per_dn, least, saturated, misfit, low, high, fixed = limits
    for row in range(frames.shape[1]):
        mod = modulation[row]
        decode_row(frames, row, first, sine, cosine, counts, s, c, phase, mod, mean, top, off)
        for x in range(width):
            d = phase[x] - reference[row, x]
            h = d * (slope[row, x] + d * bend[row, x])
            rise = slope[row, x] + _TWO * d * bend[row, x]
            power = mod[x] * mod[x]
            spread = offset + per_dn * mean[x]  # 2 / N of a frame's variance
            seen = (
                (power > least * spread)
                & (top[x] < saturated)
                & (off[x] < misfit)
                & (h > low)
                & (h < high)
            )
            height[row, x] = h if seen else _NAN
            sigma2[row, x] = rise * rise * spread / power + fixed if seen else _NAN
