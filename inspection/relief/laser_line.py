"""Sheet of light: frames of a laser line, one for each encoder step, to a height map.

In each column the line's row is found to a fraction of a pixel, by the centre of gravity, by three
points of a Gaussian, or by the zero of a smoothed derivative (FIR: Blais and Rioux 1986, Signal
Processing 11, 145). A plane at known heights turns rows into heights. The uncertainty of a point
adds, as variances: the camera's noise and the speckle, both as weighted by the line's own profile;
what the planes leave; and what the width of the line mixes. How strong the speckle is, the planes
tell: speckle multiplies, so that it goes with the square of the light, shot noise with the light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.jit import njit
from inspection.relief.mixing import FAST, mixed
from inspection.relief.triangulation import WITHIN_TWO, CalibrationError, Curve, fit

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Peak = Literal["gravity", "gaussian", "fir"]

PEAKS: tuple[Peak, ...] = ("gravity", "gaussian", "fir")
ORDER = 4  # of the polynomials along the line: lens distortion, the line's own bow
HALF_WINDOW = 5  # rows on either side of the brightest that belong to the line
FLOOR_DN = 6.0  # above the background below which a pixel is not counted
LEAST_DN = 12.0  # of the brightest row, above the background
SATURATED = 254
MOST_ROWS = 256
MOST_SATURATED = 2  # rows of a column
DOUBT = 3.0  # times the plane's mean, above which mixing is taken for real
MOST_WIDTH = 2.0  # of the line's variance across on a plane: above it there are two lines
MOST_OTHER = 0.3  # of the brightest row, elsewhere in the column: more is a second line
BEYOND = 0.15  # share of the calibrated range that heights may lie outside of it


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """(steps, W) float32 each. row: of the line, NaN where there is none. light_dn: sum over the
    line. camera, speckle: variance of the row, px^2, by a unit of each: sum (r - row)^2 I / light^2
    and sum (r - row)^2 I^2 / light^2."""

    row: F32
    light_dn: F32
    camera: F32
    speckle: F32


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A scan of the calibration plane at one height: frames (steps, R, W)."""

    height_um: float
    frames: U8


@dataclass(frozen=True, slots=True, eq=False)
class LaserCalibration:
    """What `calibrate` found.

    curve: arrays (1, W), rows to heights. background_dn: of a frame beside the line. per_dn:
    variance of a grey value a grey value. speckle: factor of `Lines.speckle`. width_px2: variance
    across the line, rows. blur_px: of the line along the scan. lean, floor_um2: see `mixed`.
    fixed_um: what whole planes are off.
    """

    peak: Peak
    curve: Curve
    um_per_px: float
    background_dn: float
    per_dn: float
    speckle: float
    width_px2: float
    blur_px: float
    lean: float
    floor_um2: float
    fixed_um: float


def find(frames: U8, background_dn: float, peak: Peak = "gravity") -> Lines:
    """The line in every column of (steps, R, W) frames."""
    steps, rows, width = frames.shape
    if rows > MOST_ROWS:
        raise ValueError(f"a window of {rows} rows; the line is sought in up to {MOST_ROWS}")
    out = [np.empty((steps, width), np.float32) for _ in range(4)]
    _find(np.ascontiguousarray(frames), np.float32(background_dn), PEAKS.index(peak), *out)
    return Lines(*out)


