"""What facades and ground do to a circularly polarised wave: Fresnel's coefficients.

Relative permittivity a f^b and conductivity c f^d S/m with f in GHz, ITU-R P.2040-3 table 3.
"""

from __future__ import annotations

import numpy as np

from positioning.jit import compiled

CONCRETE, BRICK, GLASS, METAL, ASPHALT = range(5)

MATERIALS = np.array([
    [5.24, 0.0, 0.0462, 0.7822],  # concrete
    [3.91, 0.0, 0.0238, 0.16],    # brick
    [6.31, 0.0, 0.0036, 1.3394],  # glass
    [1.0, 0.0, 1e7, 0.0],         # metal
    [5.24, 0.0, 0.0462, 0.7822],  # asphalt, taken as concrete
])  # fmt: skip
"""Rows a, b, c, d of each material."""

_EPSILON_0 = 8.8541878128e-12


@compiled
def permittivity(material: int, frequency_hz: float) -> complex:
    """Complex relative permittivity (time factor exp(+j w t)) of a row of MATERIALS."""
    ghz = frequency_hz * 1e-9
    a, b, c, d = MATERIALS[material]
    conductivity = c * ghz**d
    return complex(a * ghz**b, -conductivity / (2 * np.pi * frequency_hz * _EPSILON_0))


@compiled
def fresnel(material: int, frequency_hz: float, cos_incidence: float) -> tuple[complex, complex]:
    """(perpendicular, parallel) reflection coefficients at the angle from the surface's normal.

    Signs as in ITU-R P.2040: both tend to -1 at grazing incidence, +-(1 - n)/(1 + n) upright.
    """
    eps = permittivity(material, frequency_hz)
    root = np.sqrt(eps - (1 - cos_incidence**2))
    perpendicular = (cos_incidence - root) / (cos_incidence + root)
    parallel = (eps * cos_incidence - root) / (eps * cos_incidence + root)
    return perpendicular, parallel


@compiled
def circular(material: int, frequency_hz: float, cos_incidence: float) -> tuple[complex, complex]:
    """(co-polar, cross-polar) coefficients of a right-hand circular wave.

    Cross-polar is what comes back left-handed: nearly all of it at steep incidence, and at grazing
    incidence, beyond the Brewster angle, the hand is kept.
    """
    perpendicular, parallel = fresnel(material, frequency_hz, cos_incidence)
    return (perpendicular + parallel) / 2, (parallel - perpendicular) / 2


@compiled
def specular(rough_m: float, wavelength_m: float, cos_incidence: float) -> float:
    """Share of the amplitude that a rough surface still mirrors (Ament 1953, Miller 1984)."""
    g = 4 * np.pi * rough_m * cos_incidence / wavelength_m
    return float(np.exp(-0.5 * g * g))
