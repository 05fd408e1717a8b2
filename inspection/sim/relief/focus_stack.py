"""A stack of frames along z by a microscope of high aperture: what is out of focus spreads.

The part is cut into layers of height; each layer's light spreads over the disc that its distance
from the focus gives, times diffraction and the pixel, and the layers add. Done by Fourier
transform, since a layer's transfer function depends on the distance alone: 2 J1(x) / x, x = 2 pi f
NA |dz| (geometrical defocus). A layer does not hide what lies below it. Sharpness needs detail: to
the radiance of the surface (ring light, BRDF) comes the grain of facets smaller than a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sin

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel
from inspection.sim.relief.lens import BARE, frame
from inspection.sim.relief.target import Target, grid_um
from inspection.sim.render import Lamps, Points, shade

F32 = NDArray[np.float32]

LAYER_UM = 4.0
PAD_PX = 24
FILL = 0.6
LAMPS = 8


@dataclass(frozen=True, slots=True)
class FocusSensor:
    """na: of the objective. every: layers a step of the stage. range_um: of the stage, about 0.
    elevation_deg: of the ring light. grain: relative deviation of a pixel's radiance by facets
    smaller than it, of a surface of alpha 0.3; in proportion to alpha. bend_um: radius of the
    surface that is in focus at one height (field curvature)."""

    na: float = 0.25
    wavelength_um: float = 0.525
    every: int = 2
    range_um: tuple[float, float] = (-120.0, 120.0)
    elevation_deg: float = 55.0
    grain: float = 0.15
    bend_um: float = 300_000.0
    camera: SensorModel = BARE

    @property
    def stage_um(self) -> NDArray[np.float64]:
        """Height in focus at the middle of the field, frame by frame."""
        low, high = self.range_um
        return np.arange(low, high + 1e-6, self.every * LAYER_UM)

    def simulate(self, target: Target, rng: np.random.Generator) -> NDArray[np.uint8]:
        """(K, H, W) frames."""
        light = self._radiance(target, rng)
        light *= np.float32(FILL * self.camera.full_well_e / np.percentile(light, 99))
        x, y = grid_um(target.shape, target.um_per_px)
        bent = target.height_um + (x * x + y * y) / np.float32(2 * self.bend_um)
        pad = ((PAD_PX, PAD_PX), (PAD_PX, PAD_PX))
        height: F32 = np.pad(bent, pad, "reflect")
        light = np.pad(light, pad, "reflect")
        layers, spectra = self._layers(height, light)
        inside = (slice(PAD_PX, -PAD_PX), slice(PAD_PX, -PAD_PX))
        transfer = Transfer(self, height.shape, target.um_per_px)
        stack = []
        for stage in np.rint(self.stage_um / LAYER_UM).astype(int):
            total = np.zeros_like(spectra[0])
            for layer, spectrum in zip(layers, spectra, strict=True):
                total += transfer.at(abs(int(stage - layer))) * spectrum
            image = scipy.fft.irfft2(total, height.shape, workers=1)[inside]
            bright = np.ascontiguousarray(np.maximum(image, 0), np.float32)
            stack.append(frame(bright, self.camera, rng))
        return np.stack(stack)

    def _radiance(self, target: Target, rng: np.random.Generator) -> F32:
        """(H, W): the ring light on the surface, and its grain."""
        turn = 2 * np.pi * np.arange(LAMPS) / LAMPS
        up = radians(self.elevation_deg)
        toward = np.stack(
            [np.cos(turn) * np.cos(up), np.sin(turn) * np.cos(up), np.full(LAMPS, sin(up))], axis=1
        )
        lamps = Lamps(
            toward.astype(np.float32),
            np.full(LAMPS, 1 / LAMPS, np.float32),
            np.full(LAMPS, self.na, np.float32),
        )
        albedo, f0, alpha = target.maps
        fields = (*target.slopes, albedo, f0, alpha, alpha)
        plain = shade(Points(*(field.ravel() for field in fields)), lamps).reshape(target.shape)
        grain = rng.standard_normal(target.shape, np.float32) * (self.grain / 0.3 * alpha)
        return np.asarray(plain * np.exp(np.clip(grain, -2, 2)), np.float32)

    def _layers(self, height: F32, light: F32) -> tuple[list[int], list[NDArray[np.complex64]]]:
        """Numbers of the layers and the transforms of their light; a point is shared by two."""
        at = height / LAYER_UM
        numbers = list(range(int(np.floor(at.min())), int(np.floor(at.max())) + 2))
        spectra = []
        for number in numbers:
            share = np.maximum(1 - np.abs(at - number), 0).astype(np.float32)
            spectra.append(scipy.fft.rfft2(light * share, workers=1))
        return numbers, spectra


class Transfer:
    """The lens's transfer functions, by distance from focus in layers."""

    def __init__(self, sensor: FocusSensor, shape: tuple[int, ...], um_per_px: float) -> None:
        v = np.fft.fftfreq(shape[0], um_per_px)[:, None]
        u = np.fft.rfftfreq(shape[1], um_per_px)[None, :]
        airy = 0.21 * sensor.wavelength_um / sensor.na
        self._f = np.hypot(v, u)
        self._focused = np.exp(-2 * (np.pi * airy * self._f) ** 2)
        self._focused *= np.sinc(v * um_per_px) * np.sinc(u * um_per_px)
        self._na = sensor.na
        self._made: dict[int, F32] = {}

    def at(self, layers: int) -> F32:
        """(H, W // 2 + 1) at so many layers from focus."""
        from scipy.special import j1

        if layers not in self._made:
            x = 2 * np.pi * self._f * self._na * layers * LAYER_UM
            disc = np.where(x > 1e-6, 2 * j1(x) / np.maximum(x, 1e-6), 1.0)
            self._made[layers] = (self._focused * disc).astype(np.float32)
        return self._made[layers]
