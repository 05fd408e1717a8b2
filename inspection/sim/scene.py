"""The station as a camera sees it: parts of one material, with defects, under its strobes.

Trigger t shows part t. Everything follows from (seed, t): the surface, its defects, the station's
misalignment, the room light. The exposure's gain is set as a line does it, so that the part's own
median lands on the recipe's level, within 10 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from inspection.sim.apply import repaint, touched
from inspection.sim.defects import Defect, Imprint, Kind, imprint
from inspection.sim.geometry import form
from inspection.sim.lighting import Lighting
from inspection.sim.materials import MATERIALS, Material
from inspection.sim.names import GEOMETRIES
from inspection.sim.optics import NUMERICAL_APERTURE, STILL, Motion, defocus
from inspection.sim.regimes import REGIMES, Regime
from inspection.sim.render import DARK, Ambient, Lamps, shade
from inspection.sim.station import Station
from inspection.sim.structure import near_edges
from inspection.sim.surface import Draw, Surface

F32 = NDArray[np.float32]

PIXEL_UM = 10.0
SIDE_PX = 1024
MARGIN_PX = 24  # no defect's middle lies nearer to the frame's edge
FINE = {"point": 5, "scratch": 4, "stain": 1}  # cells a pixel and direction
FORMS: dict[str, tuple[str, ...]] = {
    "point": ("pit", "bump", "inclusion"),
    "scratch": ("groove",),
    "stain": ("film",),
}
FULL_WELL_E, EXPOSURE_US = 10_000.0, 100.0  # the camera the recipe's level is meant for
METER_STEP = 61  # the exposure meter samples every so many pixels
FLICKER_HZ, FLICKER = 100.0, 0.3  # room lamps on 50 Hz mains


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is wrong with a part.

    labels: (H, W) int16, 0 on good pixels, i + 1 on those that defects[i] covers by a quarter or
        more (by the most, where it covers none so much).
    """

    labels: NDArray[np.int16]
    defects: tuple[Defect, ...]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W), True on defects."""
        return self.labels > 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The defects of a part: `count` of them, kinds and sizes drawn from these; 0 is a good part.

    Each lies in a cell of its own of a square grid, so that it can be judged alone.
    """

    count: int = 0
    kinds: tuple[Kind, ...] = ("point",)
    sizes_um: tuple[float, ...] = (30.0,)

    def __post_init__(self) -> None:
        if self.count < 0 or (self.count and not (self.kinds and self.sizes_um)):
            raise ValueError("a plan needs count >= 0, and kinds and sizes where count > 0")
        if unknown := set(self.kinds) - set(get_args(Kind)):
            raise ValueError(f"unknown kinds of defect: {', '.join(sorted(unknown))}")
        if any(size <= 0 for size in self.sizes_um):
            raise ValueError(f"sizes must be > 0 um, got {self.sizes_um}")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part on the station."""

    surface: Surface
    defects: tuple[Defect, ...]
    imprints: tuple[Imprint, ...]
    room: Ambient  # radiance as a fraction of what the strobes make of a white surface
    gain_error: float
    station_seed: int


class StationScene:
    """Implements the camera's Scene and knows the truth.

    light: "" or "inspect" for the material's own program, else a strobe of the station.
    room: the room light's radiance as a share of what the strobes make of a white surface; None
    draws it from the regime. motion: of the belt under the camera; the truth is where the part
    lies when the encoder is exact.
    """

    def __init__(
        self,
        material: Material,
        regime: Regime,
        plan: Plan,
        seed: int,
        shape: tuple[int, int] = (SIDE_PX, SIDE_PX),
        geometry: str = "flat",
        room: float | None = None,
        motion: Motion = STILL,
    ) -> None:
        self._material, self._regime, self._plan = material, regime, plan
        self._seed, self._shape, self._geometry = seed, shape, geometry
        self._set_room, self._motion = room, motion
        self._station = Station()
        self._last: tuple[int, Part] | None = None

    def render(self, trigger: int, light: str, time_s: float) -> F32:
        """(H, W) electrons/us, before the camera's blur and noise."""
        part = self.part(trigger)
        program = self._program if light in ("", "inspect") else {light: 1.0}
        rng = np.random.default_rng(part.station_seed)
        lamps = self._station.lamps(program, self._regime.tolerance, rng)
        radiance = self._lit(part, lamps, self._room(part, lamps, time_s))
        radiance *= np.float32(self._gain(part, lamps))
        jitter = np.random.default_rng([self._seed, trigger, 3, *light.encode()])
        return self._imaged(radiance, part, jitter)

    def alone(self, trigger: int, light: str, room: float = 0.0) -> F32:
        """(H, W) electrons/us of one strobe and steady room light, for imaging with many lights.

        light: a strobe of the station, "" for none. room: radiance as a fraction of what the
        material's own program makes of a white surface. The gain is that of the material's program
        whatever burns, so that what is rendered light by light adds up.
        """
        part = self.part(trigger)
        tolerance = self._regime.tolerance
        rng = np.random.default_rng(part.station_seed)
        own = self._station.lamps(self._program, tolerance, rng)
        rng = np.random.default_rng([part.station_seed, *light.encode()])
        lamps = self._station.lamps({light: 1.0} if light else {}, tolerance, rng)
        level = room * own.downward / np.pi
        ambient = Ambient(level, part.room.gradient_x, part.room.gradient_y)
        radiance = self._lit(part, lamps, ambient)
        radiance *= np.float32(self._gain(part, own))
        return self._imaged(radiance, part, np.random.default_rng([self._seed, trigger, 4]))

    def _gain(self, part: Part, lamps: Lamps) -> float:
        """Electrons/us per radiance, set so that the part's median lands on the recipe's level."""
        dark = shade(part.surface.points.at(slice(None, None, METER_STEP)), lamps)
        level = self._material.level * FULL_WELL_E / EXPOSURE_US
        return level * part.gain_error / max(float(np.median(dark)), 1e-6)

    def _lit(self, part: Part, lamps: Lamps, room: Ambient) -> F32:
        """(H W,) radiance of the part with its defects."""
        lighting = self._lighting(part.surface, lamps, room)
        radiance = lighting.on(part.surface.points)
        for defect, mark in zip(part.defects, part.imprints, strict=True):
            repaint(radiance, part.surface, mark, FINE[defect.kind], lighting)
        return radiance

    def _imaged(self, radiance: F32, part: Part, jitter: np.random.Generator) -> F32:
        """(H, W) with what lies out of focus and the belt's smear."""
        image = radiance.reshape(self._shape)
        if not self._material.has_plain_optics:
            image = defocus(image, part.surface.height_um, PIXEL_UM, NUMERICAL_APERTURE)
        return self._motion.blur(image, EXPOSURE_US, PIXEL_UM, jitter)

    def truth(self, trigger: int) -> Truth:
        """What is wrong with the part of this trigger."""
        labels = np.zeros(self._shape, np.int16)
        if self._plan.count == 0:
            return Truth(labels, ())  # known before the part is made
        part = self.part(trigger)
        for i, (defect, mark) in enumerate(zip(part.defects, part.imprints, strict=True)):
            index, cover = touched(mark, self._shape, FINE[defect.kind])
            labels.ravel()[index[cover >= min(0.25, float(cover.max()))]] = i + 1
        return Truth(labels, part.defects)

    def part(self, trigger: int) -> Part:
        """The part of this trigger; the last one is kept for its other lights."""
        if self._last is None or self._last[0] != trigger:
            self._last = (trigger, self._make(trigger))
        return self._last[1]

    def zones(self, trigger: int) -> NDArray[np.uint8]:
        """(H, W) what of this trigger's part is inspected and may bear defects: the surface's zones
        without the borders of cast shadows, 0 elsewhere."""
        return self._zones(self.part(trigger).surface)

    @property
    def _program(self) -> Mapping[str, float]:
        return self._material.lights(self._geometry)

    def _lighting(self, surface: Surface, lamps: Lamps, room: Ambient = DARK) -> Lighting:
        is_plain = self._material.has_plain_optics
        return Lighting.over(surface.height_um, PIXEL_UM, lamps, room, is_plain)

    def _make(self, trigger: int) -> Part:
        """A geometry only adds to the draws of the flat part."""
        rng = np.random.default_rng([self._seed, trigger])
        regime = self._regime
        surface = self._material.build(
            Draw(rng, regime.family, regime.widen, regime.patches), self._shape, PIXEL_UM
        )
        shape = Draw(np.random.default_rng([self._seed, trigger, 2]), regime.family)
        surface = surface.over(form(self._geometry, shape, self._shape, PIXEL_UM))
        if regime.colour != (1.0, 1.0):
            colour = np.float32(shape.rng.uniform(*regime.colour))
            surface = replace(surface, albedo=np.asarray(surface.albedo * colour, np.float32))
        drawn, tilt = float(rng.uniform(*regime.room)), rng.uniform(-0.5, 0.5, 2)
        room = Ambient(drawn if self._set_room is None else self._set_room, *map(float, tilt))
        gain_error = float(rng.uniform(0.9, 1.1))
        zones = self._zones(surface) if self._plan.count else surface.zones
        defects = tuple(_place(self._plan, zones, rng))
        imprints = tuple(
            imprint(d, _albedo_at(surface, d), PIXEL_UM, FINE[d.kind], rng) for d in defects
        )
        return Part(surface, defects, imprints, room, gain_error, int(rng.integers(2**31)))

    def _zones(self, surface: Surface) -> NDArray[np.uint8]:
        """The surface's zones without the borders of the shadows that the drawing's lamps cast."""
        lamps = self._station.lamps(self._program)
        borders = self._lighting(surface, lamps).borders(self._shape)
        if borders is None:
            return surface.zones
        return np.where(near_edges(borders, PIXEL_UM), 0, surface.zones).astype(np.uint8)

    def _room(self, part: Part, lamps: Lamps, time_s: float) -> Ambient:
        """The room light at this moment: lamps flicker at twice the mains frequency."""
        down = lamps.downward / np.pi
        flicker = 1 + FLICKER * float(np.cos(2 * np.pi * FLICKER_HZ * time_s))
        room = part.room
        return Ambient(room.radiance * down * flicker, room.gradient_x, room.gradient_y)


