"""A surface before anything is wrong with it: height and material at every pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspection.sim import textures
from inspection.sim.render import Points

F32 = NDArray[np.float32]
Family = Literal["spectral", "event"]
Patches = Literal["grain", "bricks", "basins"]


@dataclass(frozen=True, eq=False)
class Surface:
    """Maps (H, W) at the camera's pixel.

    height_um: above the mean plane. albedo: of the body. f0: reflectance of the coat (or of the
    bare metal) at normal incidence. alpha_x, alpha_y: GGX roughness, x across the brushing.
    zones: uint8, what a pixel belongs to, 0 where nothing is inspected (structural edges and their
        surroundings). Plain materials have the one zone 1.
    """

    pixel_um: float
    height_um: F32
    albedo: F32
    f0: F32
    alpha_x: F32
    alpha_y: F32
    zones: NDArray[np.uint8]

    def over(self, form_um: F32 | None) -> Surface:
        """This surface laid over a shape; None leaves it flat."""
        return self if form_um is None else replace(self, height_um=self.height_um + form_um)

    @cached_property
    def points(self) -> Points:
        """Flat points with the slopes that central differences give."""
        slope_y, slope_x = np.gradient(self.height_um, self.pixel_um)
        maps = (slope_x, slope_y, self.albedo, self.f0, self.alpha_x, self.alpha_y)
        return Points(*(np.ascontiguousarray(field, np.float32).ravel() for field in maps))


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Randomness of one surface: a generator, a texture family and how far ranges are widened.

    widen: 1 draws from a material's stated range, 1.6 from one 60 % wider about its middle.
    patches: what the spectral family makes e-ink's capsules of, one of these a part.
    """

    rng: np.random.Generator
    family: Family
    widen: float = 1.0
    patches: tuple[Patches, ...] = ("grain",)

    def between(self, low: float, high: float) -> float:
        """Uniform over the widened range, at least half of `low`."""
        middle, half = (low + high) / 2, (high - low) / 2 * self.widen
        return max(float(self.rng.uniform(middle - half, middle + half)), low / 2)

    def field(self, shape: tuple[int, int], scale_px: float) -> F32:
        """An isotropic field of unit deviation whose features are about `scale_px` wide."""
        if self.family == "spectral":
            falloff = self.rng.uniform(2.5, 4)
            field = textures.spectral(self.rng, shape, scale_px, scale_px, falloff)
            return textures.heavy_tailed(self.rng, field)
        return textures.bumps(self.rng, shape, scale_px)

    def eroded(self, shape: tuple[int, int], scale_px: float) -> F32:
        """A dense grain of craters about `scale_px` wide, as spark erosion leaves it in a mould."""
        if self.family == "spectral":  # rough to smooth, some with craters that stand out
            falloff = self.rng.uniform(1.5, 6)
            length = scale_px * float(np.sqrt(2 / falloff))
            field = textures.spectral(self.rng, shape, length, length, falloff)
            return textures.heavy_tailed(self.rng, field, most=0.35)
        return textures.bumps(self.rng, shape, scale_px, per_area=3.0)

    def brushed(self, shape: tuple[int, int], width_px: float, length_px: float) -> F32:
        """A field of grooves along y."""
        if self.family == "spectral":
            return textures.streaks(self.rng, shape, width_px / 2, length_px / 2)
        turn = self.between(0.005, 0.02)
        return textures.grooves(self.rng, shape, width_px, length_px, turn)
