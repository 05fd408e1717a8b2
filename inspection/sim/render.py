"""From slopes, materials and lights to the radiance a telecentric camera sees from above.

The camera looks along -z at every point, so that a pixel needs its slope and its material alone.
A lamp of finite size is a direction whose half-angle widens the coat's lobe: half-vectors turn by
half the lamp's angle, and the squares of the widths add. A panel about the camera's axis is too
large for that and has its own closed form (`panel`). Cast shadows are hard-edged (`shadows`) or
have their penumbra (`penumbra`).
Not modelled: light that bounces between surfaces, and one surface hiding room light or panel.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.sim.brdf import brdf, fresnel
from inspection.sim.ceiling import BLOCK_PX, CELL_PX, ceilings
from inspection.sim.jit import njit
from inspection.sim.panel import Panel, add_panel

F32 = NDArray[np.float32]
U16 = NDArray[np.uint16]

BLOCK = 256  # points whose frames stay in the fastest cache
BLOCKED_SIN2 = 0.04  # the lens itself: no room light comes from within about 11 degrees of it


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Surface points as flat arrays of equal length N, float32.

    slope_x, slope_y: dz/dx and dz/dy of the height. albedo, f0, alpha_x, alpha_y: see `brdf`.
    """

    slope_x: F32
    slope_y: F32
    albedo: F32
    f0: F32
    alpha_x: F32
    alpha_y: F32

    def at(self, index: NDArray[Any] | slice) -> Points:
        """The points at these indices."""
        return Points(
            *(np.ascontiguousarray(getattr(self, name)[index]) for name in self.__slots__)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Lamps:
    """K lamps: unit directions towards them (K, 3), irradiance each (K,), half-angle (K,) rad.

    panel: what burns about the camera's axis beside them.
    """

    directions: F32
    irradiance: F32
    half_angle: F32
    panel: Panel | None = None

    def only(self, lamp: int) -> Lamps:
        """One lamp, without the panel."""
        one = slice(lamp, lamp + 1)
        return Lamps(self.directions[one], self.irradiance[one], self.half_angle[one])

    def without(self, lamps: Collection[int]) -> Lamps:
        """The others, with the panel."""
        if not lamps:
            return self
        kept = [k for k in range(len(self.irradiance)) if k not in lamps]
        directions, irradiance = self.directions[kept], self.irradiance[kept]
        return Lamps(directions, irradiance, self.half_angle[kept], self.panel)

    @property
    def downward(self) -> float:
        """Irradiance of a level surface."""
        lamps = float((self.irradiance * self.directions[:, 2]).sum())
        return lamps + (self.panel.irradiance if self.panel else 0.0)


@dataclass(frozen=True, slots=True)
class Ambient:
    """Room light from above: radiance and its relative gradient along x and y."""

    radiance: float = 0.0
    gradient_x: float = 0.0
    gradient_y: float = 0.0


DARK = Ambient()


def shade(
    points: Points,
    lamps: Lamps,
    ambient: Ambient = DARK,
    blocked: U16 | None = None,
) -> F32:
    """Radiance towards the camera at every point, (N,) float32, in the lamps' unit per sr.

    blocked: (N,), bit k set where lamp k does not reach the point; None where all do.
    """
    out = np.empty(points.slope_x.shape, np.float32)
    _shade(
        points.slope_x,
        points.slope_y,
        points.albedo,
        points.f0,
        points.alpha_x,
        points.alpha_y,
        lamps.directions,
        lamps.irradiance,
        np.tan(lamps.half_angle / 2) ** 2,
        np.array([ambient.radiance, ambient.gradient_x, ambient.gradient_y], np.float32),
        np.zeros(0, np.uint16) if blocked is None else blocked,
        out,
    )
    if lamps.panel is not None:
        panel = lamps.panel
        radius = np.tan(panel.half_angle / 2)
        told = (panel.irradiance, panel.radiance, radius, panel.slope_x, panel.slope_y)
        maps = (getattr(points, name) for name in Points.__slots__)
        add_panel(*maps, np.array(told), out)
    return out


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _shade(p, q, albedo, f0, alpha_x, alpha_y, toward, irradiance, spread2, room, blocked, out):  # type: ignore[no-untyped-def]
    """Lamp by lamp over blocks that stay in the cache: the inner loops then run in vectors."""
    frame, totals = np.empty((9, BLOCK)), np.empty(BLOCK)
    nothing = np.zeros(BLOCK, blocked.dtype)
    for start in range(0, p.size, BLOCK):
        part = slice(start, min(start + BLOCK, p.size))
        n = part.stop - part.start
        total = totals[:n]
        own = (albedo[part], f0[part], alpha_x[part], alpha_y[part])
        hidden = blocked[part] if blocked.size > 0 else nothing[:n]
        _lay_frames(p[part], q[part], frame)
        total[:] = 0.0
        for k in range(irradiance.size):
            _add_lamp(frame, own, toward[k], irradiance[k], spread2[k], hidden, k, total)
        if room[0] > 0.0:
            _add_room(frame, own, room, total)
        out[part] = total


@njit(cache=True, fastmath=True, error_model="numpy")
def _lay_frames(p, q, frame):  # type: ignore[no-untyped-def]
    """Rows of frame: the normal n; the tangent t, the x axis laid onto the surface; n x t."""
    for i in range(p.size):
        nz = 1.0 / sqrt(1.0 + p[i] * p[i] + q[i] * q[i])
        nx, ny = -p[i] * nz, -q[i] * nz
        scale = 1.0 / sqrt(1.0 - nx * nx)
        tx, ty, tz = (1.0 - nx * nx) * scale, -nx * ny * scale, -nx * nz * scale
        frame[0, i], frame[1, i], frame[2, i] = nx, ny, nz
        frame[3, i], frame[4, i], frame[5, i] = tx, ty, tz
        frame[6, i] = ny * tz - nz * ty
        frame[7, i], frame[8, i] = nz * tx - nx * tz, nx * ty - ny * tx


@njit(cache=True, fastmath=True, error_model="numpy")
def _add_lamp(frame, own, toward, irradiance, spread2, hidden, bit, total):  # type: ignore[no-untyped-def]
    albedo, f0, alpha_x, alpha_y = own
    lx, ly, lz = toward[0], toward[1], toward[2]
    for i in range(total.size):
        ix = lx * frame[3, i] + ly * frame[4, i] + lz * frame[5, i]
        iy = lx * frame[6, i] + ly * frame[7, i] + lz * frame[8, i]
        iz = lx * frame[0, i] + ly * frame[1, i] + lz * frame[2, i]
        ax = sqrt(alpha_x[i] * alpha_x[i] + spread2)
        ay = sqrt(alpha_y[i] * alpha_y[i] + spread2)
        f = brdf(
            ix, iy, iz, frame[5, i], frame[8, i], frame[2, i], albedo[i], f0[i], ax, ay
        )  # 0 from below
        total[i] += f * iz * irradiance * (1 - ((hidden[i] >> bit) & 1))


@njit(cache=True, fastmath=True, error_model="numpy")
def _add_room(frame, own, room, total):  # type: ignore[no-untyped-def]
    albedo, f0, alpha_x, alpha_y = own
    for i in range(total.size):
        nx, ny, nz, alpha2 = frame[0, i], frame[1, i], frame[2, i], alpha_x[i] * alpha_y[i]
        total[i] += _room_light(nx, ny, nz, albedo[i], f0[i], alpha2, room)


@njit(cache=True, fastmath=True, inline="always")
def _room_light(nx, ny, nz, albedo, f0, alpha2, room):  # type: ignore[no-untyped-def]
    """Body: the whole hemisphere; coat: what lies in the mirror direction, dimmed by the lens."""
    rx, ry = 2.0 * nz * nx, 2.0 * nz * ny
    open_ = rx * rx + ry * ry + alpha2
    open_ = open_ / (open_ + BLOCKED_SIN2)
    tilt = 1.0 + (room[1] * nx + room[2] * ny) * 2.0 / 3.0
    mirrored = max(1.0 + room[1] * rx + room[2] * ry, 0.0)
    f = fresnel(f0, nz)
    return room[0] * ((1.0 - f) * albedo * max(tilt, 0.0) + f * open_ * mirrored)


def lambert_level() -> float:
    """Radiance of a white Lambertian surface per unit irradiance, 1/sr."""
    return 1 / pi


TALL_UM = 20.0  # relief below this casts no shadow worth a pixel


def shadows(height_um: F32, pixel_um: float, lamps: Lamps) -> U16 | None:
    """Which lamps do not reach a pixel, flat, as `shade` takes it; None where nothing is tall.

    Walks from each pixel towards the lamp until the ray is above everything.
    """
    top = float(height_um.max())
    if top - float(height_um.min()) < TALL_UM:
        return None
    blocked = np.zeros(height_um.size, np.uint16)
    near, wide = ceilings(height_um)
    for k, (x, y, z) in enumerate(lamps.directions):
        reach = float(np.hypot(x, y))
        if reach > 0.3:  # steeper lamps shadow less than a pixel per 30 um
            way = (x / reach, y / reach, pixel_um * z / reach)
            _walk(height_um, near, wide, *way, top, k, blocked)
    return blocked


@njit(cache=True, nogil=True, fastmath=True)
def _walk(height, near, wide, dx, dy, rise, top, bit, blocked):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    for row in range(rows):
        for column in range(columns):
            start, step = height[row, column], 1
            while start + step * rise < top:
                y, x = int(row + step * dy + 0.5), int(column + step * dx + 0.5)
                if y < 0 or x < 0 or y >= rows or x >= columns:
                    break
                ray = start + step * rise
                if near[y // CELL_PX, x // CELL_PX] <= ray:
                    step += BLOCK_PX if wide[y // BLOCK_PX, x // BLOCK_PX] <= ray else CELL_PX
                    continue
                if height[y, x] > ray:
                    blocked[row * columns + column] |= 1 << bit
                    break
                step += 1
