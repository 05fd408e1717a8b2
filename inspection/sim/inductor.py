"""A board with power inductors: moulded ones with their value printed on, or shielded drum cores.

Moulded: pressed alloy powder with rounded rims (2520 case, 1.0 mm tall). Drum: a sintered ferrite
flange in a square ferrite shield (4018 case, 1.8 mm tall); between them the resin over the winding
lies lower and is not inspected. Bodies stand on tinned terminals that show at two sides.
"""

from __future__ import annotations

import cv2
import numpy as np

from inspection.sim.layers import BODY, MARK, OVERCOAT, PAD, Layers, Place, rectangle, rounded
from inspection.sim.structure import FONT, TAUGHT_FONTS
from inspection.sim.surface import Draw, Surface

MOULDED, FERRITE = BODY, OVERCOAT  # whose places in the list of hosts they take
RESIN = PAD  # not inspected
VALUES = ("1R0", "1R5", "2R2", "3R3", "4R7", "6R8", "100", "150", "220", "470")
MOULDED_UM = (2500.0, 2000.0, 1000.0)  # length, width, height
DRUM_UM = (4000.0, 4000.0, 1800.0)
RIM_UM = 120.0  # radius of a rim
GROOVE_UM = (1350.0, 1650.0, 250.0)  # inner and outer radius of the drum's resin, its depth


def board(draw: Draw, shape: tuple[int, int], pixel_um: float) -> Surface:
    """Inductors of one make in rows, each a little off its place, on green solder mask."""
    layers = Layers.mask(draw, shape, pixel_um)
    is_drum = draw.rng.random() < 0.5
    nominal = DRUM_UM if is_drum else MOULDED_UM
    length, width, height = (float(v * draw.rng.uniform(0.97, 1.03)) for v in nominal)
    pitch_x, pitch_y = length + draw.between(1200, 1800), width + draw.between(900, 1400)
    start = draw.rng.uniform(-0.5, 0.5, 2)
    value = VALUES[int(draw.rng.integers(len(VALUES)))]
    for row in range(-1, int(shape[0] * pixel_um / pitch_y) + 2):
        for column in range(-1, int(shape[1] * pixel_um / pitch_x) + 2):
            if draw.rng.random() < 0.1:
                continue  # an empty place keeps its bare mask
            x, y = draw.rng.normal(0, 25, 2)
            centre = ((column + start[0]) * pitch_x + x, (row + start[1]) * pitch_y + y)
            turn = float(np.deg2rad(draw.rng.normal(0, 1.0)))
            place = layers.place(centre, (length / 2 + 400, width / 2 + 150), turn)
            if place is None:
                continue
            _terminals(draw, layers, place, length, width)
            _body(draw, layers, place, (length, width, height), is_drum)
            if is_drum:
                _winding(draw, layers, place, height)
            else:
                _mark(draw, layers, place, value)
    return layers.surface()


def _terminals(draw: Draw, layers: Layers, place: Place, length: float, width: float) -> None:
    """Solder at both ends."""
    out = np.abs(place.along) - length / 2
    inside = rectangle(out, place.across, 300, width / 2 * 0.7)
    layers.lay(place.window, inside, PAD, 0.02, draw.between(0.6, 0.75), draw.between(0.18, 0.30))
    layers.raise_to(place.window, inside, 150 * np.clip(1 - out / 300, 0, 1) ** 2)


def _body(
    draw: Draw, layers: Layers, place: Place, size: tuple[float, float, float], is_drum: bool
) -> None:
    """A block of pressed powder or of sintered ferrite: rounded rims, a grain of its own."""
    half_x, half_y = size[0] / 2, size[1] / 2
    body = rectangle(place.along, place.across, half_x, half_y)
    albedo = draw.between(0.035, 0.06) if is_drum else draw.between(0.09, 0.16)
    f0 = draw.between(0.10, 0.16) if is_drum else 0.05  # ferrite: n about 2.2
    alpha = draw.between(0.30, 0.40) if is_drum else draw.between(0.35, 0.50)
    layers.lay(place.window, body, FERRITE if is_drum else MOULDED, albedo, f0, alpha)
    grain = draw.field(body.shape, 50 / layers.pixel_um)
    mottled = albedo * (1 + draw.between(0.01, 0.02) * draw.field(body.shape, 40 / layers.pixel_um))
    layers.albedo[place.window][body] = mottled[body]
    edge = np.minimum(half_x - np.abs(place.along), half_y - np.abs(place.across))
    top = size[2] - rounded(edge, RIM_UM) + draw.between(0.2, 0.5) * grain
    layers.raise_to(place.window, body, top)


def _winding(draw: Draw, layers: Layers, place: Place, height: float) -> None:
    """The ring of resin between the flange and the shield."""
    inner, outer, depth = GROOVE_UM
    radius = np.hypot(place.along, place.across)
    ring = (radius > inner) & (radius < outer)
    layers.lay(place.window, ring, RESIN, draw.between(0.15, 0.30), 0.05, draw.between(0.1, 0.2))
    hollow = 1 - ((2 * radius - inner - outer) / (outer - inner)) ** 2
    layers.raise_to(place.window, ring, height - depth * (0.5 + 0.5 * hollow))


def _mark(draw: Draw, layers: Layers, place: Place, value: str) -> None:
    """The value in white print; fonts, sizes and places as on the resistors (`smd`)."""
    canvas = np.zeros(place.along.shape, np.uint8)
    font, scale, stroke, dx, dy = FONT, 2.0, 6, 0, 0
    if draw.family == "spectral":
        font = TAUGHT_FONTS[int(draw.rng.integers(len(TAUGHT_FONTS)))]
        scale, stroke = float(draw.rng.uniform(1.4, 2.4)), int(draw.rng.integers(3, 9))
        dx, dy = (int(v) for v in draw.rng.integers(-15, 16, 2))
    x, y = place.middle_px
    at = (int(x - 29 * scale) + dx, int(y + 11 * scale) + dy)
    cv2.putText(canvas, value, at, font, scale, 255, stroke)
    printed = (canvas > 127) & (layers.region[place.window] == MOULDED)
    layers.lay(place.window, printed, MARK, draw.between(0.5, 0.7), 0.05, 0.45)
