"""Defects as geometry and material, on a grid finer than the camera's pixel.

point: a pit or a bump (paraboloid, depth 0.15 to 0.4 of its diameter) or an inclusion that is
dull and of another albedo than its host; size is the diameter.
scratch: a groove of cosine profile with raised shoulders, depth 0.08 to 0.2 of its width, and
torn walls that are rougher than the host; size is the width.
stain: a dried film with an irregular, soft edge; thickness and absorption follow one profile;
size is the diameter at half thickness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Kind = Literal["point", "scratch", "stain"]
KINDS: tuple[Kind, ...] = ("point", "scratch", "stain")

WAVELENGTH_UM = 0.525  # green strobes


@dataclass(frozen=True, slots=True)
class Matter:
    """What a defect turns its host into, in proportion to `Imprint.share`.

    albedo, f0, alpha: of the foreign matter; None leaves the host's. roughen: added to the host's
    alpha, as squares. film_um, film_index, absorbance: a film on top, absorbance to base ten.
    """

    albedo: float | None = None
    f0: float | None = None
    alpha: float | None = None
    roughen: float = 0.0
    film_um: float = 0.0
    film_index: float = 1.5
    absorbance: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Imprint:
    """A defect on fine cells of pixel / S, (h S, w S), from pixel (row, column) of the frame.

    height_um is added to the host's; share is how much of the matter there is, 0 to 1; inside is
    the defect's own outline, from which the exact mask is counted.
    """

    row: int
    column: int
    height_um: F32
    share: F32
    inside: NDArray[np.bool_]
    matter: Matter


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect at (x_um, y_um) from the frame's corner; `form` is its variety within its kind."""

    kind: Kind
    form: str
    x_um: float
    y_um: float
    size_um: float


def imprint(
    defect: Defect, host_albedo: float, pixel_um: float, fine: int, rng: np.random.Generator
) -> Imprint:
    """The defect's imprint with its free parameters drawn from `rng`."""
    make = {"point": _point, "scratch": _scratch, "stain": _stain}[defect.kind]
    return make(defect, host_albedo, pixel_um, fine, rng)


def _cells(
    defect: Defect, reach_um: float, pixel_um: float, fine: int
) -> tuple[int, int, F32, F32]:
    """First row and column in pixels, and x, y (um from the centre) of the fine cells around."""
    reach = int(np.ceil(reach_um / pixel_um)) + 1
    row, column = int(defect.y_um / pixel_um) - reach, int(defect.x_um / pixel_um) - reach
    step = (np.arange((2 * reach + 1) * fine, dtype=np.float32) + 0.5) * (pixel_um / fine)
    return (
        row,
        column,
        step[None, :] + column * pixel_um - defect.x_um,
        (step[:, None] + row * pixel_um - defect.y_um),
    )


def _point(
    defect: Defect, host_albedo: float, pixel_um: float, fine: int, rng: np.random.Generator
) -> Imprint:
    radius = defect.size_um / 2
    row, column, x, y = _cells(defect, radius, pixel_um, fine)
    stretch, turn = rng.uniform(1.0, 1.15), rng.uniform(0, np.pi)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    r2 = ((u * stretch) ** 2 + (v / stretch) ** 2) / radius**2
    inside = r2 <= 1
    cap = np.where(inside, 1 - r2, 0).astype(np.float32)
    share = inside.astype(np.float32)
    if defect.form == "inclusion":
        dark = Matter(albedo=float(rng.uniform(0.02, 0.06)), f0=0.04, alpha=0.5)
        light = Matter(albedo=float(rng.uniform(0.45, 0.7)), f0=0.04, alpha=0.5)
        bright_host_wanted = 0.03 < host_albedo < 0.2  # dull dark hosts show bright matter
        return Imprint(row, column, 0 * cap, share, inside, light if bright_host_wanted else dark)
    depth = float(rng.uniform(0.15, 0.40)) * defect.size_um * (-1 if defect.form == "pit" else 1)
    return Imprint(row, column, depth * cap, share, inside, Matter(roughen=0.08))


def _scratch(
    defect: Defect, host_albedo: float, pixel_um: float, fine: int, rng: np.random.Generator
) -> Imprint:
    length = float(rng.uniform(400, 1200))
    row, column, x, y = _cells(defect, length / 2 + 2 * defect.size_um, pixel_um, fine)
    turn, bend = rng.uniform(0, np.pi), rng.uniform(-0.1, 0.1)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    v = v - bend * (u * u / length - length / 12)
    t = np.clip(u / length + 0.5, 0, 1)
    beyond = np.maximum(np.abs(u) - length / 2, 0)
    fade = np.minimum(1, np.minimum(t, 1 - t) * 10 + 0.3) * (beyond == 0)
    w = np.abs(v) / (defect.size_um / 2)
    inside = (w <= 1) & (beyond == 0)
    depth = float(rng.uniform(0.08, 0.20)) * defect.size_um
    groove = -0.5 * (1 + np.cos(np.pi * np.minimum(w, 1)))
    shoulder = 0.15 * np.sin(np.pi * np.clip(w - 1, 0, 1)) ** 2
    height = (depth * fade * (groove + shoulder)).astype(np.float32)
    torn = Matter(roughen=float(rng.uniform(0.10, 0.25)))
    return Imprint(row, column, height, inside.astype(np.float32), inside, torn)


def _stain(
    defect: Defect, host_albedo: float, pixel_um: float, fine: int, rng: np.random.Generator
) -> Imprint:
    radius = defect.size_um / 2
    row, column, x, y = _cells(defect, 1.7 * radius, pixel_um, fine)
    angle = np.arctan2(y, x)
    outline = 1.0 + sum(
        rng.uniform(-0.12, 0.12) * np.cos(k * angle + rng.uniform(0, 6.28)) for k in (2, 3, 5)
    )
    r = np.hypot(x, y) / (radius * outline)
    soft = float(rng.uniform(0.06, 0.2))
    share = (r < 1.6) / (1 + np.exp(np.clip((r - 1) / soft * 2, -40, 40)))
    ring = 1 + float(rng.uniform(0, 0.5)) * np.exp(-(((r - 0.85) / 0.15) ** 2))  # dries at its rim
    film = Matter(
        film_um=float(rng.uniform(0.05, 0.15)),
        film_index=float(rng.uniform(1.33, 1.42)),
        absorbance=float(rng.uniform(0.03, 0.12)),
        roughen=float(rng.uniform(0.02, 0.08)),
    )
    film_share: F32 = np.minimum(share * ring, 1.5).astype(np.float32)
    none = np.zeros_like(film_share)
    return Imprint(row, column, none, film_share, film_share >= 0.5, film)
