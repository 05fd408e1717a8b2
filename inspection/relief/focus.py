"""Focus variation: a stack of frames along z to a height map.

The sum-modified Laplacian (Nayar and Nakagawa 1994, PAMI 16:824), squared, is summed over a small
window and freed of what the camera's noise adds. Over z its logarithm is close to a parabola at the
top, whose vertex over five frames is the height. A plane at known heights gives scale, field
curvature and how well texture of a given strength tells a height: the variance of a point is
a + b noise / strength, over the parabola's curvature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.jit import njit
from inspection.relief.mixing import FAST, mixed
from inspection.relief.triangulation import WITHIN_TWO, CalibrationError, Curve, fit

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

WINDOW = 5  # px a side
# along an axis, of the centre of the window weighted by the measure of white grain: 24 / 12 px^2,
# times 1.44 (relative variance of the measure) and 2.5 px^2 (its correlation), over 25
PLACE_PX2 = 0.29
ORDER = 4  # of the polynomials over the field
LEAST = 6.0  # focus measure at the top over what noise alone gives
APART = 4  # frames from the top, where another top would be another surface
MOST_OTHER = 0.4  # of the top's measure, that far from it
NOISE_GAIN = 12.0  # (2 I - l - r)^2 + (2 I - u - d)^2 of white noise, in units of its variance
BEYOND = 0.15  # share of the calibrated range that heights may lie outside of it


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """(H, W) float32 each. frame: number of the sharpest frame, to a fraction; NaN where none is.
    strength: focus measure there, DN^2. noise: what noise gives, DN^2. per_variance: variance of
    `frame` a variance of the measure's logarithm."""

    frame: F32
    strength: F32
    noise: F32
    per_variance: F32


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Frames (K, H, W) of the calibration plane at one height."""

    height_um: float
    frames: U8


@dataclass(frozen=True, slots=True, eq=False)
class FocusCalibration:
    """What `calibrate` found. curve: frames to heights. noise: variance of a grey value is
    noise[0] + noise[1] grey, DN^2. texture: (a, b), see above. blur_px: of window and lens."""

    curve: Curve
    um_per_px: float
    noise: tuple[float, float]
    texture: tuple[float, float]
    blur_px: float
    fixed_um: float


def peaks(frames: U8, noise: tuple[float, float]) -> Peaks:
    """The sharpest frame of every pixel of (K, H, W); K at least 5."""
    if len(frames) < 5:
        raise ValueError(f"{len(frames)} frames; a parabola over five needs more")
    measures = np.empty(frames.shape, np.float32)
    for k, image in enumerate(frames):
        measures[k] = _sharpness(image)
    grey = cv2.boxFilter(frames.mean(axis=0, dtype=np.float32), -1, (WINDOW, WINDOW))
    floor = np.float32(NOISE_GAIN) * (np.float32(noise[0]) + np.float32(noise[1]) * grey)
    out = [np.empty(frames.shape[1:], np.float32) for _ in range(3)]
    _tops(measures, floor, np.float32(LEAST), np.float32(MOST_OTHER), *out)
    return Peaks(out[0], out[1], floor, out[2])


def _sharpness(image: U8) -> F32:
    """Mean over the window of the squared modified Laplacian, DN^2."""
    plain = image.astype(np.float32)
    across = np.array([[-1.0, 2.0, -1.0]], np.float32)
    bent = [cv2.filter2D(plain, -1, kernel) for kernel in (across, across.T)]
    energy = cv2.multiply(bent[0], bent[0]) + cv2.multiply(bent[1], bent[1])
    return np.asarray(cv2.boxFilter(energy, -1, (WINDOW, WINDOW)), np.float32)


def calibrate(
    stacks: Sequence[Stack], um_per_px: float, noise: tuple[float, float], blur_px: float
) -> FocusCalibration:
    """The calibration from a rough plane at four heights or more. noise: of the camera."""
    if not stacks or stacks[0].frames.ndim != 3 or stacks[0].frames.dtype != np.uint8:
        raise CalibrationError("a focus calibration needs stacks of (K, H, W) uint8 frames")
    found = [peaks(stack.frames, noise) for stack in stacks]
    heights = [stack.height_um for stack in stacks]
    curve = fit([p.frame for p in found], heights, ORDER)
    errors = [curve.height_um(p.frame) - z for p, z in zip(found, heights, strict=True)]
    offsets = [float(np.nanmean(e)) for e in errors]
    texture = _texture(found, [e - o for e, o in zip(errors, offsets, strict=True)], curve)
    fixed = float(np.sqrt(np.mean(np.square(offsets)) * len(heights) / (len(heights) - 3)))
    blur = float(np.hypot(blur_px, np.sqrt((WINDOW**2 - 1) / 12)))
    return FocusCalibration(curve, um_per_px, noise, texture, blur, fixed)


def _texture(
    found: Sequence[Peaks], errors: Sequence[NDArray[np.float64]], curve: Curve
) -> tuple[float, float]:
    """(a, b) of the variance of ln(measure) = a + b noise / strength, from a plane's errors.

    Their ratio by the variance, their size so that two standard deviations hold 95.45 %.
    """
    weak, variance = [], []
    for one, error in zip(found, errors, strict=True):
        good = np.isfinite(error)
        weak.append((one.noise / one.strength)[good])
        variance.append((error**2 / curve.slope**2 / one.per_variance)[good])
    x, y = np.concatenate(weak), np.concatenate(variance)
    edges = np.quantile(x, np.linspace(0, 1, 21))
    which = np.clip(np.searchsorted(edges, x) - 1, 0, 19)
    count = np.maximum(np.bincount(which, minlength=20), 1)
    means = [np.bincount(which, v, minlength=20) / count for v in (x, y)]
    b, a = np.polyfit(means[0], means[1], 1)
    if min(a, b) <= 0:
        a, b = y.mean(), 0.0
    scale = np.quantile(y / (4 * (a + b * x)), WITHIN_TWO)
    return float(a * scale), float(b * scale)


def reconstruct(frames: U8, calibration: FocusCalibration) -> HeightMap:
    """Heights of (K, H, W) frames; NaN where nothing gets sharp, or at an end of the stack."""
    curve = calibration.curve
    if frames.shape[1:] != curve.slope.shape:
        raise ValueError(f"frames {frames.shape}, calibrated {curve.slope.shape}")
    found = peaks(frames, calibration.noise)
    d = found.frame - curve.reference
    raw = d * (curve.slope + d * curve.bend)
    margin = BEYOND * (curve.high_um - curve.low_um)
    raw[~((raw > curve.low_um - margin) & (raw < curve.high_um + margin))] = np.nan
    a, b = (np.float32(v) for v in calibration.texture)
    rise = curve.slope + 2 * d * curve.bend
    variance = rise * rise * found.per_variance * (a + b * found.noise / found.strength)
    variance += np.float32(calibration.fixed_um**2)
    blur_px2 = calibration.blur_px**2
    height, sigma = mixed(raw, variance, found.strength, blur_px2, place_px2=PLACE_PX2)
    return HeightMap(height, calibration.um_per_px, sigma)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _tops(measures, floor, least, most_other, frame, strength, per_variance):  # type: ignore[no-untyped-def]
    """Vertex of the least-squares parabola through five logarithms about the highest."""
    count, rows, columns = measures.shape
    for y in range(rows):
        for x in range(columns):
            best, top = 0, np.float32(0)
            for k in range(count):
                if measures[k, y, x] > top:
                    best, top = k, measures[k, y, x]
            frame[y, x], per_variance[y, x] = np.nan, np.nan
            strength[y, x] = max(top - floor[y, x], np.float32(1e-6))
            other = np.float32(0)
            for k in range(count):
                if abs(k - best) > APART:
                    other = max(other, measures[k, y, x] - floor[y, x])
            weak = top < least * floor[y, x] or other > most_other * strength[y, x]
            if weak or best < 2 or best > count - 3:
                continue
            s0, s1, s2 = 0.0, 0.0, 0.0
            for t in range(-2, 3):
                value = max(measures[best + t, y, x] - floor[y, x], 0.05 * floor[y, x])
                log = np.log(value)
                s0, s1, s2 = s0 + log, s1 + t * log, s2 + t * t * log
            b, c = s1 / 10, (s2 - 2 * s0) / 14
            at = -0.5 * b / c if c < 0 else 9.0
            if abs(at) <= 1.0:
                frame[y, x] = best + at
                per_variance[y, x] = (0.1 + 4 * at * at / 14) / (4 * c * c)
