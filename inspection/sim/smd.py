"""A board with chip capacitors and resistors: solder mask, ceramic bodies, tinned terminations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.sim.surface import Draw, Surface

F32 = NDArray[np.float32]

KEEP_OUT_UM = 100.0  # around every structural edge
TAUGHT_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)
MASK, BODY, OVERCOAT, TERMINATION, PAD, MARK = range(6)  # the first four are inspected


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
    layers = _Layers.mask(draw, shape, pixel_um)
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
            layers.place(draw, chip, centre)
    return layers.surface()


@dataclass(frozen=True, slots=True, eq=False)
class _Layers:
    """Maps while the board is being populated; `region` numbers what a pixel belongs to."""

    pixel_um: float
    height_um: F32
    albedo: F32
    f0: F32
    alpha: F32
    region: NDArray[np.uint8]

    @classmethod
    def mask(cls, draw: Draw, shape: tuple[int, int], pixel_um: float) -> _Layers:
        """Solder mask alone: glossy lacquer with a faint weave over a dark green body."""
        relief = draw.between(0.3, 0.8) * draw.field(shape, 300 / pixel_um)
        albedo = draw.between(0.10, 0.20) * (1 + 0.01 * draw.field(shape, 100 / pixel_um))
        alpha = np.full(shape, draw.between(0.12, 0.20), np.float32)
        f0 = np.full(shape, 0.04, np.float32)
        return cls(pixel_um, relief, albedo, f0, alpha, np.zeros(shape, np.uint8))

    def place(self, draw: Draw, chip: Chip, centre_um: tuple[float, float]) -> None:
        """One chip with its two pads, centred at (x, y) um, turned by up to some degrees."""
        turn = float(np.deg2rad(draw.rng.normal(0, 1.0)))
        reach = (
            (chip.length_um / 2 + 350) / self.pixel_um,
            (chip.width_um / 2 + 150) / self.pixel_um,
        )
        x0, x1 = _span(centre_um[0] / self.pixel_um, reach[0], self.region.shape[1])
        y0, y1 = _span(centre_um[1] / self.pixel_um, reach[1], self.region.shape[0])
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        x = (np.arange(x0, x1, dtype=np.float32)[None, :] + 0.5) * self.pixel_um - centre_um[0]
        y = (np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5) * self.pixel_um - centre_um[1]
        along = x * np.cos(turn) + y * np.sin(turn)
        across = y * np.cos(turn) - x * np.sin(turn)
        window = (slice(y0, y1), slice(x0, x1))
        self._pads(draw, chip, window, along, across)
        middle = (centre_um[0] / self.pixel_um - x0, centre_um[1] / self.pixel_um - y0)
        self._chip(draw, chip, window, along, across, middle)

    def _pads(
        self, draw: Draw, chip: Chip, window: Window, along: NDArray[Any], across: NDArray[Any]
    ) -> None:
        """Solder on both pads, rising towards the chip as a fillet."""
        out = np.abs(along) - chip.length_um / 2
        inside = _rectangle(out, across, 250, chip.width_um / 2 + 60)
        rise = 90 * np.clip(1 - out / 250, 0, 1) ** 2
        self._lay(window, inside, PAD, 0.02, draw.between(0.6, 0.75), draw.between(0.18, 0.30))
        self.height_um[window][inside] = rise[inside]

    def _chip(
        self,
        draw: Draw,
        chip: Chip,
        window: Window,
        along: NDArray[Any],
        across: NDArray[Any],
        middle: tuple[float, float],
    ) -> None:
        half = chip.length_um / 2
        body = _rectangle(along, across, half, chip.width_um / 2)
        ends = body & (np.abs(along) > half - chip.termination_um)
        is_resistor = draw.rng.random() < 0.5
        albedo = draw.between(0.04, 0.07) if is_resistor else draw.between(0.25, 0.40)
        alpha = draw.between(0.25, 0.35) if is_resistor else draw.between(0.35, 0.50)
        self._lay(window, body, OVERCOAT if is_resistor else BODY, albedo, 0.05, alpha)
        self._lay(
            window, ends, TERMINATION, 0.02, draw.between(0.6, 0.75), draw.between(0.28, 0.40)
        )
        if is_resistor and chip.length_um > 1200:
            self._mark(draw, window, body & ~ends, middle)
        edge = np.minimum(half - np.abs(along), chip.width_um / 2 - np.abs(across))
        round_um = 50.0
        drop = round_um - np.sqrt(round_um**2 - np.clip(round_um - edge, 0, round_um * 0.98) ** 2)
        grain = draw.between(0.15, 0.35) * draw.field(body.shape, 40 / self.pixel_um)
        self.height_um[window][body] = (chip.height_um - drop + grain)[body]

    def _mark(
        self, draw: Draw, window: Window, body: NDArray[np.bool_], middle: tuple[float, float]
    ) -> None:
        """Three digits in white print. The judging family prints one font in one size; the teaching
        family prints other fonts, in many sizes and places."""
        canvas = np.zeros(body.shape, np.uint8)
        font, scale, stroke, dx, dy = cv2.FONT_HERSHEY_DUPLEX, 0.9, 3, 0, 0
        if draw.family == "spectral":
            font = TAUGHT_FONTS[int(draw.rng.integers(len(TAUGHT_FONTS)))]
            scale, stroke = float(draw.rng.uniform(0.6, 1.1)), int(draw.rng.integers(1, 5))
            dx, dy = (int(v) for v in draw.rng.integers(-8, 9, 2))
        place = (int(middle[0] - 29 * scale) + dx, int(middle[1] + 13 * scale) + dy)
        cv2.putText(canvas, f"{draw.rng.integers(100, 999)}", place, font, scale, 255, stroke)
        self._lay(window, body & (canvas > 127), MARK, draw.between(0.5, 0.7), 0.05, 0.45)

    def _lay(
        self,
        window: Window,
        inside: NDArray[np.bool_],
        region: int,
        albedo: float,
        f0: float,
        alpha: float,
    ) -> None:
        self.region[window][inside] = region
        self.albedo[window][inside] = albedo
        self.f0[window][inside] = f0
        self.alpha[window][inside] = alpha

    def surface(self) -> Surface:
        """The maps as a surface; solder, print, edges and what lies near them are not inspected."""
        near = near_edges(self.region, self.pixel_um)
        zones = np.where(near | (self.region > TERMINATION), 0, self.region + 1).astype(np.uint8)
        alpha = self.alpha
        return Surface(self.pixel_um, self.height_um, self.albedo, self.f0, alpha, alpha, zones)


def near_edges(labels: NDArray[np.uint8], pixel_um: float) -> NDArray[np.bool_]:
    """Pixels within KEEP_OUT_UM of where the labels change."""
    size = 2 * int(np.ceil(KEEP_OUT_UM / pixel_um)) + 1
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.dilate(labels, kernel) != cv2.erode(labels, kernel))


Window = tuple[slice, slice]


def _span(centre: float, reach: float, size: int) -> tuple[int, int]:
    return max(0, int(centre - reach)), min(size, int(centre + reach) + 1)


def _rectangle(x: NDArray[Any], y: NDArray[Any], half_x: float, half_y: float) -> NDArray[np.bool_]:
    return np.asarray((np.abs(x) <= half_x) & (np.abs(y) <= half_y))