def _place(plan: Plan, zones: NDArray[np.uint8], rng: np.random.Generator) -> list[Defect]:
    """Defects in cells of a square grid, as often in one zone of the surface as in another."""
    if plan.count == 0:
        return []
    grid = int(np.ceil(np.sqrt(plan.count)))
    height, width = zones.shape
    found = []
    for cell in rng.permutation(grid * grid)[: plan.count]:
        row, column = divmod(int(cell), grid)
        rows = _inner(row, grid, height)
        columns = _inner(column, grid, width)
        cell_zones = zones[rows, columns]
        there = np.unique(cell_zones[cell_zones > 0])
        if there.size == 0:
            continue
        free = np.argwhere(cell_zones == there[int(rng.integers(there.size))])
        y, x = free[int(rng.integers(len(free)))] + (rows.start, columns.start) + rng.random(2)
        kind = plan.kinds[int(rng.integers(len(plan.kinds)))]
        form = FORMS[kind][int(rng.integers(len(FORMS[kind])))]
        size = float(rng.choice(plan.sizes_um))
        found.append(Defect(kind, form, float(x * PIXEL_UM), float(y * PIXEL_UM), size))
    return found


def _inner(cell: int, grid: int, size: int) -> slice:
    """The middle 60 % of a cell, within the frame's margin."""
    pitch = size / grid
    low, high = (cell + 0.2) * pitch, (cell + 0.8) * pitch
    return slice(max(int(low), MARGIN_PX), min(int(high) + 1, size - MARGIN_PX))