def calibrate(
    scans: Sequence[Scan],
    um_per_px: float,
    blur_px: float,
    per_dn: float,
    peak: Peak = "gravity",
) -> LaserCalibration:
    """The calibration from scans of a plane at four heights or more.

    per_dn: variance of a grey value a grey value (photon transfer) of the camera. blur_px: standard
    deviation of the line across, in steps.
    """
    if not scans or scans[0].frames.ndim != 3 or scans[0].frames.dtype != np.uint8:
        raise CalibrationError("a laser calibration needs scans of (steps, R, W) uint8 frames")
    background = float(np.median(scans[0].frames))
    found = [find(scan.frames, background, peak) for scan in scans]
    curve = _across(fit([lines.row for lines in found], [s.height_um for s in scans], ORDER))
    left = [line.row - np.nanmean(line.row, axis=0) for line in found]
    off = [np.square(e) / 4 - per_dn * line.camera for e, line in zip(left, found, strict=True)]
    ratios = [e / line.speckle for e, line in zip(off, found, strict=True)]
    speckle = max(float(np.nanquantile(ratios, WITHIN_TWO)), 0.0)
    rise = float(np.median(np.abs(curve.slope)))
    lean = um_per_px * float(np.sqrt(max((rise / um_per_px) ** 2 - 1, 0.0)))
    offsets = [
        float(np.nanmean(curve.height_um(line.row) - scan.height_um))
        for line, scan in zip(found, scans, strict=True)
    ]
    fixed = float(np.sqrt(np.mean(np.square(offsets)) * len(scans) / (len(scans) - 3)))
    width = float(np.nanmedian([line.camera * line.light_dn for line in found]))
    first = LaserCalibration(
        peak, curve, um_per_px, background, per_dn, speckle, width, blur_px, lean, 0.0, fixed
    )
    return replace(first, floor_um2=DOUBT * float(np.mean([_moved(one, first) for one in found])))


def _moved(lines: Lines, calibration: LaserCalibration) -> float:
    """Mean of what `mixed` adds to the variance of a plane, um^2: speckle, taken for texture."""
    raw, variance = _raw(lines, calibration)
    plain = variance.copy()
    _, sigma = mixed(raw, variance, lines.light_dn, calibration.blur_px**2, calibration.lean, 0.0)
    return float(np.nanmean(np.square(sigma) - plain))


def _across(curve: Curve) -> Curve:
    """The curve of the columns: the scan has no place of its own in it."""
    middle = curve.slope.shape[0] // 2
    here = slice(middle, middle + 1)
    return replace(
        curve,
        reference=np.ascontiguousarray(curve.reference[here]),
        slope=np.ascontiguousarray(curve.slope[here]),
        bend=np.ascontiguousarray(curve.bend[here]),
    )


def reconstruct(frames: U8, calibration: LaserCalibration) -> HeightMap:
    """Heights of (steps, R, W) frames, one row of the map a step.

    NaN where the line is hidden, too weak, saturated, or out of the calibrated range.
    """
    curve = calibration.curve
    if frames.ndim != 3 or frames.shape[2] != curve.slope.shape[1]:
        raise ValueError(f"frames {frames.shape}, calibrated {curve.slope.shape[1]} columns")
    lines = find(frames, calibration.background_dn, calibration.peak)
    raw, variance = _raw(lines, calibration)
    height, sigma = mixed(
        raw,
        variance,
        lines.light_dn,
        calibration.blur_px**2,
        calibration.lean,
        calibration.floor_um2,
    )
    return HeightMap(height, calibration.um_per_px, sigma)


