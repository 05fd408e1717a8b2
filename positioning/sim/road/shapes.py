"""Road users as boxes with scattering centres.

A scattering centre stands for a part that returns radar waves: a corner, a wheel house, a plate, a
limb. Sizes and cross sections are of the order that is measured at 77 GHz: cars about 10 dBsm,
pedestrians about -8 dBsm (Geary et al., SAE 2012-01-0142; Buddappagari et al., IET Radar 2021).
Axes of the body: x forward, y to the left, z up; the origin lies on the ground under the middle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["car", "van", "truck", "bus", "cyclist", "pedestrian"]
KINDS: tuple[Kind, ...] = ("car", "van", "truck", "bus", "cyclist", "pedestrian")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reflectors:
    """N scattering centres of a body.

    position_m: (N, 3). rcs_m2: (N,), seen along the normal. normal: (N, 2), the direction in the
    plane that it faces, zero where it is seen from everywhere. lobe: (N,), the power of the
    cosine to the normal with which the cross section falls. swing_m: (N, 3), amplitude of a
    periodic motion, and phase_rad: (N,), its phase (Boulic et al. 1990, as a sinusoid).
    """

    position_m: Floats
    rcs_m2: Floats
    normal: Floats
    lobe: Floats
    swing_m: Floats
    phase_rad: Floats

    def __len__(self) -> int:
        return len(self.rcs_m2)


@dataclass(frozen=True, slots=True)
class Shape:
    """A road user's box and what in it reflects. gait_hz: cycles a second of what swings."""

    kind: Kind
    length_m: float
    width_m: float
    height_m: float
    gait_hz: float = 0.0
    reflectors: Reflectors = field(repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class _Part:
    at: tuple[float, float, float]
    dbsm: float
    normal: tuple[float, float] = (0.0, 0.0)
    lobe: float = 0.0
    swing: tuple[float, float, float] = (0.0, 0.0, 0.0)
    phase: float = 0.0


def shape(kind: Kind, rng: np.random.Generator) -> Shape:
    """A body of this kind, its size drawn around the usual."""
    scale = 1 + 0.06 * float(np.clip(rng.standard_normal(), -2, 2))
    if kind == "pedestrian":
        return _pedestrian(scale)
    if kind == "cyclist":
        return _cyclist(scale)
    return _vehicle(kind, scale)


_VEHICLES: dict[str, tuple[float, float, float, float]] = {  # length, width, height, dB over a car
    "car": (4.5, 1.8, 1.5, 0.0),
    "van": (5.4, 2.0, 2.2, 2.0),
    "truck": (8.5, 2.5, 3.4, 5.0),
    "bus": (12.0, 2.55, 3.1, 6.0),
}


def _vehicle(kind: Kind, scale: float) -> Shape:
    """Corners seen from half a turn, faces that flash along their normal, wheel houses."""
    length, width, height, more = _VEHICLES[kind]
    length, width, height = length * scale, width * scale, height * scale
    x, y, low = length / 2, width / 2, 0.6
    parts = [
        _Part((sx * x, sy * y, low), 1.0 + more, (sx * 0.7071, sy * 0.7071), 1.0)
        for sx in (1, -1)
        for sy in (1, -1)
    ]
    parts += [_Part((sx * x, 0.0, 0.5), 7.0 + more, (sx * 1.0, 0.0), 8.0) for sx in (1, -1)]
    parts += [_Part((0.0, sy * y, 0.7), 9.0 + more, (0.0, sy * 1.0), 24.0) for sy in (1, -1)]
    parts += [
        _Part((sx * 0.6 * x, sy * y, 0.35), -5.0, (0.0, sy * 1.0), 1.0)
        for sx in (1, -1)
        for sy in (1, -1)
    ]
    return Shape(kind, length, width, height, reflectors=_reflectors(parts))


def _pedestrian(scale: float) -> Shape:
    """Trunk and head, with legs and arms that swing opposite to each other."""
    height = 1.72 * scale
    parts = [_Part((0.0, 0.0, 0.65 * height), -10.0), _Part((0.0, 0.0, 0.93 * height), -18.0)]
    for side, phase in ((0.1, 0.0), (-0.1, np.pi)):
        parts += [
            _Part((0.0, side, 0.28 * height), -15.0, swing=(0.14, 0, 0), phase=phase),
            _Part((0.0, side, 0.05 * height), -18.0, swing=(0.30, 0, 0), phase=phase),
            _Part((0.0, 2 * side, 0.45 * height), -20.0, swing=(0.18, 0, 0), phase=phase + np.pi),
        ]
    return Shape("pedestrian", 0.6, 0.5, height, gait_hz=0.9, reflectors=_reflectors(parts))


def _cyclist(scale: float) -> Shape:
    """Rider, frame and wheels, with feet that go round."""
    length, height = 1.8 * scale, 1.75 * scale
    parts = [
        _Part((0.0, 0.0, 1.2), -8.0),
        _Part((0.45 * length, 0.0, 0.35), -14.0),
        _Part((-0.45 * length, 0.0, 0.35), -14.0),
        _Part((0.1, 0.0, 0.6), -11.0),
    ]
    for side, phase in ((0.12, 0.0), (-0.12, np.pi)):
        parts.append(_Part((0.05, side, 0.3), -17.0, swing=(0.17, 0, 0), phase=phase))
    return Shape("cyclist", length, 0.6, height, gait_hz=1.2, reflectors=_reflectors(parts))


def _reflectors(parts: list[_Part]) -> Reflectors:
    return Reflectors(
        np.array([part.at for part in parts]),
        10 ** (np.array([part.dbsm for part in parts]) / 10),
        np.array([part.normal for part in parts]),
        np.array([part.lobe for part in parts]),
        np.array([part.swing for part in parts]),
        np.array([part.phase for part in parts]),
    )
