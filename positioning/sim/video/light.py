"""From what is where to what a sensor counts: light, air, rain, lens and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.jit import compiled

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SUN = np.array([0.35, 0.45, 0.82])
GAMMA = 1 / 2.2


@dataclass(frozen=True, slots=True)
class Condition:
    """What the weather and the hour do to a picture.

    ambient: irradiance from the sky, 1 is daylight; sun: more of it on faces towards the sun.
    air_per_m: extinction by rain and haze. airlight: brightness of the air itself. lamps: the own
    headlights. full_well: photons at white; fewer of them are noisier. read: noise of the
    converter, of full scale. shake_px: blur of a vehicle that vibrates, at 1920 pixels a line.
    streaks: rain drops that cross the picture; spots: drops that stay on the glass.
    """

    name: str
    ambient: float = 1.0
    sun: float = 0.55
    air_per_m: float = 0.001
    airlight: float = 0.8
    lamps: float = 0.0
    full_well: float = 6000.0
    read: float = 0.004
    shake_px: float = 1.2
    streaks: int = 0
    spots: int = 0


CONDITIONS: dict[str, Condition] = {
    "clear": Condition("clear"),
    "rain": Condition(
        "rain", 0.62, 0.0, 0.014, 0.55, 0.0, 2500.0, 0.008, 1.8, streaks=700, spots=14
    ),
    "night": Condition("night", 0.035, 0.0, 0.002, 0.012, 26.0, 500.0, 0.018, 4.0),
}


@compiled
def _irradiate(
    colour: F32,
    depth: F32,
    focal: float,
    ambient: float,
    air: float,
    airlight: float,
    lamps: float,
    out: F32,
) -> None:
    """Light on every pixel of `colour`; lamps fall with the square of the distance in two beams."""
    height, width = depth.shape
    for v in range(height):
        b = (v + 0.5 - height / 2) / focal
        for u in range(width):
            a = (u + 0.5 - width / 2) / focal
            z = depth[v, u]
            light, clear, haze = ambient, 0.0, airlight
            if z < 1e9:
                clear = np.exp(-air * z)
                if lamps > 0.0:
                    spread = np.exp(-((a / 0.42) ** 2) - ((b - 0.02) / 0.10) ** 2)
                    light += lamps * (spread + 0.04) / (1.0 + 0.25 * z + 0.02 * z * z)
            else:
                clear, haze = 1.0 if air < 0.005 else 0.25, airlight
            for c in range(3):
                value = colour[v, u, c]
                shown = value if value > 1.0 else value * light
                out[v, u, c] = shown * clear + haze * (1.0 - clear)


def irradiate(colour: F32, depth: F32, focal_px: float, condition: Condition) -> F32:
    """(H, W, 3) radiance in units of white."""
    out = np.empty_like(colour)
    _irradiate(
        colour, depth, focal_px, condition.ambient, condition.air_per_m, condition.airlight,
        condition.lamps, out,
    )  # fmt: skip
    return out


def shade(normals: F64, condition: Condition) -> F32:
    """(Q,) factor of faces with unit normals (Q, 3): sky from above, sun from a side."""
    sky = 0.72 + 0.28 * normals[:, 2]
    sun = condition.sun * np.maximum(normals @ (SUN / np.linalg.norm(SUN)), 0.0)
    shaded: F32 = ((sky + sun) / (1 + condition.sun)).astype(np.float32)
    return shaded


def through_lens(radiance: F32, condition: Condition, rng: np.random.Generator) -> F32:
    """Shake, falling drops and drops on the glass."""
    import cv2

    height, width = radiance.shape[:2]
    scale = width / 1920
    out = _shaken(radiance, abs(rng.normal(0, condition.shake_px)) * scale, rng.uniform(0, np.pi))
    if condition.streaks:
        veil = np.zeros((height, width), np.float32)
        for x, y, length in rng.uniform(0, 1, (condition.streaks, 3)):
            at = int(x * width), int(y * height)
            to = at[0] + int(6 * scale * (x - 0.5)), at[1] + int((15 + 60 * length) * scale)
            cv2.line(veil, at, to, 0.04 + 0.10 * length, max(1, round(1.5 * scale)))
        out += veil[..., None] * np.float32(condition.airlight)
    for x, y, size in rng.uniform(0, 1, (condition.spots, 3)):
        _smear(out, int(x * width), int(y * height), int((10 + 35 * size) * scale) + 2)
    return out


def _shaken(radiance: F32, length_px: float, angle: float) -> F32:
    import cv2

    reach = int(np.ceil(length_px / 2))
    if reach < 1:
        return radiance
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * reach + 1):
        x = reach + share * length_px * np.cos(angle)
        y = reach + share * length_px * np.sin(angle)
        kernel[round(y), round(x)] += 1
    blurred: F32 = cv2.filter2D(radiance, -1, kernel / kernel.sum())
    return blurred


def _smear(picture: F32, x: int, y: int, radius: int) -> None:
    import cv2

    patch = picture[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius]
    if min(patch.shape[:2]) > 2:
        patch[:] = cv2.GaussianBlur(patch, (0, 0), radius / 3)


class Sensor:
    """Photons to 8-bit pixels. The noise field is drawn once and shifted from frame to frame."""

    def __init__(self, height_px: int, width_px: int, seed: int) -> None:
        self._shape = height_px, width_px
        rng = np.random.default_rng([seed, 11])
        self._field = rng.standard_normal((height_px + 97, width_px + 131, 3)).astype(np.float32)

    def expose(
        self, radiance: F32, condition: Condition, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """(H, W, 3) BGR."""
        y, x = int(rng.integers(97)), int(rng.integers(131))
        height, width = self._shape
        field = self._field[y : y + height, x : x + width]
        pixels = np.empty(radiance.shape, np.uint8)
        _expose(radiance, field, 1 / condition.full_well, condition.read, _GAMMA_TABLE, pixels)
        return pixels


_GAMMA_TABLE = np.round(255 * np.linspace(0, 1, 4096) ** GAMMA).astype(np.uint8)


@compiled
def _expose(
    radiance: F32,
    field: F32,
    per_photon: float,
    read: float,
    table: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    height, width, channels = radiance.shape
    for v in range(height):
        for u in range(width):
            for c in range(channels):
                light = max(radiance[v, u, c], 0.0)
                noisy = light + field[v, u, c] * np.sqrt(light * per_photon + read * read)
                out[v, u, c] = table[int(4095 * min(max(noisy, 0.0), 1.0))]