def _raw(lines: Lines, calibration: LaserCalibration) -> tuple[F32, F32]:
    """Heights and their variance, before the width of the line is thought of."""
    curve = calibration.curve
    d = lines.row - curve.reference
    raw = d * (curve.slope + d * curve.bend)
    rise = curve.slope + 2 * d * curve.bend
    margin = BEYOND * (curve.high_um - curve.low_um)
    double = lines.camera * lines.light_dn > MOST_WIDTH * calibration.width_px2
    out = ~((raw > curve.low_um - margin) & (raw < curve.high_um + margin))
    raw[out | double] = np.nan
    rows = calibration.per_dn * lines.camera + calibration.speckle * lines.speckle
    return raw, rise * rise * rows + np.float32(calibration.fixed_um**2)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _find(frames, background, peak, row, light, camera, speckle):  # type: ignore[no-untyped-def]
    """Bytes alone in the loops over all pixels, so that a vector register holds many columns."""
    steps, rows, width = frames.shape
    best, other, where, low, high = np.empty((5, width), np.uint8)
    for k in range(steps):
        _brightest(frames[k], best, where)
        for x in range(width):
            low[x] = max(int(where[x]) - HALF_WINDOW, 0)
            high[x] = min(int(where[x]) + HALF_WINDOW, rows - 1)
        _elsewhere(frames[k], low, high, other)
        for x in range(width):
            row[k, x], light[k, x] = np.nan, 0.0
            camera[k, x], speckle[k, x] = np.nan, np.nan
            above = np.float32(best[x]) - background
            if above >= LEAST_DN and np.float32(other[x]) - background < MOST_OTHER * above:
                top = int(where[x])
                _moments(frames[k], x, top, background, peak, k, row, light, camera, speckle)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _brightest(frame, best, where):  # type: ignore[no-untyped-def]
    """Grey value and row of each column's brightest pixel."""
    best[:], where[:] = 0, 0
    for r in range(frame.shape[0]):
        line, here = frame[r], np.uint8(r)
        for x in range(best.size):
            better = line[x] > best[x]
            where[x] = here if better else where[x]
            best[x] = line[x] if better else best[x]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _elsewhere(frame, low, high, other):  # type: ignore[no-untyped-def]
    """Grey value of the brightest pixel outside rows low to high."""
    other[:] = 0
    for r in range(frame.shape[0]):
        line, here = frame[r], np.uint8(r)
        for x in range(other.size):
            apart = (here < low[x]) | (here > high[x])
            value = line[x] if apart else np.uint8(0)
            other[x] = max(other[x], value)


@njit(cache=True, fastmath=FAST, error_model="numpy", inline="always")
def _moments(frame, x, top, background, peak, k, row, light, camera, speckle):  # type: ignore[no-untyped-def]
    low, high = max(top - HALF_WINDOW, 0), min(top + HALF_WINDOW, frame.shape[0] - 1)
    total, first, linear, square, saturated = 0.0, 0.0, 0.0, 0.0, 0
    for r in range(low, high + 1):
        value = float(frame[r, x]) - background
        saturated += frame[r, x] >= SATURATED
        if value > FLOOR_DN:
            total += value
            first += value * (r - top)
    centre = first / total
    for r in range(low, high + 1):
        value = float(frame[r, x]) - background
        if value > FLOOR_DN:
            away = (r - top - centre) ** 2
            linear += away * value
            square += away * value * value
    if saturated > MOST_SATURATED or low == 0 or high == frame.shape[0] - 1:
        return
    if peak == 0:
        at = centre
    elif peak == 1:
        at = _gaussian(frame, x, top, background)
    else:
        at = _fir(frame, x, top)
    row[k, x], light[k, x] = top + at, total
    camera[k, x], speckle[k, x] = linear / (total * total), square / (total * total)


@njit(cache=True, fastmath=FAST, error_model="numpy", inline="always")
def _gaussian(frame, x, top, background):  # type: ignore[no-untyped-def]
    """Vertex of the parabola through the logarithms of three rows."""
    a = np.log(max(float(frame[top - 1, x]) - background, 0.5))
    b = np.log(max(float(frame[top, x]) - background, 0.5))
    c = np.log(max(float(frame[top + 1, x]) - background, 0.5))
    curved = a - 2 * b + c
    return 0.5 * (a - c) / curved if curved < 0 else 0.0


@njit(cache=True, fastmath=FAST, error_model="numpy", inline="always")
def _slope(frame, x, r):  # type: ignore[no-untyped-def]
    return (
        float(frame[r - 2, x]) + float(frame[r - 1, x])
        - float(frame[r + 1, x]) - float(frame[r + 2, x])
    )  # fmt: skip


@njit(cache=True, fastmath=FAST, error_model="numpy", inline="always")
def _fir(frame, x, top):  # type: ignore[no-untyped-def]
    """Zero of the derivative [1 1 0 -1 -1] beside the brightest row."""
    here = _slope(frame, x, top)
    step = 1 if here < 0 else -1
    there = _slope(frame, x, top + step)
    return step * here / (here - there) if here * there < 0 else 0.0
