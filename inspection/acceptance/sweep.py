"""Contrast-to-noise of weak defects over the level of light, by a plain and a fused camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.acceptance.capture import (
    NOISE,
    PASSES_ROOM,
    PASSES_STROBE,
    SENSOR,
    Look,
    fused,
    plain,
)
from inspection.imaging.contrast import (
    FEWEST_CLEAN,
    GAP_PX,
    RING_PX,
    ROSE,
    Aperture,
    cnr,
    deviations,
    noise_parts,
)
from inspection.imaging.fused import LIGHTS, Fused

if TYPE_CHECKING:
    from inspection.sim.defects import Defect
    from inspection.sim.rig import Layers, Rig
    from inspection.sim.scene import StationScene

F64 = NDArray[np.float64]

PLAIN, FILTERED, BARE, FUSED = (
    "plain",
    "plain with the filter",
    "fused without the filter",
    "fused",
)
CAMERAS = (PLAIN, FILTERED, BARE, FUSED)
SIDE_PX = 192
PLACES = 150  # clean places that tell a host's noise
CHECKED = 20  # of them are judged as if each were a defect
SATURATED = 0.02  # share of an aperture's pixels from which on nothing is said of its contrast


@dataclass(frozen=True, slots=True)
class Weak:
    """A kind of defect, its size in um (half the guide's smallest point and less) and how many a
    part."""

    kind: str
    size_um: float
    count: int


WEAK = (Weak("point", 15.0, 4), Weak("scratch", 10.0, 1), Weak("stain", 150.0, 4))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One defect. cnr: camera -> (L,) over the levels of light."""

    material: str
    kind: str
    form: str
    part: int
    cnr: Mapping[str, F64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a part looked like at one level: the plain camera's frame, the fused pictures."""

    material: str
    kind: str
    level_db: float
    frame: NDArray[np.uint16]
    pictures: Fused
    defect: Defect


@dataclass(slots=True)
class Sweep:
    """Curves of all defects, and views for the report."""

    levels_db: tuple[float, ...]
    cameras: tuple[str, ...]
    show_db: float  # where views are kept, chance and repetition looked at
    curves: list[Curve] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    by_chance: list[float] = field(default_factory=list)  # CNR of clean places by the fused camera
    temporal: dict[str, list[float]] = field(default_factory=dict)  # share of variance, by material
    left_out: int = 0  # defects whose host is too small to tell its noise

    def spans(self, camera: str) -> F64:
        """(N,) dB over which each defect stays at or above Rose's 5."""
        levels = np.array(self.levels_db)
        return np.array([span_db(levels, curve.cnr[camera]) for curve in self.curves])


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A part on the rig with the apertures of its defects and clean places for each."""

    material: str
    weak: Weak
    part: int
    layers: Layers
    program: Mapping[str, float]
    targets: tuple[tuple[Defect, Aperture, NDArray[np.intp]], ...]


Light = Callable[["Layers", float], tuple["Layers", float]]  # level in dB -> layers, room light


def subject(material: str, weak: Weak, part: int, seed: int, inspected: slice) -> Subject:
    """Build part number `part` and find where its noise can be told.

    inspected: columns of the frame in which clean places and defects count.
    """
    from inspection.sim.materials import MATERIALS
    from inspection.sim.rig import Layers
    from inspection.sim.scene import station_scene

    scene = station_scene(
        material, "judge", seed, weak.count, (weak.kind,), (weak.size_um,), SIDE_PX
    )
    program = MATERIALS[material].program
    layers = Layers.of(scene, part, tuple(dict.fromkeys((*LIGHTS, *program))))
    found = targets(scene, layers, part, seed, inspected)
    return Subject(material, weak, part, layers, program, tuple(found))


def targets(
    scene: StationScene, layers: Layers, part: int, seed: int, inspected: slice
) -> Iterator[tuple[Defect, Aperture, NDArray[np.intp]]]:
    """A part's defects with their apertures and clean places, where there are enough of these."""
    truth, zones = layers.truth, scene.part(part).surface.zones
    reach = 2 * (GAP_PX + RING_PX) + 1
    near = cv2.dilate(truth.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    rng = np.random.default_rng([seed, part])
    for i, defect in enumerate(truth.defects):
        if not (truth.labels == i + 1).any():
            continue
        aperture = Aperture.around(truth.labels == i + 1)
        allowed = np.zeros_like(near)
        same = zones == zones[aperture.row, aperture.column]
        allowed[:, inspected] = (same & ~near)[:, inspected]
        places = aperture.clean(allowed, PLACES, rng)
        if len(places) >= FEWEST_CLEAN and allowed[:, aperture.column].any():
            yield defect, aperture, places


def measure(sweep: Sweep, one: Subject, light: Light, look: Look, seed: int) -> None:
    """Add the curves of one part; at `show_db` a view of its first defect, and what chance and
    repetition do."""
    seen: dict[str, list[list[float]]] = {camera: [] for camera in sweep.cameras}
    for i, level_db in enumerate(sweep.levels_db):
        layers, room = light(one.layers, level_db)
        rng = np.random.default_rng([seed, one.part, i])
        rigs = _rigs(layers, room, rng)
        shots: dict[str, NDArray[np.uint16]] = {}
        for camera in sweep.cameras:
            if camera in (FUSED, BARE):
                many = fused(rigs[camera], look)
                seen[camera].append(_contrasts(one, many.pictures, many.saturated))
            else:
                shots[camera] = frame = plain(rigs[camera], one.program, look).frame
                lost = frame >= NOISE.saturation_dn
                seen[camera].append(_contrasts(one, frame[None].astype(np.float32), lost))
        if level_db == sweep.show_db and one.targets:
            _look_closer(sweep, one, shots[PLAIN], [many, fused(rigs[FUSED], look)])
    sweep.left_out += len(one.layers.truth.defects) - len(one.targets)
    for j, (defect, _, _) in enumerate(one.targets):
        curves = {camera: np.array([at[j] for at in rows]) for camera, rows in seen.items()}
        sweep.curves.append(Curve(one.material, one.weak.kind, defect.form, one.part, curves))


def _rigs(layers: Layers, room: float, rng: np.random.Generator) -> dict[str, Rig]:
    from inspection.sim.rig import Rig

    start_s = float(rng.uniform(0, 0.1))
    behind = {FILTERED: True, FUSED: True, PLAIN: False, BARE: False}
    return {
        camera: Rig(layers, SENSOR, rng, room, PASSES_ROOM, PASSES_STROBE, start_s)
        if filtered
        else Rig(layers, SENSOR, rng, room, time_s=start_s)
        for camera, filtered in behind.items()
    }


def _look_closer(
    sweep: Sweep, one: Subject, frame: NDArray[np.uint16], repeats: list[Fused]
) -> None:
    """Keep a view; the CNR of clean places; how much of the bright field's noise is temporal."""
    defect, aperture, places = one.targets[0]
    sweep.views.append(View(one.material, one.weak.kind, sweep.show_db, frame, repeats[0], defect))
    clean = aperture.values(repeats[0].pictures, places)
    for j in range(CHECKED):
        sweep.by_chance.append(deviations(clean[j], np.delete(clean, j, axis=0)))
    bright = [aperture.values(many.pictures[:1], places)[:, 0] for many in repeats]
    texture, temporal = noise_parts(np.array(bright))
    share = temporal**2 / (texture**2 + temporal**2)
    sweep.temporal.setdefault(one.material, []).append(share)


def _contrasts(one: Subject, pictures: NDArray[np.float32], lost: NDArray[np.bool_]) -> list[float]:
    """CNR of each target; 0 where its aperture is saturated."""
    found = []
    for _, aperture, places in one.targets:
        rows, columns = (aperture.inside + np.array([aperture.row, aperture.column])).T
        over = float(lost[rows, columns].mean()) > SATURATED
        found.append(0.0 if over else cnr(pictures, aperture, places))
    return found


def span_db(levels_db: F64, contrast: F64, threshold: float = ROSE) -> float:
    """The longest run of levels over which the contrast stays at or above the threshold.

    Between two levels the contrast is taken as linear in dB.
    """
    best = run = 0.0
    for i in range(len(levels_db) - 1):
        width = float(levels_db[i + 1] - levels_db[i])
        a, b = float(contrast[i]) - threshold, float(contrast[i + 1]) - threshold
        if a >= 0 and b >= 0:
            run += width
        elif a >= 0:
            run += width * a / (a - b)
        elif b >= 0:
            run = width * b / (b - a)
        best = max(best, run)
        run = run if b >= 0 else 0.0
    return best
