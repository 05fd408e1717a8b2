"""From what a triangulating sensor measures to height, by a calibration that a plane has made.

A plane is put at several known heights and seen. At each pixel its signal (a phase, a row of the
camera) rises with height along a curve that is almost straight; it is kept as
h = slope d + bend d^2, d = signal - reference. Between pixels the curve changes smoothly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

WITHIN_TWO = 0.9545  # share of a normal distribution within two standard deviations
NODES = 25  # per axis, where the curves are fitted before they are spread over the field


class CalibrationError(LingnanError):
    """The captures of a calibration do not determine it."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """h_um = slope d + bend d^2, d = signal - reference; float32 arrays of one shape.

    low_um, high_um: heights of the lowest and highest plane it was fitted on.
    residual_um: rms of the planes' heights about it, the noise of single pixels included; what
        whole planes are off is corrected for the curve's freedom to follow them.
    """

    reference: F32
    slope: F32
    bend: F32
    low_um: float
    high_um: float
    residual_um: float

    def height_um(self, signal: NDArray[np.floating]) -> F64:
        """Heights of signals of the curve's shape."""
        d = np.asarray(signal, np.float64) - self.reference
        return np.asarray(d * (self.slope + d * self.bend), np.float64)


def fit(signals: Sequence[NDArray[np.floating]], heights_um: Sequence[float], order: int) -> Curve:
    """The curve through planes at `heights_um`, smooth over the field.

    signals: one (H, W) for each plane, NaN where nothing was measured. order: of the polynomials
        in x and y that the signals follow.
    """
    if len(signals) != len(heights_um) or len(set(heights_um)) < 4:
        raise CalibrationError(
            f"a height calibration needs 4 or more planes at different heights, got {heights_um}"
        )
    shape = (signals[0].shape[0], signals[0].shape[1])
    heights = np.asarray(heights_um, np.float64)
    at_nodes = np.stack([_smooth(s, order) for s in signals])
    reference, slope, bend = _curves(at_nodes, heights)
    low, high = float(heights.min()), float(heights.max())
    maps = [_spread(values, shape, order) for values in (reference, slope, bend)]
    curve = Curve(maps[0], maps[1], maps[2], low, high, 0.0)
    left = [curve.height_um(s) - z for s, z in zip(signals, heights, strict=True)]
    between = np.mean([np.nanmean(e) ** 2 for e in left]) * len(left) / (len(left) - 3)
    within = np.mean([np.nanvar(e) for e in left])
    residual = float(np.sqrt(between + within))
    return Curve(maps[0], maps[1], maps[2], low, high, residual)


def _curves(signals: F64, heights: F64) -> tuple[F64, F64, F64]:
    """reference, slope and bend of (K, n) signals of planes at (K,) heights."""
    reference = np.array(
        [np.polyval(np.polyfit(heights, s, 2), 0.0) for s in signals.T], np.float64
    )
    d = signals - reference
    left = np.stack([d, d * d], axis=-1).transpose(1, 0, 2)  # (n, K, 2)
    normal = left.transpose(0, 2, 1) @ left
    right = left.transpose(0, 2, 1) @ np.broadcast_to(heights[:, None], (len(d.T), len(d), 1))
    found = np.linalg.solve(normal, right)[..., 0]
    return reference, np.asarray(found[:, 0], np.float64), np.asarray(found[:, 1], np.float64)


def _terms(y: F64, x: F64, order: int) -> F64:
    """Products of Legendre polynomials of total degree up to `order`, (n, terms)."""
    px, py = (np.polynomial.legendre.legvander(v, order) for v in (x, y))
    pairs = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    return np.stack([py[:, i] * px[:, j] for i, j in pairs], axis=1)


def _axis(count: int) -> F64:
    return np.linspace(-1, 1, count) if count > 1 else np.zeros(1)


def _smooth(signal: NDArray[np.floating], order: int) -> F64:
    """Values at the nodes of the polynomial through a signal's pixels, (NODES^2,)."""
    every = max(int(np.sqrt(signal.size / 40_000)), 1)
    thin = np.asarray(signal[::every, ::every], np.float64)
    rows, columns = signal.shape
    y, x = np.meshgrid(_axis(rows)[::every], _axis(columns)[::every], indexing="ij")
    there = np.isfinite(thin)
    if there.mean() < 0.5:
        raise CalibrationError("less than half of a calibration plane was seen")
    terms = _terms(y[there], x[there], order)
    weights = np.linalg.lstsq(terms, thin[there], rcond=None)[0]
    y, x = np.meshgrid(_axis(NODES), _axis(NODES), indexing="ij")
    return np.asarray(_terms(y.ravel(), x.ravel(), order) @ weights, np.float64)


def _spread(values: F64, shape: tuple[int, int], order: int) -> F32:
    """Values at the nodes to the whole field, (H, W) float32."""
    y, x = np.meshgrid(_axis(NODES), _axis(NODES), indexing="ij")
    weights = np.linalg.lstsq(_terms(y.ravel(), x.ravel(), order), values, rcond=None)[0]
    px, py = (np.polynomial.legendre.legvander(_axis(n), order) for n in shape[::-1])
    square = np.zeros((order + 1, order + 1))
    pairs = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    for (i, j), weight in zip(pairs, weights, strict=True):
        square[i, j] = weight
    return np.ascontiguousarray(py @ square @ px.T, np.float32)
