"""What a part is meant to look like, fitted through its own points: plane, polynomial, cylinder.

Iteratively reweighted least squares (Holland and Welsch 1977): Huber's weights until it is near,
then Tukey's biweight, which gives a flaw no say at all. The scale is the median absolute deviation
of the residuals. Fits run on a few thousand points of a coarse grid, residuals everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Model = Literal["plane", "quadratic", "quartic", "cylinder"]
Linear = Callable[[F64], tuple[F64, F64]]  # parameters -> residuals (N,), their Jacobian (N, P)

DEGREES: dict[str, int] = {"plane": 1, "quadratic": 2, "quartic": 4}
HUBER, TUKEY = 1.345, 4.685  # 95 % efficient on normal noise
MAD = 1.4826  # from median absolute deviation to standard deviation
MOST_POINTS = 4000
HUBER_STEPS, TUKEY_STEPS = 8, 12
CONVERGED = 1e-7


class FormError(LingnanError):
    """Too little was seen to fit the form through it."""


class Form(Protocol):
    """A fitted form. scale_um: robust standard deviation of the points about it."""

    @property
    def scale_um(self) -> float: ...

    def residual(self, height_um: F32, um_per_px: float) -> F32:
        """(H, W) height over the form, NaN where the height is."""

    def sigma_um(self, row: float, column: float, um_per_px: float) -> float:
        """Standard uncertainty of the form at a pixel, from the fit's covariance."""


@dataclass(frozen=True, slots=True, eq=False)
class Polynomial:
    """z = sum c[j, i] v^j u^i over i + j <= degree, u and v in -1..1 over the map.

    coefficients: (degree + 1, degree + 1). covariance: of the terms as `_powers` orders them.
    """

    coefficients: F64
    covariance: F64
    scale_um: float
    shape: tuple[int, int]

    def surface(self, shape: tuple[int, int]) -> F32:
        """(H, W) heights of the form."""
        v, u = (_unit(n).astype(np.float32) for n in shape)
        terms = np.arange(len(self.coefficients))
        by_column = self.coefficients.astype(np.float32) @ (u[None, :] ** terms[:, None])
        return np.asarray((v[:, None] ** terms[None, :]) @ by_column, np.float32)

    def residual(self, height_um: F32, um_per_px: float) -> F32:
        """Along z: slopes of these forms are small."""
        form = self.surface(height_um.shape)
        return np.subtract(height_um, form, out=form)

    def sigma_um(self, row: float, column: float, um_per_px: float) -> float:
        """Standard uncertainty of the form's height at a pixel."""
        v, u = (2 * at / max(n - 1, 1) - 1 for at, n in zip((row, column), self.shape, strict=True))
        degree = len(self.coefficients) - 1
        terms = np.array([v**j * u**i for j, i in _powers(degree)])
        return float(np.sqrt(terms @ self.covariance @ terms))


@dataclass(frozen=True, slots=True, eq=False)
class Cylinder:
    """A cylinder that lies, its axis near the plane; residuals are along its normal.

    parameters: turn and tilt of the axis [rad], its distance from the map's middle across and
    along z [um], radius [um].
    """

    parameters: F64
    covariance: F64
    scale_um: float
    shape: tuple[int, int]

    @property
    def radius_um(self) -> float:
        """Radius."""
        return float(self.parameters[4])

    def residual(self, height_um: F32, um_per_px: float) -> F32:
        """Outwards from the axis, positive outside the cylinder."""
        turn, tilt, across, up, radius = (np.float32(p) for p in self.parameters)
        y, x = (_metric(n, um_per_px).astype(np.float32) for n in height_um.shape)
        cos, sin, sin_tilt = np.cos(turn), np.sin(turn), np.sin(tilt)
        a = (cos * y - across)[:, None] - (sin * x)[None, :]
        b = height_um * np.cos(tilt)
        b -= (sin * sin_tilt * y + up)[:, None]
        b -= (cos * sin_tilt * x)[None, :]
        return np.asarray(np.hypot(a, b) - radius, np.float32)

    def sigma_um(self, row: float, column: float, um_per_px: float) -> float:
        """Standard uncertainty of the fitted surface along its normal at a pixel."""
        y = (row - (self.shape[0] - 1) / 2) * um_per_px
        x = (column - (self.shape[1] - 1) / 2) * um_per_px
        turn, tilt, across, up, radius = self.parameters
        a = np.clip(-x * np.sin(turn) + y * np.cos(turn) - across, -radius, radius)
        along = x * np.cos(turn) + y * np.sin(turn)
        z = (np.sqrt(radius**2 - a**2) + up + along * np.sin(tilt)) / np.cos(tilt)
        _, slope = _about_axis(np.array([[x, y, z]]), self.parameters)
        return float(np.sqrt(slope[0] @ self.covariance @ slope[0]))


