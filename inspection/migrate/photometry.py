"""What a station makes of light: black level, response, falloff, noise and sharpness.

All from one picture of the target. The model of a flat patch of reflectance r at x is
DN = black + level (r P(x))^response, P a polynomial of the place with mean 1 over the frame. Noise
follows the photon-transfer line, variance = gain (DN - black) + floor (Janesick 2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import ndtr

from inspection.migrate.artefact import TARGET, Artefact
from inspection.migrate.errors import CalibrationError
from inspection.migrate.geometry import Geometry
from inspection.migrate.target import Dots

F64 = NDArray[np.float64]

DEGREE = 4
PATCH = 0.3  # edge of the square that a flat patch is averaged over, in pitches
EDGE = 0.08  # how far to both sides of a dot's edge the edge is followed, in pitches
LIMIT_RESIDUAL = 0.02  # of white, root mean square
PLAIN_RESPONSE = 0.01  # closer to 1 than this, a response is taken as a straight line


@dataclass(frozen=True, slots=True)
class Photometry:
    """What was measured. level_dn: DN of a reflectance of one above black, in the mean.

    profile: coefficients of P over x, y in -1 to 1 (`polynomial`). gain_dn_per_e: of the
    photon-transfer line; floor_dn2: its variance in the dark. blur_um: of the lens with the pixel,
    as a Gaussian's standard deviation. residual: of the model, as a fraction of white.
    """

    black_dn: float
    level_dn: float
    response: float
    profile: tuple[float, ...]
    gain_dn_per_e: float
    floor_dn2: float
    blur_um: float
    residual: float

    def falloff(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """(H, W) P over the frame."""
        y, x = (np.linspace(-1, 1, n) for n in shape)
        return np.asarray(polynomial(x[None], y[:, None], self.profile), np.float32)

    def noise_dn(self, level_dn: float) -> float:
        """Standard deviation of a pixel at this level above black."""
        return float(np.sqrt(max(self.gain_dn_per_e * level_dn + self.floor_dn2, 0.0)))

    def to_json(self) -> dict[str, Any]:
        """As a job holds it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Photometry:
        """From `to_json`."""
        plain = {name: float(v) for name, v in values.items() if name != "profile"}
        return cls(profile=tuple(map(float, values["profile"])), **plain)


def polynomial(x: F64, y: F64, coefficients: tuple[float, ...]) -> F64:
    """The sum of c x^i y^j, i + j up to the degree, for broadcast x and y."""
    total: F64 = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)))
    for (i, j), c in zip(powers(len(coefficients)), coefficients, strict=True):
        total = total + c * x**i * y**j
    return total


def powers(count: int) -> list[tuple[int, int]]:
    """The first `count` exponents of x and y, by rising degree."""
    ordered = [(d - j, j) for d in range(DEGREE + 1) for j in range(d + 1)]
    return ordered[:count]


