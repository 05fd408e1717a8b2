"""A fringe projector beside a telecentric camera, traced from the surface to the projector's chip.

The camera looks along -z. Each of its pixels sees one point; from there the ray goes to the pupil
of a pinhole projector with radial distortion, which tells the column that lights the point, its
direction, and how far it is from the projector's focus. Columns show 8-bit codes through the
projector's gamma; its lens blurs them. Light also comes by one bounce, and from the room.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel
from inspection.jit import njit
from inspection.sim.brdf import brdf
from inspection.sim.relief.bounce import gathered
from inspection.sim.relief.lens import BARE, LENS, Lens, blurred, frame
from inspection.sim.relief.occlusion import reached
from inspection.sim.relief.target import Target, grid_um

F32 = NDArray[np.float32]

FINE = 8  # samples a column in the table of blurred patterns
FILL = 0.75  # of the full well, where the exposure puts the bright end
BRIGHT = 99.0  # percentile of the fully lit part that is its bright end


@dataclass(frozen=True, slots=True)
class Projector:
    """A digital projector aimed at the middle of the field, `angle_deg` off the camera's axis.

    distance_um: from pupil to field. column_um: width of a column's image there. na: of the
    projected cone. gamma: radiance is code^gamma over a dark level of 1 / contrast.
    blur_columns: of the lens in focus, a standard deviation. k1: radial distortion a um^2.
    """

    angle_deg: float = 30.0
    distance_um: float = 120_000.0
    column_um: float = 8.0
    columns: int = 640
    na: float = 0.02
    gamma: float = 2.2
    contrast: float = 400.0
    blur_columns: float = 0.7
    k1: float = 4e-11

    def radiance(self, codes: NDArray[np.uint8]) -> F32:
        """Of each column, 1 at full white."""
        dark = 1 / self.contrast
        return np.asarray(dark + (1 - dark) * (codes / 255.0) ** self.gamma, np.float32)


@dataclass(frozen=True, slots=True)
class FringeSensor:
    """Projector, camera lens and sensor. room: ambient radiosity over the projector's white."""

    projector: Projector = Projector()
    lens: Lens = LENS
    camera: SensorModel = BARE
    room: float = 0.02

    def simulate(
        self,
        target: Target,
        patterns: NDArray[np.uint8],
        rng: np.random.Generator,
        exposure: float | None = None,
    ) -> NDArray[np.uint8]:
        """(F, H, W) frames of a target under F patterns of (F, columns) codes.

        exposure: electrons per radiance, the radiance of a white Lambertian plane that faces a
        fully white projector being 1 / pi; None sets it by the target's own bright end.
        """
        seen = self._trace(target)
        gain = self._auto(seen) if exposure is None else exposure
        light = self._light(target, seen, patterns)
        sigma = self.lens.sigma_px(target.height_um, target.um_per_px)
        return np.stack([frame(blurred(gain * one, sigma), self.camera, rng) for one in light])

    def _auto(self, seen: Seen) -> float:
        bright = float(np.percentile(seen.response * seen.free, BRIGHT))
        return FILL * self.camera.full_well_e / max(bright, 1e-6)

    def _trace(self, target: Target) -> Seen:
        """Where each pixel's ray meets the projector's chip."""
        projector = self.projector
        angle = radians(projector.angle_deg)
        response, column, width = (np.empty(target.shape, np.float32) for _ in range(3))
        x, y = grid_um(target.shape, target.um_per_px)
        spread = (projector.na**2 + self.lens.na**2) / 4
        geometry = np.array(
            [
                sin(angle),
                cos(angle),
                projector.distance_um,
                projector.k1,
                projector.column_um,
                projector.columns / 2,
                projector.na,
                projector.blur_columns,
                spread,
            ]
        )
        _rays(
            target.height_um, x.ravel(), y.ravel(), *target.slopes, *target.maps, geometry,
            response, column, width,
        )  # fmt: skip
        free = reached(target.height_um, target.um_per_px, (sin(angle), 0.0, cos(angle)))
        return Seen(response, column, width, free)

    def _light(self, target: Target, seen: Seen, patterns: NDArray[np.uint8]) -> F32:
        """Radiance towards the camera under each pattern, (F, H, W)."""
        widths = np.linspace(float(seen.width.min()), float(seen.width.max()) + 1e-3, 4)
        tables = _tables(self.projector.radiance(patterns), widths)
        direct = np.empty((len(patterns), *target.shape), np.float32)
        _look_up(tables, seen.column, seen.width, widths.astype(np.float32), direct)
        direct *= seen.free
        albedo = target.maps[0]
        facing = np.float32(cos(radians(self.projector.angle_deg)))
        second = gathered(target, direct * (albedo * facing))
        second += np.float32(self.room)
        second *= albedo / np.float32(np.pi)
        direct *= seen.response
        direct += second
        return direct


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Of each pixel, (H, W): radiance under full white, the projector's column and blur width
    there (in columns), and the share of the pupil that is not hidden."""

    response: F32
    column: F32
    width: F32
    free: F32


@njit(cache=True, fastmath=True)
def _rays(height, xs, ys, slope_x, slope_y, albedo, f0, alpha, geometry, response, column, width):  # type: ignore[no-untyped-def]
    sine, cosine, distance, k1, column_um, middle, na, focus, spread = geometry
    rows, columns = height.shape
    for j in range(rows):
        for i in range(columns):
            x, y, z = xs[i], ys[j], height[j, i]
            lx, ly, lz = distance * sine - x, -y, distance * cosine - z
            along = lx * sine + lz * cosine
            u = -(lx * cosine - lz * sine) * distance / along
            v = -ly * distance / along
            u *= 1.0 + k1 * (u * u + v * v)
            column[j, i] = u / column_um + middle
            blur = 0.5 * na * (along - distance) / column_um
            width[j, i] = np.sqrt(focus * focus + blur * blur)
            far = 1.0 / np.sqrt(lx * lx + ly * ly + lz * lz)
            lx, ly, lz = lx * far, ly * far, lz * far
            p, q = slope_x[j, i], slope_y[j, i]
            nz = 1.0 / np.sqrt(1.0 + p * p + q * q)
            nx, ny = -p * nz, -q * nz
            scale = 1.0 / np.sqrt(1.0 - nx * nx)
            tx, ty, tz = (1.0 - nx * nx) * scale, -nx * ny * scale, -nx * nz * scale
            bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
            iz = lx * nx + ly * ny + lz * nz
            a = np.sqrt(alpha[j, i] * alpha[j, i] + spread)
            ix, iy = lx * tx + ly * ty + lz * tz, lx * bx + ly * by + lz * bz
            f = brdf(ix, iy, iz, tz, bz, nz, albedo[j, i], f0[j, i], a, a)
            response[j, i] = f * max(iz, 0.0)


def _tables(radiance: F32, widths: NDArray[np.float64]) -> F32:
    """(F, widths, columns * FINE): the patterns with hard-edged columns, blurred."""
    from scipy.ndimage import gaussian_filter1d

    hard = np.repeat(radiance, FINE, axis=1)
    levels = [gaussian_filter1d(hard, w * FINE, axis=1, mode="nearest") for w in widths]
    return np.ascontiguousarray(np.stack(levels, axis=1), np.float32)


@njit(cache=True, fastmath=True)
def _look_up(tables, column, width, widths, out):  # type: ignore[no-untyped-def]
    count, levels, samples = tables.shape
    per = (levels - 1) / (widths[-1] - widths[0])
    rows, columns = column.shape
    for f in range(count):
        for j in range(rows):
            for i in range(columns):
                at = column[j, i] * FINE - 0.5
                if at < 0 or at > samples - 2:
                    out[f, j, i] = 0.0
                    continue
                k = int(at)
                t = at - k
                level = (width[j, i] - widths[0]) * per
                m = min(int(level), levels - 2)
                s = level - m
                sharp = tables[f, m, k] * (1 - t) + tables[f, m, k + 1] * t
                soft = tables[f, m + 1, k] * (1 - t) + tables[f, m + 1, k + 1] * t
                out[f, j, i] = sharp * (1 - s) + soft * s
