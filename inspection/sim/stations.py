"""Stations that differ as machines of one maker do: lens, camera, lamps and pose.

One part is put on each of them. A surface has all its detail on the drawing's 10 um grid; a
station shades it anew under its own lamps on a grid finer than its own pixel, and its lens samples
that radiance where its pixels look. No frame of one station is made from a frame of another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel, SimCameraConfig
from inspection.sim.apply import repaint, touched
from inspection.sim.defects import Defect, imprint
from inspection.sim.lighting import Lighting
from inspection.sim.materials import MATERIALS
from inspection.sim.optics import NUMERICAL_APERTURE, defocus
from inspection.sim.regimes import REGIMES
from inspection.sim.render import F32, Lamps, Points, shade
from inspection.sim.scene import (
    EXPOSURE_US,
    FULL_WELL_E,
    MARGIN_PX,
    METER_STEP,
    PIXEL_UM,
    SIDE_PX,
    Part,
    Plan,
    StationScene,
    Truth,
)
from inspection.sim.station import LIGHTS, Light, Station
from inspection.sim.surface import Surface

PART_PX = 1248  # a part is larger than any station sees of it, on the drawing's grid
LEVELLED_DEG = 0.5  # a mirror image is then 1.3 % under its brightest: a person sees no less
CELLS_UM = 2.0  # defects are shaded on cells about this wide
GRID = 9  # defects are laid on 9 x 9 places of a part, of which station A sees 7 x 7


@dataclass(frozen=True, slots=True)
class Lens:
    """Where pixels look. radial: how much farther out than a straight lens a pixel looks in the
    frame's corner, as a fraction. offset_um: of the frame's centre from the part's. part_px: edge
    of the part on the drawing's grid."""

    um_per_px: float = PIXEL_UM
    side_px: int = SIDE_PX
    blur_px: float = 0.6
    radial: float = 0.0
    rotation_deg: float = 0.0
    offset_um: tuple[float, float] = (0.0, 0.0)
    is_mirrored: bool = False
    vignetting: float = 0.0
    part_px: int = PART_PX

    @property
    def centre_um(self) -> float:
        """Of the part, in x and in y, from its corner."""
        return self.part_px * PIXEL_UM / 2

    def looks_at(self) -> NDArray[np.float64]:
        """(side, side, 2): x and y on the part in um, from its corner, of each pixel's centre."""
        return _looks_at(self)

    def _looks_at(self) -> NDArray[np.float64]:
        x, y = self._from_centre()
        r2 = (x * x + y * y) * 2 / self.side_px**2  # 1 in the corner
        x, y = x * (1 + self.radial * r2), y * (1 + self.radial * r2)
        if self.is_mirrored:
            x = -x
        turn = np.deg2rad(self.rotation_deg)
        across = np.cos(turn) * x - np.sin(turn) * y
        down = np.sin(turn) * x + np.cos(turn) * y
        at = np.stack([across, down], axis=-1) * self.um_per_px
        return np.asarray(at + self.centre_um + np.array(self.offset_um), np.float64)

    def transmission(self) -> F32:
        """(side, side): 1 in the middle, 1 - vignetting in the corners."""
        x, y = self._from_centre()
        r2 = (x * x + y * y) * 2 / self.side_px**2
        return np.asarray(1 - self.vignetting * r2, np.float32)

    def _from_centre(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        step = np.arange(self.side_px, dtype=np.float64) + (0.5 - self.side_px / 2)
        return step[None, :], step[:, None]


@lru_cache(maxsize=4)
def _looks_at(lens: Lens) -> NDArray[np.float64]:
    at = lens._looks_at()
    at.setflags(write=False)
    return at


@dataclass(frozen=True, slots=True)
class Rig:
    """A station. `oversample`: cells of the shaded grid a drawing's pixel.

    turn_deg, tilt_deg: how far its lamps are turned about the vertical and raised. coaxial_deg: how
    far what is overhead leans, the coaxial lamp and the panel; as far as the others are raised
    where none is given. unequal: lamps
    differ by up to this fraction. falloff: irradiance changes by this fraction from the part's
    middle to its right and lower edge. colour: what the part's body scatters of this station's
    light, relative to that of A's; what its skin mirrors has no colour.
    """

    name: str
    lens: Lens = Lens()
    gain_db: float = 0.0
    black_dn: float = 2.0
    read_noise_e: float = 4.0
    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    coaxial_deg: float | None = None
    unequal: float = 0.0
    falloff: tuple[float, float] = (0.0, 0.0)
    colour: float = 1.0
    oversample: float = 1.0
    seed: int = 0

    def station(self) -> Station:
        """Its lights, where they are in truth."""
        return Station({name: self._moved(light) for name, light in LIGHTS.items()})

    def share(self, lamps: Lamps) -> Lamps:
        """The lamps with the irradiance they have in truth; their sum stays."""
        if not lamps.irradiance.size:  # a panel alone
            return lamps
        rng = np.random.default_rng(self.seed)
        share = 1 + self.unequal * rng.uniform(-1, 1, lamps.irradiance.shape)
        share *= lamps.irradiance.sum() / (lamps.irradiance * share).sum()
        return replace(lamps, irradiance=(lamps.irradiance * share).astype(np.float32))

    def _moved(self, light: Light) -> Light:
        azimuths = tuple(a + self.turn_deg for a in light.azimuths_deg)
        leans = self.tilt_deg if self.coaxial_deg is None else self.coaxial_deg
        tilt = -leans if light.elevation_deg == 90 else self.tilt_deg
        return replace(light, elevation_deg=light.elevation_deg + tilt, azimuths_deg=azimuths)

    def levelled(self) -> Rig:
        """The same station once a person has turned its coaxial lamp by the target's mirror."""
        return replace(self, name=levelled(self.name), coaxial_deg=LEVELLED_DEG)

    def part_of(self, field: float) -> Rig:
        """The same station with a camera that sees `field` of each side, and parts to match."""
        lens = self.lens
        offset = (lens.offset_um[0] * field, lens.offset_um[1] * field)
        side, part = round(lens.side_px * field), round(lens.part_px * field)
        return replace(self, lens=replace(lens, side_px=side, offset_um=offset, part_px=part))

    def sensor(self) -> SensorModel:
        """Of its camera; the lens' blur is the camera's."""
        return SensorModel(
            full_well_e=FULL_WELL_E,
            read_noise_e=self.read_noise_e,
            black_level_dn=self.black_dn,
            blur_sigma_px=self.lens.blur_px,
        )


def levelled(name: str) -> str:
    """What a station is called once its coaxial lamp is level."""
    return f"{name}-levelled"


RIGS = {
    rig.name: rig
    for rig in (
        Rig("A"),
        Rig(
            "B",
            Lens(12.5, 896, 0.75, 0.004, 3.0, (120.0, -90.0), vignetting=0.15),
            gain_db=2.92,  # x 1.4
            black_dn=9.0,
            read_noise_e=7.0,
            turn_deg=6.0,
            tilt_deg=2.0,
            unequal=0.2,
            falloff=(0.06, -0.04),
            oversample=1.25,
            seed=2,
        ),
        Rig(
            "C",
            Lens(11.5, 960, 0.85, -0.003, -2.0, (-80.0, 60.0), is_mirrored=True, vignetting=0.08),
            gain_db=-1.5,
            black_dn=5.0,
            read_noise_e=5.0,
            turn_deg=-8.0,
            tilt_deg=-1.5,
            unequal=0.15,
            falloff=(-0.05, 0.05),
            oversample=1.25,
            seed=3,
        ),
        Rig(
            "D",
            Lens(14.0, 816, 0.8, -0.006, -4.0, (-90.0, 80.0), vignetting=0.25),
            gain_db=-4.0,
            black_dn=16.0,
            read_noise_e=8.0,
            turn_deg=17.0,
            tilt_deg=4.0,
            unequal=0.35,
            falloff=(-0.1, 0.08),
            colour=0.8,
            oversample=1.25,
            seed=4,
        ),
    )
}
RIGS |= {rig.name: rig for rig in [RIGS[name].levelled() for name in "BCD"]}


@dataclass(frozen=True, eq=False)
class Refined(Surface):
    """A surface on a finer grid that has the slopes of the coarse one between its pixels."""

    slope_x: F32
    slope_y: F32

    @cached_property
    def points(self) -> Points:
        """Flat points; the slopes are those given, not new differences of the height."""
        maps = (self.slope_x, self.slope_y, self.albedo, self.f0, self.alpha_x, self.alpha_y)
        return Points(*(np.ascontiguousarray(field, np.float32).ravel() for field in maps))


def refined(surface: Surface, oversample: float) -> Surface:
    """The surface on `oversample` times as many cells a side."""
    if oversample == 1:
        return surface
    shape = surface.height_um.shape
    host = surface.points

    def finer(field: NDArray[Any]) -> F32:
        return _finer(np.ascontiguousarray(np.broadcast_to(field, shape), np.float32), oversample)

    maps = {name: finer(getattr(surface, name)) for name in ("height_um", "albedo", "f0")}
    maps |= {name: finer(getattr(surface, name)) for name in ("alpha_x", "alpha_y")}
    slopes = {name: finer(getattr(host, name).reshape(shape)) for name in ("slope_x", "slope_y")}
    zones = np.ones(maps["height_um"].shape, np.uint8)
    return Refined(surface.pixel_um / oversample, zones=zones, **maps, **slopes)


def tinted(surface: Surface, colour: float) -> Surface:
    """The surface under light of another colour: its body scatters `colour` times as much."""
    if colour == 1:
        return surface
    return replace(surface, albedo=np.asarray(surface.albedo * colour, np.float32))


def _finer(field: F32, times: float) -> F32:
    """Cubic, and nowhere beyond the neighbours: the edge of a chip is steep and does not ring."""
    around = np.ones((3, 3), np.uint8)
    low, high, smooth = (
        cv2.resize(values, None, fx=times, fy=times, interpolation=how)
        for values, how in (
            (cv2.erode(field, around), cv2.INTER_NEAREST),
            (cv2.dilate(field, around), cv2.INTER_NEAREST),
            (field, cv2.INTER_CUBIC),
        )
    )
    return np.asarray(np.minimum(np.maximum(smooth, low), high), np.float32)


def focused(radiance: F32, cell_um: float, lens: Lens) -> F32:
    """(side, side) mean radiance that each pixel sees of a map on square cells of the part.

    The pixel's aperture is a Gaussian of the variance of its square, less that of the cell.
    """
    variance = max(lens.um_per_px**2 - cell_um**2, 0.0) / 12
    if variance > 0:
        radiance = cv2.GaussianBlur(radiance, (0, 0), np.sqrt(variance) / cell_um)
    at = (lens.looks_at() / cell_um - 0.5).astype(np.float32)
    seen = cv2.remap(radiance, at[..., 0], at[..., 1], cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE)
    return np.maximum(np.asarray(seen, np.float32), 0)


class RigScene:
    """Implements the camera's Scene: trigger t shows part t as this station sees it.

    The parts follow from (material, plan, seed) alone, so that every station sees the same ones;
    exposure errors and the daily misalignment of the lamps are each station's own.
    """

    def __init__(
        self,
        rig: Rig,
        material: str,
        plan: Plan,
        seed: int,
        field: float = 1.0,
        first: int = 0,
    ) -> None:
        self._rig, self._material, self._seed = rig.part_of(field), MATERIALS[material], seed
        self._first = first
        self._home = RIGS["A"].part_of(field).lens
        self._regime, self._plan = REGIMES["judge"], plan

    def render(self, trigger: int, light: str, time_s: float) -> F32:
        """(side, side) electrons/us, before the lens' blur and the camera's noise."""
        if trigger < self._first:
            return np.zeros((self._rig.lens.side_px,) * 2, np.float32)
        part, rig = self._part(trigger), self._rig
        rng = np.random.default_rng([part.station_seed, rig.seed])
        lamps = rig.station().lamps(self._material.program, self._regime.tolerance, rng)
        lamps = rig.share(lamps)
        host = tinted(part.surface, rig.colour)
        surface = refined(host, rig.oversample)
        room = replace(part.room, radiance=part.room.radiance * lamps.downward / np.pi)
        is_plain = self._material.has_plain_optics
        lighting = Lighting.over(surface.height_um, surface.pixel_um, lamps, room, is_plain)
        radiance = lighting.on(surface.points)
        fine = round(surface.pixel_um / CELLS_UM)
        for number, defect in self._kept(part, trigger):
            shape_rng = np.random.default_rng([self._seed, trigger, number])
            mark = imprint(defect, _albedo(host, defect), surface.pixel_um, fine, shape_rng)
            repaint(radiance, surface, mark, fine, lighting)
        dark = shade(host.points.at(slice(None, None, METER_STEP)), lamps)
        level = self._material.level * FULL_WELL_E / EXPOSURE_US * float(rng.uniform(0.9, 1.1))
        radiance *= np.float32(level / max(float(np.median(dark)), 1e-6))
        image = radiance.reshape(surface.height_um.shape)
        if not is_plain:
            image = defocus(image, surface.height_um, surface.pixel_um, NUMERICAL_APERTURE)
        return seen(image, surface.pixel_um, rig)

    def truth(self, trigger: int, on_drawing: bool = True) -> Truth:
        """What is wrong with the part: labels on the grid of station A, or on this station's."""
        part = self._part(trigger)
        lens = self._home if on_drawing else self._rig.lens
        kept = self._kept(part, trigger)
        if not kept:
            return Truth(np.zeros((lens.side_px,) * 2, np.int16), ())
        labels = np.zeros((self._home.part_px,) * 2, np.int16)
        for i, (number, defect) in enumerate(kept):
            rng = np.random.default_rng([self._seed, trigger, number])
            fine = round(PIXEL_UM / CELLS_UM)
            mark = imprint(defect, _albedo(part.surface, defect), PIXEL_UM, fine, rng)
            index, cover = touched(mark, labels.shape, fine)
            labels.ravel()[index[cover >= min(0.25, float(cover.max()))]] = i + 1
        column, row = np.moveaxis((lens.looks_at() / PIXEL_UM).astype(np.intp), -1, 0)
        return Truth(labels[row, column], tuple(defect for _, defect in kept))

    def _part(self, trigger: int) -> Part:
        with _MAKING:  # two cameras that see one part at the same time do not both make it
            return _part(self._material.name, self._plan, self._seed, self._home.part_px, trigger)

    def _kept(self, part: Part, trigger: int) -> list[tuple[int, Defect]]:
        """The defects that lie well within what station A sees, with their numbers."""
        home = self._home
        edge = ((home.part_px - home.side_px) / 2 + MARGIN_PX) * PIXEL_UM
        far = home.part_px * PIXEL_UM - edge
        return [
            (i, d)
            for i, d in enumerate(part.defects)
            if edge <= d.x_um <= far and edge <= d.y_um <= far
        ]


_MAKING = Lock()


@lru_cache(maxsize=3)  # for the stations that see one part in turn
def _part(material: str, plan: Plan, seed: int, side_px: int, trigger: int) -> Part:
    shape = (side_px, side_px)
    scene = StationScene(MATERIALS[material], REGIMES["judge"], plan, seed, shape)
    return scene.part(trigger)


def seen(radiance: F32, cell_um: float, rig: Rig) -> F32:
    """What falls on the station's sensor of a radiance map of the part, with its light's and its
    lens' falloff."""
    image = focused(radiance, cell_um, rig.lens) * rig.lens.transmission()
    if any(rig.falloff):
        away = (rig.lens.looks_at() - rig.lens.centre_um) / rig.lens.centre_um
        image *= (1 + away @ np.array(rig.falloff)).astype(np.float32)
    return np.ascontiguousarray(image, np.float32)


def _albedo(surface: Surface, defect: Defect) -> float:
    row, column = int(defect.y_um / PIXEL_UM), int(defect.x_um / PIXEL_UM)
    return float(np.broadcast_to(surface.albedo, surface.height_um.shape)[row, column])


def rig_scene(
    rig: str = "A",
    material: str = "metal",
    seed: int = 0,
    has_defects: bool = False,
    kind: str = "point",
    size_um: float = 30.0,
    field: float = 1.0,
    count: int | None = None,
    first: int = 0,
) -> RigScene:
    """For a camera's config: scene "inspection.sim.stations:rig_scene" with these parameters.

    field: share of each side that the cameras see. count: of a part's defects, where it has any;
    None lays them as densely on every field.
    first: no part before this one is laid in; its trigger shows darkness and costs nothing.
    ValueError names what is not known.
    """
    for word, known in ((rig, RIGS), (material, MATERIALS)):
        if word not in known:
            raise ValueError(f"{word!r} is not one of {', '.join(known)}")
    count = int(np.ceil(GRID * field)) ** 2 if count is None else count
    plan = Plan(count if has_defects else 0, (kind,), (size_um,))  # type: ignore[arg-type]
    return RigScene(RIGS[rig], material, plan, seed, field, first)


def camera(
    rig: str, scene: str, seed: int, field: float = 1.0, **parameters: object
) -> SimCameraConfig:
    """The station's camera on a scene of this package, frame n at part n, as fast as it is read."""
    built = RIGS[rig].part_of(field)
    return SimCameraConfig(
        scene=scene,
        parameters={"rig": rig, "seed": seed, "field": field, **parameters},
        um_per_px=built.lens.um_per_px,
        height_px=built.lens.side_px,
        width_px=built.lens.side_px,
        realtime=False,
        lights=("inspect",),
        exposure_us=EXPOSURE_US,
        gain_db=built.gain_db,
        sensor=built.sensor(),
        seed=seed + built.seed,
    )
