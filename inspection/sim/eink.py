"""E-ink (electrophoretic) displays: capsules of black and white pigment below a matte film.

A capsule is about 45 um wide and shows the pigment that the electrode below it has pulled up, so
that a displayed pattern has the ragged edges of whole capsules. White reflects about 0.4 of green
light and black 0.04 (paper: 0.6 and 0.05); no two capsules hold quite the same pigment.

From above, a shallow pit looks much like a capsule with less white pigment; only its rim gives it
away (how well, `inspection.sim.observer` tells). Light from one side alone would show its slopes,
but hide scratches along that light and films on black, which only the mirror reflection tells.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.sim import textures
from inspection.sim.structure import FONT, TAUGHT_FONTS, near_edges
from inspection.sim.surface import Draw, Surface

F32 = NDArray[np.float32]
Shape = tuple[int, int]

CAPSULE_UM = (40.0, 50.0)
WHITE_AT_LEAST = 0.55  # of a pattern: the exposure is set on the part's median
FINEST_UM = 300.0  # of what is shown for inspection: a finer speck could not be told from a defect


def display(draw: Draw, shape: Shape, pixel_um: float) -> Surface:
    """A display that shows white, black, bars, blocks or figures; their edges are not inspected."""
    shown = pattern(draw, shape, pixel_um)
    white, black = draw.between(0.34, 0.44), draw.between(0.035, 0.055)
    state, grain = _capsules(draw, shown, draw.between(*CAPSULE_UM) / pixel_um)
    albedo = (black + (white - black) * state) * (1 + draw.between(0.015, 0.030) * grain)
    relief = draw.between(0.2, 0.5) * draw.field(shape, 250 / pixel_um)
    alpha = np.full(shape, draw.between(0.22, 0.32), np.float32)
    zones = np.where(near_edges(shown, pixel_um), 0, shown + 1).astype(np.uint8)
    return Surface(
        pixel_um,
        relief,
        np.asarray(albedo, np.float32),
        np.full(shape, 0.04, np.float32),
        alpha,
        alpha,
        zones,
    )


def pattern(draw: Draw, shape: Shape, pixel_um: float) -> NDArray[np.uint8]:
    """What is displayed, (H, W): 1 white, 0 black. All black, or mostly white."""
    choice = draw.rng.random()
    if choice < 0.25:
        return np.ones(shape, np.uint8)
    if choice < 0.4:
        return np.zeros(shape, np.uint8)
    make = _bars if choice < 0.6 else _blocks if choice < 0.8 else _figures
    shown = _without_specks(make(draw, shape, pixel_um), pixel_um)
    return shown if shown.mean() > WHITE_AT_LEAST else np.ones(shape, np.uint8)


def _without_specks(shown: NDArray[np.uint8], pixel_um: float) -> NDArray[np.uint8]:
    """The pattern without slits, eyes of figures and corners finer than FINEST_UM."""
    size = max(1, round(FINEST_UM / pixel_um))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    for operation in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        shown = np.asarray(cv2.morphologyEx(shown, operation, disk), np.uint8)
    return shown


def _bars(draw: Draw, shape: Shape, pixel_um: float) -> NDArray[np.uint8]:
    """Black bars of 0.6 to 1.5 mm with gaps that are at least twice as wide."""
    width = draw.rng.uniform(600, 1500) / pixel_um
    pitch = width * draw.rng.uniform(3, 4)
    axis = int(draw.rng.integers(2))
    place = (np.arange(shape[axis]) + draw.rng.uniform(0, pitch)) % pitch
    line = (place >= width).astype(np.uint8)
    return np.broadcast_to(line[:, None] if axis == 0 else line[None, :], shape).copy()


def _blocks(draw: Draw, shape: Shape, pixel_um: float) -> NDArray[np.uint8]:
    """A grid of squares of 1.2 to 2.5 mm, a quarter of them black."""
    side = draw.rng.uniform(1200, 2500) / pixel_um
    cells = (draw.rng.random((64, 64)) > 0.25).astype(np.uint8)
    start = draw.rng.uniform(0, side, 2)
    rows, columns = (
        ((np.arange(n) + s) // side).astype(int) for n, s in zip(shape, start, strict=True)
    )
    return np.asarray(cells[np.ix_(rows, columns)])


def _figures(draw: Draw, shape: Shape, pixel_um: float) -> NDArray[np.uint8]:
    """Lines of digits about 2 mm high, black on white."""
    canvas = np.full(shape, 1, np.uint8)
    is_taught = draw.family == "spectral"
    font = TAUGHT_FONTS[int(draw.rng.integers(len(TAUGHT_FONTS)))] if is_taught else FONT
    scale = draw.rng.uniform(0.8, 1.2) * 900 / pixel_um / 10
    stroke = max(1, int(400 / pixel_um))
    for line in range(1, int(shape[0] / (40 * scale)) + 2):
        text = "".join(str(d) for d in draw.rng.integers(0, 10, 8))
        start = (int(draw.rng.integers(-200, 20)), int(line * 40 * scale))
        cv2.putText(canvas, text, start, font, scale, 0, stroke)
    return canvas


def _capsules(draw: Draw, shown: NDArray[np.uint8], diameter_px: float) -> tuple[F32, F32]:
    """How white each pixel is, 0 to 1, and how its pigment differs, of unit deviation."""
    if draw.family == "event":
        return _filled(draw, shown, textures.capsules(draw.rng, shown.shape, diameter_px))
    patches = draw.patches[int(draw.rng.integers(len(draw.patches)))]
    if patches == "grain":
        return _grain(draw, shown, diameter_px)
    make = textures.bricks if patches == "bricks" else textures.basins
    state, grain = _filled(draw, shown, make(draw.rng, shown.shape, diameter_px))
    soft = cv2.GaussianBlur(grain, (0, 0), float(draw.rng.uniform(0.1, 0.8)))  # walls, blurred
    return state, textures.unit(np.asarray(soft, np.float32))


def _filled(draw: Draw, shown: NDArray[np.uint8], which: NDArray[np.int32]) -> tuple[F32, F32]:
    """Capsules that are white as a whole where most of them is, each with pigment of its own."""
    own = draw.rng.standard_normal(int(which.max()) + 1).astype(np.float32)
    share = np.bincount(which.ravel(), shown.ravel()) / np.bincount(which.ravel()).clip(1)
    state = share[which] > 0.5
    return state.astype(np.float32), textures.unit(own[which])


def _grain(draw: Draw, shown: NDArray[np.uint8], diameter_px: float) -> tuple[F32, F32]:
    """No capsules, but a Gaussian field of their size, which also frays the pattern's edges."""
    length = diameter_px * float(draw.rng.uniform(0.1, 0.3))
    falloff = float(draw.rng.uniform(1.0, 4.0))  # soft to sharp, some with single capsules apart
    grain = textures.spectral(draw.rng, shown.shape, length, length, falloff)
    grain = textures.heavy_tailed(draw.rng, grain, most=0.35) * np.float32(draw.rng.choice((-1, 1)))
    soft = cv2.GaussianBlur(shown.astype(np.float32), (0, 0), diameter_px / 2)
    return (soft + 0.15 * grain * (np.abs(soft - 0.5) < 0.49) > 0.5).astype(np.float32), grain