def fit(
    model: Model,
    height_um: F32,
    um_per_px: float,
    mask: Mask | None = None,
    *,
    axis_rad: float = 0.0,
    radius_um: float = 1000.0,
) -> Form:
    """The form through the heights where `mask` holds; NaN is left out.

    axis_rad, radius_um: where a cylinder's search starts: angle of its axis from +x towards +y.
    FormError where fewer points were seen than twice the parameters.
    """
    points = _coarse(height_um, um_per_px, mask)
    needed = 10 if model == "cylinder" else (DEGREES[model] + 1) * (DEGREES[model] + 2)
    if len(points) < needed:
        raise FormError(f"a {model} needs {needed} points, {len(points)} were seen")
    if model == "cylinder":
        return _cylinder(points, height_um.shape, axis_rad, radius_um)
    return _polynomial(points, height_um.shape, um_per_px, DEGREES[model])


def _polynomial(points: F64, shape: tuple[int, int], um_per_px: float, degree: int) -> Polynomial:
    half = [max((n - 1) * um_per_px / 2, um_per_px / 2) for n in shape]
    u, v = points[:, 0] / half[1], points[:, 1] / half[0]
    design = np.stack([v**j * u**i for j, i in _powers(degree)], 1)
    start = np.zeros(design.shape[1])
    start[0] = np.median(points[:, 2])

    found, covariance, scale = robust(straight(design, points[:, 2]), start)
    table = np.zeros((degree + 1, degree + 1))
    for (j, i), value in zip(_powers(degree), found, strict=True):
        table[j, i] = value
    return Polynomial(table, covariance, scale, shape)


def _cylinder(points: F64, shape: tuple[int, int], axis_rad: float, radius_um: float) -> Cylinder:
    across = points[:, 1] * np.cos(axis_rad) - points[:, 0] * np.sin(axis_rad)
    middle = np.median(across)
    crest = points[np.abs(across - middle) <= 0.2 * np.ptp(across), 2]
    start = np.array([axis_rad, 0.0, middle, np.median(crest) - radius_um, radius_um])
    return Cylinder(*robust(partial(_about_axis, points), start), shape)


def _about_axis(points: F64, parameters: F64) -> tuple[F64, F64]:
    """Distance of (x, y, z) from a cylinder's surface, and its slope by the parameters."""
    turn, tilt, across, up, radius = parameters
    x, y, z = points.T
    along = x * np.cos(turn) + y * np.sin(turn)
    beside = y * np.cos(turn) - x * np.sin(turn)
    a, b = beside - across, z * np.cos(tilt) - along * np.sin(tilt) - up
    rho = np.hypot(a, b)
    to_a, to_b = a / rho, b / rho
    slope = np.stack(
        [
            -along * to_a - beside * np.sin(tilt) * to_b,
            -(along * np.cos(tilt) + z * np.sin(tilt)) * to_b,
            -to_a,
            -to_b,
            np.full_like(rho, -1.0),
        ],
        1,
    )
    return rho - radius, slope


def straight(design: F64, values: F64) -> Linear:
    """Residuals of (N,) `values` about (N, P) `design` times the parameters, for `robust`.

    The Jacobian is one array, so that `robust` scales it once.
    """
    slope = -design
    return lambda c: (values - design @ c, slope)


