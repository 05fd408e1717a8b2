"""Where a station's pixels look: an affine map of the target's plane and one radial term.

With u = A p + t, a point p (um) of the target shows at u + k (u - c) |u - c|^2 / R^2, c the
frame's middle and R half its diagonal, so that k is the distortion in the corner (the first term
of Brown 1966). Pixels are counted from the first pixel's centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.migrate.artefact import TARGET, Artefact
from inspection.migrate.errors import CalibrationError
from inspection.migrate.target import Dots

F64 = NDArray[np.float64]

LIMIT_UM = 2.0  # of the residual's root mean square; a fifth of a pixel of the drawing
ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Geometry:
    """A station's geometry. affine: ((a, b, tx), (c, d, ty)), px from um. residual_um: root mean
    square of what the fit leaves of each dot, in both directions together."""

    affine: tuple[tuple[float, float, float], tuple[float, float, float]]
    radial: float
    shape_px: tuple[int, int]
    residual_um: float
    dots: int

    @property
    def um_per_px(self) -> float:
        """Edge of the square that has a pixel's area."""
        return float(abs(np.linalg.det(self._linear)) ** -0.5)

    @property
    def is_mirrored(self) -> bool:
        """Whether the picture shows the target in a mirror."""
        return bool(np.linalg.det(self._linear) < 0)

    @property
    def angle_deg(self) -> float:
        """Of the target's x axis in the picture, clockwise as y goes down."""
        (a, _, _), (c, _, _) = self.affine
        return degrees(atan2(c, a))

    @property
    def _linear(self) -> F64:
        return np.array([row[:2] for row in self.affine])

    def to_px(self, at_um: F64) -> F64:
        """(..., 2) px of points (..., 2) um."""
        straight = at_um @ self._linear.T + [row[2] for row in self.affine]
        away = straight - _middle(self.shape_px)
        return np.asarray(straight + self.radial * _bend(away, self.shape_px), np.float64)

    def to_um(self, at_px: F64) -> F64:
        """(..., 2) um of points (..., 2) px; the inverse of `to_px`, by fixed-point iteration."""
        middle = _middle(self.shape_px)
        away = at_px - middle
        for _ in range(ROUNDS):
            away = at_px - middle - self.radial * _bend(away, self.shape_px)
        shifted = away + middle - [row[2] for row in self.affine]
        return np.asarray(shifted @ np.linalg.inv(self._linear).T, np.float64)

    def to_json(self) -> dict[str, Any]:
        """As a job holds it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Geometry:
        """From `to_json`, lists for tuples."""
        first, second = (tuple(map(float, row)) for row in values["affine"])
        height, width = map(int, values["shape_px"])
        return cls(
            ((first[0], first[1], first[2]), (second[0], second[1], second[2])),
            float(values["radial"]),
            (height, width),
            float(values["residual_um"]),
            int(values["dots"]),
        )


def fit(dots: Dots, shape_px: tuple[int, int], artefact: Artefact = TARGET) -> Geometry:
    """The geometry that the dots show. CalibrationError over the residual's limit."""
    found = measured(dots, shape_px, artefact)
    if not found.residual_um <= LIMIT_UM:
        raise CalibrationError(
            f"the target's dots lie {found.residual_um:.1f} um off a straight lens with one radial "
            f"term, at most {LIMIT_UM:.1f} um are taken: is the target flat, level and in focus?"
        )
    return found


def measured(dots: Dots, shape_px: tuple[int, int], artefact: Artefact = TARGET) -> Geometry:
    """The least-squares fit, whatever it leaves."""
    at_um = dots.at_um(artefact)
    n = len(at_um)
    straight: F64 = dots.at_px
    solved: NDArray[np.floating[Any]] = np.zeros(7)
    for _ in range(ROUNDS):
        bend = _bend(straight - _middle(shape_px), shape_px)
        design = np.zeros((2 * n, 7))
        for axis in (0, 1):
            rows = slice(axis * n, (axis + 1) * n)
            design[rows, 3 * axis : 3 * axis + 2] = at_um
            design[rows, 3 * axis + 2] = 1
            design[rows, 6] = bend[:, axis]
        solved = np.linalg.lstsq(design, dots.at_px.T.ravel())[0]
        straight = (design[:, :6] @ solved[:6]).reshape(2, n).T
    a, b, tx, c, d, ty, radial = map(float, solved)
    residual_px = float(np.sqrt(((design @ solved - dots.at_px.T.ravel()) ** 2).sum() / n))
    um_per_px = 1 / hypot(a, c)
    affine = ((a, b, tx), (c, d, ty))
    return Geometry(affine, radial, shape_px, residual_px * um_per_px, n)


def _middle(shape_px: tuple[int, int]) -> F64:
    return np.array([(shape_px[1] - 1) / 2, (shape_px[0] - 1) / 2])


def _bend(away: F64, shape_px: tuple[int, int]) -> F64:
    half_diagonal2 = (shape_px[0] ** 2 + shape_px[1] ** 2) / 4
    return np.asarray(away * (away**2).sum(axis=-1, keepdims=True) / half_diagonal2, np.float64)
