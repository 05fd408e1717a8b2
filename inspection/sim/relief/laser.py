"""A laser line over a belt, seen by a tilted camera through a coherent lens.

The sheet falls straight down; the belt carries the part along y under it. Every lit point of a
grid four times finer than the camera's pixel scatters with a random complex amplitude that
belongs to the surface (circular Gaussian: fully developed speckle, Goodman 2007), whose mean
square is the sheet's profile there times the BRDF, where the camera sees the point. The amplitudes
land where the tilted camera images them and pass its round pupil as a coherent field; what the
pixels integrate is the intensity, over polarisations and over the belt's way during the exposure.
So speckle is averaged by the aperture as light does it, and stays with the surface from step to
step. The camera is focused on the whole sheet (Scheimpflug). Light also comes by one bounce
(`glow`), and from the room.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians, sin

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel
from inspection.jit import njit
from inspection.sim.brdf import brdf
from inspection.sim.relief.glow import Glow
from inspection.sim.relief.lens import BARE, frame
from inspection.sim.relief.occlusion import reached
from inspection.sim.relief.target import Target

F32 = NDArray[np.float32]
C64 = NDArray[np.complex64]

FINE = 4  # samples a pixel of the coherent field
REACH = 3.0  # standard deviations of the sheet that are lit
PAD_PX = 4
FILL = 0.7  # of the full well, where the exposure puts the line's bright pixels
PROBES = 12  # steps that set the exposure


@dataclass(frozen=True, slots=True)
class LaserSensor:
    """Sheet, camera and belt.

    angle_deg: of the camera's axis from the sheet. na: of the camera on the object's side.
    sheet_um: standard deviation of the sheet's profile. looks: polarisations that the surface
    mixes. rows: of the camera's window. roll: of the camera, rise over run. bow_um: by which the
    ends of the sheet lie ahead of its middle. keystone: relative scale a um of row.
    open_share: of a step during which the shutter is open. jitter_um: of the encoder.
    room: background light over the line's brightest.
    """

    angle_deg: float = 35.0
    na: float = 0.08
    wavelength_um: float = 0.405
    sheet_um: float = 6.0
    looks: int = 2
    rows: int = 112
    roll: float = 0.003
    bow_um: float = 2.0
    keystone: float = 2e-5
    open_share: float = 0.5
    exposures: int = 2
    jitter_um: float = 0.2
    room: float = 0.01
    camera: SensorModel = BARE

    def simulate(self, target: Target, rng: np.random.Generator) -> NDArray[np.uint8]:
        """(steps, rows, W) frames, a step being one row of the target."""
        steps, width = target.shape
        ends = int((REACH * self.sheet_um + self.bow_um) / target.um_per_px) + 2
        target = target.enlarged(ends, PAD_PX)
        lit = self._lit(target, rng)
        gain = self._gain(target, lit)
        inside = slice(PAD_PX, PAD_PX + width)
        # of a pixel's scattered power, what passes the pupil: as of the amplitudes in `_add`
        through = pi * (self.na / self.wavelength_um * target.um_per_px) ** 2
        out = np.empty((steps, self.rows, width), np.uint8)
        for k in range(steps):
            at = (k + ends) * target.um_per_px + self.jitter_um * float(rng.standard_normal())
            light = self._image(target, lit, at)
            lit.glow.add(at + 0.5 * target.um_per_px, light, through)
            light = np.ascontiguousarray(light[:, inside])
            light += np.float32(self.room / gain * FILL * self.camera.full_well_e)
            out[k] = frame(gain * light, self.camera, rng)
        return out

    def _gain(self, target: Target, lit: Lit) -> float:
        """Electrons per intensity that put the line's bright pixels at FILL."""
        steps = np.linspace(0, target.shape[0] - 1, PROBES + 2)[1:-1]
        tops = [self._image(target, lit, float(k) * target.um_per_px).max(axis=0) for k in steps]
        bright = max(float(np.percentile(tops, 90)), 1e-6)
        return FILL * self.camera.full_well_e / bright

    def _lit(self, target: Target, rng: np.random.Generator) -> Lit:
        """The surface on the fine grid, each point with its own scattered amplitude."""
        angle = radians(self.angle_deg)
        response = np.empty(target.shape, np.float32)
        _respond(*target.slopes, *target.maps, -sin(angle), cos(angle), self.na**2 / 4, response)
        toward = (0.0, -sin(angle), cos(angle))
        free = reached(target.height_um, target.um_per_px, toward)
        response *= free
        height = _finer(target.height_um)
        amplitude = np.sqrt(_finer(response))
        grains = rng.standard_normal((self.looks, *height.shape, 2), np.float32)
        grains *= amplitude[..., None] * np.float32(np.sqrt(0.5 / self.looks))
        glow = Glow(target, free, self.sheet_um, self.angle_deg)
        return Lit(height, grains.view(np.complex64)[..., 0], glow)

    def _image(self, target: Target, lit: Lit, at_um: float) -> F32:
        """(rows, W) intensity with the part's row at `at_um` under the sheet."""
        out = np.zeros((self.rows, target.shape[1]), np.float32)
        travel = self.open_share * target.um_per_px
        for e in range(self.exposures):
            shift = travel * ((e + 0.5) / self.exposures - 0.5)
            self._add(target, lit, at_um + shift, out)
        return out

    def _add(self, target: Target, lit: Lit, at_um: float, out: F32) -> None:
        """One instant's intensity."""
        fine_um = target.um_per_px / FINE
        middle = at_um + 0.5 * target.um_per_px  # from the edge of the first row
        reach = REACH * self.sheet_um + self.bow_um
        first = max(int((middle - reach) / fine_um), 0)
        last = min(int((middle + reach) / fine_um) + 1, lit.height_um.shape[0])
        angle = radians(self.angle_deg)
        geometry = np.array(
            [
                cos(angle),
                sin(angle),
                self.sheet_um,
                self.bow_um,
                self.roll,
                self.keystone,
                fine_um,
                (first + 0.5) * fine_um - middle,
                self.rows * FINE / 2,
            ]
        )
        height = lit.height_um[first:last]
        low, high = self._band(height, fine_um, reach)
        for look in lit.grains:
            field = np.zeros(((high - low) * FINE, height.shape[1]), np.complex64)
            _land(height, look[first:last], geometry, low * FINE, field)
            seen = self._through_pupil(field, fine_um)
            power = np.square(np.abs(seen)).reshape(high - low, FINE, -1, FINE)
            out[low:high] += power.sum(axis=(1, 3)) / self.exposures

    def _band(self, height: F32, fine_um: float, reach_um: float) -> tuple[int, int]:
        """Rows of the window that the line may touch."""
        angle, pitch = radians(self.angle_deg), fine_um * FINE
        across = reach_um * cos(angle) + abs(self.roll) * height.shape[1] * fine_um / 2
        low = (float(height.min()) * sin(angle) - across) / pitch + self.rows / 2 - PAD_PX
        high = (float(height.max()) * sin(angle) + across) / pitch + self.rows / 2 + PAD_PX
        bottom = int(np.clip(low, 0, self.rows - 2 * PAD_PX))
        return bottom, int(np.clip(np.ceil(high), bottom + 2 * PAD_PX, self.rows))

    def _through_pupil(self, field: C64, fine_um: float) -> C64:
        """The field behind the round pupil: spatial frequencies up to NA / wavelength."""
        spectrum = scipy.fft.fft2(field, workers=1, overwrite_x=True)
        v = np.fft.fftfreq(field.shape[0], fine_um).astype(np.float32)[:, None]
        u = np.fft.fftfreq(field.shape[1], fine_um).astype(np.float32)[None, :]
        spectrum *= (v * v + u * u) <= (self.na / self.wavelength_um) ** 2
        return np.asarray(scipy.fft.ifft2(spectrum, workers=1, overwrite_x=True), np.complex64)