def measure(
    frame: NDArray[np.uint8], dots: Dots, geometry: Geometry, artefact: Artefact = TARGET
) -> Photometry:
    """All of it. CalibrationError where the model does not hold what was seen."""
    patches = _patches(frame, geometry, artefact)
    solved = _respond(patches)
    black, level, response = (float(v) for v in solved.x[:3])
    residual = float(np.sqrt(np.mean(solved.fun**2)) / (level * artefact.white))
    if not residual <= LIMIT_RESIDUAL or level <= 0:
        raise CalibrationError(
            f"the target's greys are {residual:.1%} of white off any smooth response, at most "
            f"{LIMIT_RESIDUAL:.0%} are taken: is it clean, and evenly lit?"
        )
    gain, floor = _photon_transfer(patches, black)
    profile = (float(1 - _mean_of_rest(solved.x[3:])), *map(float, solved.x[3:]))
    return Photometry(
        black,
        level,
        response,
        profile,
        gain,
        floor,
        _blur_um(frame, dots, geometry, artefact),
        residual,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Patches:
    """Flat patches. x, y: -1 to 1. mean, variance: (N,) DN, DN^2."""

    x: F64
    y: F64
    reflectance: F64
    mean: F64
    variance: F64


def _patches(frame: NDArray[np.uint8], geometry: Geometry, artefact: Artefact) -> _Patches:
    squares = np.array(artefact.squares())
    blanks = artefact.blanks()
    at_um = np.concatenate([squares[:, :2], blanks])
    grey = np.concatenate([squares[:, 2], np.full(len(blanks), artefact.white)])
    half = int(PATCH * artefact.pitch_um / geometry.um_per_px / 2)
    height, width = frame.shape
    rows = []
    for (x, y), reflectance in zip(geometry.to_px(at_um).round().astype(int), grey, strict=True):
        if half <= x < width - half and half <= y < height - half:
            patch = frame[y - half : y + half + 1, x - half : x + half + 1].astype(np.float64)
            place = 2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1
            rows.append((*place, reflectance, patch.mean(), _noise_variance(patch)))
    if len({row[2] for row in rows}) < 4:
        raise CalibrationError("fewer than four greys of the target are in the picture")
    return _Patches(*np.array(rows).T)


def _noise_variance(patch: F64) -> float:
    """Half the variance of the difference between neighbours: no gradient counts as noise."""
    return float(np.mean(np.diff(patch, axis=1) ** 2) / 2)


def _mean_of_rest(rest: F64) -> float:
    """Mean over the square of all terms but the constant one."""
    means = [
        0.0 if i % 2 or j % 2 else 1 / ((i + 1) * (j + 1)) for i, j in powers(len(rest) + 1)[1:]
    ]
    return float(np.dot(rest, means))


def _respond(patches: _Patches) -> Any:
    terms = [(i, j) for i, j in powers((DEGREE + 1) * (DEGREE + 2) // 2)][1:]
    basis = np.stack([patches.x**i * patches.y**j for i, j in terms], axis=1)
    means = np.array([_mean_of_rest(row) for row in np.eye(len(terms))])
    basis -= means

    def misfit(values: F64) -> F64:
        black, level, response = values[:3]
        place = np.maximum(1 + basis @ values[3:], 0.05)
        return np.asarray(black + level * (patches.reflectance * place) ** response - patches.mean)

    white = float(np.percentile(patches.mean, 90))
    start = np.array([0.0, white / float(patches.reflectance.max()), 1.0, *np.zeros(len(terms))])
    return least_squares(misfit, start, x_scale=np.array([10.0, 100.0, 0.1, *np.ones(len(terms))]))


def _photon_transfer(patches: _Patches, black: float) -> tuple[float, float]:
    """Slope and offset of variance over level; a variance is as uncertain as it is large."""
    level = np.maximum(patches.mean - black, 0)
    weight = 1 / (patches.variance + 0.1)
    design = np.column_stack([level, np.ones_like(level)]) * weight[:, None]
    slope, floor = np.linalg.lstsq(design, patches.variance * weight)[0]
    return max(float(slope), 0.0), max(float(floor), 0.0)


def _blur_um(frame: NDArray[np.uint8], dots: Dots, geometry: Geometry, artefact: Artefact) -> float:
    """Width of the dots' edges: all their edge pixels on one error function of the distance."""
    marks = set(artefact.marks)
    radius, span = artefact.dot_um / 2, EDGE * artefact.pitch_um
    reach = int((radius + span) / geometry.um_per_px) + 2
    distances, shares = [], []
    for (x, y), node in zip(dots.at_px, dots.nodes.tolist(), strict=True):
        left, top = int(x) - reach, int(y) - reach
        if tuple(node) in marks or left < 0 or top < 0:
            continue
        patch = frame[top : top + 2 * reach, left : left + 2 * reach].astype(np.float64)
        if patch.shape != (2 * reach, 2 * reach):
            continue
        grid = np.stack(np.meshgrid(np.arange(2 * reach), np.arange(2 * reach)), axis=-1)
        away = geometry.to_um(grid + np.array([left, top])) - np.array(node) * artefact.pitch_um
        centre = geometry.to_um(np.array([x, y])) - np.array(node) * artefact.pitch_um
        distance = np.hypot(*np.moveaxis(away - centre, -1, 0))
        inner = float(patch[distance < radius / 2].mean())
        outer = float(np.median(patch[(distance > radius + span / 2)]))
        edge = np.abs(distance - radius) < span
        distances.append(distance[edge])
        shares.append((patch[edge] - inner) / (outer - inner))
    distance, share = np.concatenate(distances), np.concatenate(shares)

    def misfit(values: F64) -> F64:
        edge, sigma = values
        return np.asarray(ndtr((distance - radius - edge) / max(sigma, 0.1)) - share, np.float64)

    fitted = least_squares(misfit, [0.0, geometry.um_per_px])
    return float(abs(fitted.x[1]))


def linear(response: float, black_dn: float, white_dn: float) -> NDArray[np.uint8] | None:
    """A table of 256 that makes the response straight; None where it is."""
    if abs(response - 1) < PLAIN_RESPONSE:
        return None
    level = np.maximum(np.arange(256) - black_dn, 0) / max(white_dn - black_dn, 1.0)
    straight = black_dn + (white_dn - black_dn) * level ** (1 / response)
    return np.asarray(np.clip(np.rint(straight), 0, 255), np.uint8)


def clipped_share(frames: list[NDArray[np.uint8]]) -> float:
    """Share of pixels at the end of the scale."""
    return float(np.mean([float(np.mean(cv2.compare(f, 254, cv2.CMP_GE) > 0)) for f in frames]))
