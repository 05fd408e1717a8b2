"""The materials: what their surfaces are made of and which lights their recipe fires.

Ranges are those of good parts. Optical constants: F0 of aluminium and steel 0.6 to 0.9 in green
light, of glass, glaze and lacquer 0.04 (n = 1.5); roughness as GGX alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.sim import eink, inductor, smd
from inspection.sim.surface import Draw, Surface

Shape = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Material:
    """A kind of part surface.

    build: a good surface of (H, W) pixels of `pixel_um`. program: strobe -> irradiance of the
    exposure that inspects it, relative; all fire at once. level: share of the full well that a
    nominal surface fills. curved: the program for parts that are not flat; None: the same one.
    has_plain_optics: shadows are hard and everything is in focus.
    """

    name: str
    build: Callable[[Draw, Shape, float], Surface]
    program: Mapping[str, float]
    level: float
    curved: Mapping[str, float] | None = None
    has_plain_optics: bool = False

    def lights(self, geometry: str) -> Mapping[str, float]:
        """The program for parts of this geometry."""
        return self.program if geometry == "flat" or self.curved is None else self.curved


def metal(draw: Draw, shape: Shape, pixel_um: float) -> Surface:
    """Brushed metal: grooves of 0.4 to 1.2 um rms, 20 to 50 um apart, over a faint waviness."""
    relief = draw.between(0.4, 1.2) * draw.brushed(
        shape, draw.between(20, 50) / pixel_um, draw.between(800, 2500) / pixel_um
    )
    relief += draw.between(0.5, 2.0) * draw.field(shape, 2500 / pixel_um)
    f0 = draw.between(0.6, 0.8) * (1 + 0.015 * draw.field(shape, 400 / pixel_um))
    return _plain(
        pixel_um,
        relief,
        albedo=0.02,
        f0=np.clip(f0, 0.3, 0.95),
        alpha_x=draw.between(0.22, 0.32),
        alpha_y=draw.between(0.10, 0.16),
    )


def glass(draw: Draw, shape: Shape, pixel_um: float) -> Surface:
    """Coated cover glass over a black mask: mirror-like, weak scatter from below."""
    relief = draw.between(0.5, 1.5) * draw.field(shape, 2500 / pixel_um)
    f0 = draw.between(0.012, 0.04) * (1 + 0.02 * draw.field(shape, 1500 / pixel_um))
    return _plain(
        pixel_um,
        relief,
        albedo=draw.between(0.01, 0.04),
        f0=np.clip(f0, 0.004, 0.08),
        alpha_x=(alpha := draw.between(0.008, 0.02)),
        alpha_y=alpha,
    )


def glaze(draw: Draw, shape: Shape, pixel_um: float) -> Surface:
    """Ceramic glaze: glossy coat with orange peel over a white body with faint mottling."""
    peel_um = draw.between(300, 800)
    peel = draw.field(shape, peel_um / pixel_um)
    slope = draw.between(0.006, 0.016)
    deviation = _slope(peel, pixel_um)
    albedo = draw.between(0.55, 0.75) * (1 + 0.01 * draw.field(shape, 150 / pixel_um))
    return _plain(
        pixel_um,
        peel * (slope / deviation),
        albedo=np.clip(albedo, 0.1, 0.9),
        f0=0.04,
        alpha_x=(alpha := draw.between(0.02, 0.05)),
        alpha_y=alpha,
    )


def plastic(draw: Draw, shape: Shape, pixel_um: float) -> Surface:
    """Dyed, moulded plastic: the spark-eroded texture of its mould (VDI 3400, class 12 to 21) on a
    semi-gloss skin; below, pigment, mottled no finer than light spreads in it."""
    grain = draw.eroded(shape, draw.between(25, 45) / pixel_um)
    slope = draw.between(0.015, 0.04)
    deviation = _slope(grain, pixel_um)
    albedo = draw.between(0.08, 0.45) * (1 + 0.012 * draw.field(shape, 250 / pixel_um))
    return _plain(
        pixel_um,
        grain * (slope / deviation),
        albedo=albedo,
        f0=0.045,
        alpha_x=(alpha := draw.between(0.15, 0.28)),
        alpha_y=alpha,
    )


def _slope(relief: NDArray[np.float32], pixel_um: float) -> float:
    """Deviation of the slope down; of a small frame that no bump lies in, which is flat, not 0."""
    return max(float(np.std(np.gradient(relief, pixel_um)[0])), 1e-9)


def _plain(pixel_um: float, relief: object, **maps: object) -> Surface:
    height = np.asarray(relief, np.float32)
    full = {k: np.broadcast_to(np.float32(v), height.shape) for k, v in maps.items()}  # type: ignore[arg-type]
    return Surface(pixel_um, height, zones=np.ones(height.shape, np.uint8), **full)


MATERIALS = {
    material.name: material
    for material in (
        Material("metal", metal, {"coaxial": 1.0, "ring": 0.5}, 0.42, {"panel": 1.0}),
        Material("glass", glass, {"coaxial": 1.0}, 0.50, {"panel": 1.0}),
        Material("glaze", glaze, {"coaxial": 1.0, "ring": 7.0}, 0.50, {"panel": 1.0}),
        Material("smd", smd.board, {"coaxial": 1.0, "east": 2.5}, 0.24, has_plain_optics=True),
        Material("plastic", plastic, {"panel": 1.0}, 0.45),
        Material("eink", eink.display, {"coaxial": 1.0}, 0.50),
        Material("inductor", inductor.board, {"panel": 1.0, "ring": 0.7}, 0.40),
    )
}
