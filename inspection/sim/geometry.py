"""The shape of a part under its texture: flat, an arc, a free form.

The camera is telecentric, so a shape is a height over the frame. Its slope stays below MAX_SLOPE:
beyond it the panel light no longer mirrors into the camera. Arc and free form are analytic, so that
a mirror shows no step of a grid. The texture is laid over the shape along the camera's axis, which
stretches it by at most 2 %.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.sim.surface import Draw

F32 = NDArray[np.float32]
Shape = tuple[int, int]

MAX_SLOPE = 0.14  # 8 degrees
RADIUS_UM = (45_000.0, 90_000.0)
CURVED_SLOPE = (0.08, 0.13)  # the steepest place of a free form
WAVES, HUMPS = 6, 9


def form(geometry: str, draw: Draw, shape: Shape, pixel_um: float) -> F32 | None:
    """Height in um over (H, W) pixels, its mean 0; None for a flat part.

    ValueError for a geometry that is not known.
    """
    if geometry == "flat":
        return None
    if geometry not in ("arc", "freeform"):
        raise ValueError(f"{geometry!r} is not one of flat, arc, freeform")
    y, x = (_axis(n, pixel_um) for n in shape)
    if geometry == "arc":
        height = _arc(draw, x, y)
    elif draw.family == "spectral":
        height = _steep(draw, _waves(draw, x, y), pixel_um)
    else:
        height = _steep(draw, _humps(draw, x, y), pixel_um)
    return np.asarray(height - height.mean(), np.float32)


def cylinder(x_um: NDArray[np.float64], radius_um: float) -> NDArray[np.float64]:
    """Height of a lying cylinder at distance x from its top line; 0 on the line.

    ValueError where the cylinder does not reach.
    """
    if np.abs(x_um).max() >= radius_um:
        raise ValueError(f"a cylinder of radius {radius_um} um does not reach {np.abs(x_um).max()}")
    return np.asarray(np.sqrt(radius_um**2 - x_um**2) - radius_um)


def _axis(n: int, pixel_um: float) -> NDArray[np.float64]:
    return np.asarray((np.arange(n) + 0.5 - n / 2) * pixel_um)


def _arc(draw: Draw, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """A tube along x or y, up to 3 degrees off, its top line up to 0.5 mm off the middle."""
    radius = draw.rng.uniform(*RADIUS_UM)
    turn = np.pi / 2 * draw.rng.integers(2) + np.deg2rad(draw.rng.uniform(-3, 3))
    aside = draw.rng.uniform(-500, 500)
    across = x[None, :] * np.cos(turn) + y[:, None] * np.sin(turn) - aside
    bulge = 1 if draw.rng.random() < 0.5 else -1  # seen from outside or from inside
    return bulge * cylinder(across, radius)


def _waves(draw: Draw, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Plane waves of 5 to 15 mm in random directions: a sum of products, so that it is quick."""
    turn = draw.rng.uniform(0, np.pi, WAVES)
    k = 2 * np.pi / draw.rng.uniform(5_000, 15_000, WAVES)
    phase = draw.rng.uniform(0, 2 * np.pi, WAVES)
    size = draw.rng.uniform(0.3, 1, WAVES) / k**2
    along_x = np.outer(x, k * np.cos(turn)) + phase
    along_y = np.outer(y, k * np.sin(turn))
    left = np.hstack([size * np.cos(along_y), -size * np.sin(along_y)])
    return np.asarray(left @ np.hstack([np.cos(along_x), np.sin(along_x)]).T)


def _humps(draw: Draw, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian humps and hollows 1.5 to 4 mm wide (standard deviation) at random places."""
    middle_x = draw.rng.uniform(x[0], x[-1], HUMPS)
    middle_y = draw.rng.uniform(y[0], y[-1], HUMPS)
    sigma = draw.rng.uniform(1_500, 4_000, (2, HUMPS))
    size = draw.rng.uniform(0.5, 1, HUMPS) * draw.rng.choice((-1, 1), HUMPS) * sigma.min(axis=0)
    left = size * np.exp(-(((y[:, None] - middle_y) / sigma[0]) ** 2) / 2)
    return np.asarray(left @ np.exp(-(((x[:, None] - middle_x) / sigma[1]) ** 2) / 2).T)


def _steep(draw: Draw, height: NDArray[np.float64], pixel_um: float) -> NDArray[np.float64]:
    """The height scaled so that its steepest place has a slope out of CURVED_SLOPE."""
    coarse = height[::8, ::8]  # the shapes are millimetres wide
    steepest = np.hypot(*np.gradient(coarse, 8 * pixel_um)).max()
    return np.asarray(height * (draw.rng.uniform(*CURVED_SLOPE) / steepest))
