"""A board with chip capacitors and resistors: solder mask, ceramic bodies, tinned terminations."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.sim.layers import (
    BODY,
    MARK,
    OVERCOAT,
    PAD,
    TERMINATION,
    Layers,
    Place,
    rectangle,
    rounded,
)
from inspection.sim.structure import FONT, TAUGHT_FONTS
from inspection.sim.surface import Draw, Surface


@dataclass(frozen=True, slots=True)
class Chip:
    """Case size in um: body length and width, length of a termination, height."""

    length_um: float
    width_um: float
    termination_um: float
    height_um: float

    def made(self, draw: Draw) -> Chip:
        """A reel's chips, within 5 % of the nominal sizes."""
        off = draw.rng.uniform(0.95, 1.05, 4)
        sizes = (self.length_um, self.width_um, self.termination_um, self.height_um)
        return Chip(*(float(size * share) for size, share in zip(sizes, off, strict=True)))


CHIPS = (Chip(1000, 500, 220, 350), Chip(1600, 800, 320, 450))  # 0402 and 0603, IEC 60384-21


def board(draw: Draw, shape: tuple[int, int], pixel_um: float) -> Surface:
    """Chips of one case size in rows, each a little off its place, on green solder mask."""
    chip = CHIPS[int(draw.rng.integers(len(CHIPS)))].made(draw)
    layers = Layers.mask(draw, shape, pixel_um)
    pitch_x = chip.length_um + draw.between(900, 1400)
    pitch_y = chip.width_um + draw.between(500, 1000)
    start = draw.rng.uniform(-0.5, 0.5, 2)
    for row in range(-1, int(shape[0] * pixel_um / pitch_y) + 2):
        for column in range(-1, int(shape[1] * pixel_um / pitch_x) + 2):
            if draw.rng.random() < 0.12:
                continue  # an empty place keeps its bare mask
            offset = draw.rng.normal(0, 25, 2)
            centre = (
                (column + start[0]) * pitch_x + offset[0],
                (row + start[1]) * pitch_y + offset[1],
            )
            turn = float(np.deg2rad(draw.rng.normal(0, 1.0)))
            reach = (chip.length_um / 2 + 350, chip.width_um / 2 + 150)
            place = layers.place(centre, reach, turn)
            if place is not None:
                _pads(draw, layers, chip, place)
                _chip(draw, layers, chip, place)
    return layers.surface()


def _pads(draw: Draw, layers: Layers, chip: Chip, place: Place) -> None:
    """Solder on both pads, rising towards the chip as a fillet."""
    out = np.abs(place.along) - chip.length_um / 2
    inside = rectangle(out, place.across, 250, chip.width_um / 2 + 60)
    rise = 90 * np.clip(1 - out / 250, 0, 1) ** 2
    layers.lay(place.window, inside, PAD, 0.02, draw.between(0.6, 0.75), draw.between(0.18, 0.30))
    layers.raise_to(place.window, inside, rise)


def _chip(draw: Draw, layers: Layers, chip: Chip, place: Place) -> None:
    half, window = chip.length_um / 2, place.window
    body = rectangle(place.along, place.across, half, chip.width_um / 2)
    ends = body & (np.abs(place.along) > half - chip.termination_um)
    is_resistor = draw.rng.random() < 0.5
    albedo = draw.between(0.04, 0.07) if is_resistor else draw.between(0.25, 0.40)
    alpha = draw.between(0.25, 0.35) if is_resistor else draw.between(0.35, 0.50)
    layers.lay(window, body, OVERCOAT if is_resistor else BODY, albedo, 0.05, alpha)
    layers.lay(window, ends, TERMINATION, 0.02, draw.between(0.6, 0.75), draw.between(0.28, 0.40))
    if is_resistor and chip.length_um > 1200:
        _mark(draw, layers, place, body & ~ends)
    edge = np.minimum(half - np.abs(place.along), chip.width_um / 2 - np.abs(place.across))
    drop = rounded(edge, 50.0)
    grain = draw.between(0.15, 0.35) * draw.field(body.shape, 40 / layers.pixel_um)
    layers.raise_to(window, body, chip.height_um - drop + grain)


def _mark(draw: Draw, layers: Layers, place: Place, body: NDArray[np.bool_]) -> None:
    """Three digits in white print. The judging family prints one font in one size; the teaching
    family prints other fonts, in many sizes and places."""
    canvas = np.zeros(body.shape, np.uint8)
    font, scale, stroke, dx, dy = FONT, 0.9, 3, 0, 0
    if draw.family == "spectral":
        font = TAUGHT_FONTS[int(draw.rng.integers(len(TAUGHT_FONTS)))]
        scale, stroke = float(draw.rng.uniform(0.6, 1.1)), int(draw.rng.integers(1, 5))
        dx, dy = (int(v) for v in draw.rng.integers(-8, 9, 2))
    middle = place.middle_px
    at = (int(middle[0] - 29 * scale) + dx, int(middle[1] + 13 * scale) + dy)
    cv2.putText(canvas, f"{draw.rng.integers(100, 999)}", at, font, scale, 255, stroke)
    layers.lay(place.window, body & (canvas > 127), MARK, draw.between(0.5, 0.7), 0.05, 0.45)