@dataclass(frozen=True, slots=True, eq=False)
class Lit:
    """height_um (FINE H, FINE W); grains (looks, FINE H, FINE W) complex scattered amplitudes."""

    height_um: F32
    grains: C64
    glow: Glow


def _finer(image: F32) -> F32:
    size = (image.shape[1] * FINE, image.shape[0] * FINE)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.float32)


@njit(cache=True, fastmath=True)
def _respond(slope_x, slope_y, albedo, f0, alpha, oy, oz, spread, out):  # type: ignore[no-untyped-def]
    """Radiance towards (0, oy, oz) per irradiance of the sheet, which falls straight down."""
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            p, q = slope_x[j, i], slope_y[j, i]
            nz = 1.0 / np.sqrt(1.0 + p * p + q * q)
            nx, ny = -p * nz, -q * nz
            scale = 1.0 / np.sqrt(1.0 - nx * nx)
            tx, ty, tz = (1.0 - nx * nx) * scale, -nx * ny * scale, -nx * nz * scale
            by, bz = nz * tx - nx * tz, nx * ty - ny * tx
            a = np.sqrt(alpha[j, i] * alpha[j, i] + spread)
            f = brdf(
                tz, bz, nz, oy * ty + oz * tz, oy * by + oz * bz, oy * ny + oz * nz,
                albedo[j, i], f0[j, i], a, a,
            )  # fmt: skip
            out[j, i] = f * nz


@njit(cache=True, fastmath=True)
def _land(height, grains, geometry, lowest, field):  # type: ignore[no-untyped-def]
    """Scattered amplitudes onto the fine rows where the camera images them."""
    cosine, sine, sheet, bow, roll, keystone, fine, start, middle = geometry
    rows, columns = height.shape
    for i in range(columns):
        x = (i - (columns - 1) / 2) * fine
        ahead = bow * (2.0 * i / columns - 1.0) ** 2
        for j in range(rows):
            y = start + j * fine - ahead
            profile = np.exp(-0.25 * y * y / (sheet * sheet))  # of the amplitude
            v = height[j, i] * sine + (y + ahead) * cosine + roll * x
            v *= 1.0 + keystone * v
            row = int(np.floor(v / fine + middle)) - lowest
            if 0 <= row < field.shape[0]:
                field[row, i] += np.float32(profile) * grains[j, i]