def robust(linear: Linear, start: F64, least: float = 0.0) -> tuple[F64, F64, float]:
    """Parameters, their covariance and the robust scale of the residuals.

    linear: residuals and Jacobian at given parameters; a Gauss-Newton step is exact where the
    residuals are linear in them. least: the scale is never less, where rounding makes most
    residuals equal.
    """
    found, scaled = start, None
    for step in range(HUBER_STEPS + TUKEY_STEPS):
        residual, slope = linear(found)
        if scaled is None or slope is not scaled.slope:
            scaled = _Scaled.of(slope)
        scale = max(deviation(residual), least)
        weigh = huber if step < HUBER_STEPS else tukey
        move = scaled.solve(residual, weigh(residual / scale))
        found = found - move
        if step >= HUBER_STEPS and np.abs(slope @ move).max() < CONVERGED * scale:
            break
    residual, slope = linear(found)
    scale = max(deviation(residual), least)
    weight = tukey(residual / scale)
    normal = slope.T @ (slope * weight[:, None])
    covariance = np.asarray(np.linalg.pinv(normal) * scale**2, np.float64)
    return found, covariance, scale


@dataclass(frozen=True, slots=True, eq=False)
class _Scaled:
    """A Jacobian with columns of unit length, so that units do not matter and the normal equations
    are well conditioned."""

    slope: F64
    length: F64
    unit: F64

    @classmethod
    def of(cls, slope: F64) -> _Scaled:
        length = np.sqrt((slope**2).sum(0)) + 1e-300
        return cls(slope, length, slope / length)

    def solve(self, residual: F64, weight: F64) -> F64:
        """Weighted least squares by normal equations."""
        weighted = self.unit * weight[:, None]
        normal = self.unit.T @ weighted + np.eye(len(self.length)) * 1e-12
        return np.asarray(np.linalg.solve(normal, weighted.T @ residual) / self.length, np.float64)


def deviation(residual: F64) -> float:
    """Standard deviation from the median absolute deviation about zero, never 0."""
    half = residual.size // 2
    spread = float(np.partition(np.abs(residual), half)[half])
    return max(MAD * spread, 1e-9)


def huber(t: F64) -> F64:
    """Huber's weights: 1 up to the corner, then falling as its inverse."""
    return HUBER / np.maximum(np.abs(t), HUBER)


def tukey(t: F64) -> F64:
    """Tukey's biweight: 0 beyond 4.685 deviations."""
    return np.asarray(np.clip(1 - (t / TUKEY) ** 2, 0, None) ** 2, np.float64)


def _coarse(height_um: F32, um_per_px: float, mask: Mask | None) -> F64:
    """(N, 3) x, y about the map's middle and z [um]: at most about MOST_POINTS valid ones."""
    size = height_um.size if mask is None else max(int(np.count_nonzero(mask)), 1)
    stride = max(1, int(np.ceil(np.sqrt(size / MOST_POINTS))))
    pick = np.s_[stride // 2 :: stride, stride // 2 :: stride]
    z = height_um[pick].astype(np.float64)
    there = np.isfinite(z) if mask is None else np.isfinite(z) & mask[pick]
    y, x = (_metric(n, um_per_px)[stride // 2 :: stride] for n in height_um.shape)
    grid_y, grid_x = np.broadcast_arrays(y[:, None], x[None, :])
    return np.stack([grid_x[there], grid_y[there], z[there]], 1)


def _powers(degree: int) -> list[tuple[int, int]]:
    """(power of v, power of u) of every term, the constant first."""
    return [(j, n - j) for n in range(degree + 1) for j in range(n + 1)]


def _unit(n: int) -> F64:
    return np.linspace(-1, 1, n) if n > 1 else np.zeros(1)


def _metric(n: int, um_per_px: float) -> F64:
    return np.asarray((np.arange(n) - (n - 1) / 2) * um_per_px, np.float64)