def _albedo_at(surface: Surface, defect: Defect) -> float:
    return float(surface.albedo[int(defect.y_um / PIXEL_UM), int(defect.x_um / PIXEL_UM)])


def station_scene(
    material: str = "metal",
    regime: str = "judge",
    seed: int = 0,
    count: int = 0,
    kinds: tuple[str, ...] | list[str] = ("point",),
    sizes_um: tuple[float, ...] | list[float] = (30.0,),
    side_px: int = SIDE_PX,
    geometry: str = "flat",
    room: float | None = None,
    belt_mm_s: float = 0.0,
    encoder_um: float = 0.0,
) -> StationScene:
    """For a camera's config: scene "inspection.sim.scene:station_scene" with these parameters.

    ValueError names what is not known.
    """
    for word, known in ((material, MATERIALS), (regime, REGIMES)):
        if word not in known:
            raise ValueError(f"{word!r} is not one of {', '.join(known)}")
    if geometry not in GEOMETRIES[material]:
        raise ValueError(f"{material} is {' or '.join(GEOMETRIES[material])}, not {geometry!r}")
    if room is not None and not 0 <= room < np.inf:
        raise ValueError(f"room light is a share of the strobes' >= 0, got {room}")
    plan = Plan(count, cast("tuple[Kind, ...]", tuple(kinds)), tuple(sizes_um))
    motion = Motion(belt_mm_s, encoder_um)
    shape = (side_px, side_px)
    return StationScene(
        MATERIALS[material], REGIMES[regime], plan, seed, shape, geometry, room, motion
    )
