"""The calibration target on a simulated station, drawn from its drawing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.migrate.artefact import TARGET, Artefact
from inspection.sim.materials import MATERIALS
from inspection.sim.render import F32, Ambient, Points, shade
from inspection.sim.scene import EXPOSURE_US, FULL_WELL_E
from inspection.sim.stations import RIGS, Rig, seen

CELL_UM = 4.0
LEVEL = 0.5  # share of the full well that white fills at 0 dB
MIRROR = -1.0  # in the drawing, for polished glass instead of a reflectance
MIRROR_F0, MIRROR_ALPHA = 0.008, 0.01  # black glass with an anti-reflection coating
PLACED_UM = (35.0, -20.0)  # where the target's centre comes to lie on every station's nest


class TargetScene:
    """Implements the camera's Scene: the target under the light that inspects a material.

    A camera that sees `field` of each side is shown a target as much smaller.
    """

    def __init__(self, rig: Rig, material: str, brightness: float, field: float) -> None:
        self._rig, self._program = rig.part_of(field), MATERIALS[material].program
        self._brightness, self._artefact = brightness, TARGET.scaled(field)

    def render(self, trigger: int, light: str, time_s: float) -> F32:
        """(side, side) electrons/us."""
        lamps = self._rig.share(self._rig.station().lamps(self._program))
        levels, index = np.unique(
            drawing(self._artefact, self._rig.lens.centre_um), return_inverse=True
        )
        flat, shines = np.zeros_like(levels), levels == MIRROR
        alpha = np.where(shines, np.float32(MIRROR_ALPHA), np.float32(0.5))
        f0 = np.where(shines, np.float32(MIRROR_F0), np.float32(0))
        points = Points(flat, flat, np.maximum(levels, 0), f0, alpha, alpha)
        radiance = shade(points, lamps, Ambient())
        radiance *= LEVEL * self._brightness * FULL_WELL_E / EXPOSURE_US / radiance.max()
        side = round(2 * self._rig.lens.centre_um / CELL_UM)
        return seen(radiance[index].reshape(side, side), CELL_UM, self._rig)


def drawing(artefact: Artefact, centre_um: float) -> F32:
    """(S, S) reflectance on cells of 4 um, edges mixed by covered area to about 1/50; MIRROR on the
    mirrors."""
    side = round(2 * centre_um / CELL_UM)
    x = (np.arange(side, dtype=np.float64) + 0.5) * CELL_UM - centre_um - PLACED_UM[0]
    y = (np.arange(side, dtype=np.float64) + 0.5) * CELL_UM - centre_um - PLACED_UM[1]
    field = np.full((side, side), artefact.white, np.float32)
    for u, v in artefact.nodes.tolist():
        is_mark = (u, v) in artefact.marks
        radius = (artefact.mark_um if is_mark else artefact.dot_um) / 2
        at = (u * artefact.pitch_um, v * artefact.pitch_um)
        box = _box(x, y, at, radius + CELL_UM)
        if box is not None:
            distance = np.hypot(x[box[1]][None] - at[0], y[box[0]][:, None] - at[1])
            cover = np.round(np.clip((radius - distance) / CELL_UM + 0.5, 0, 1) * 50) / 50
            field[box] += (artefact.black - artefact.white) * cover.astype(np.float32)
    mirrors = [(x, y, MIRROR) for x, y in artefact.mirrors_um().tolist()]
    for cx, cy, step in (*artefact.squares(), *mirrors):
        half = artefact.square_um / 2
        box = _box(x, y, (cx, cy), half)
        if box is not None:
            field[box] = step
    return field


def _box(
    x: NDArray[np.float64], y: NDArray[np.float64], at: tuple[float, float], reach: float
) -> tuple[slice, slice] | None:
    left, right = np.searchsorted(x, [at[0] - reach, at[0] + reach])
    top, bottom = np.searchsorted(y, [at[1] - reach, at[1] + reach])
    if left == right or top == bottom:
        return None
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def target_scene(
    rig: str = "A",
    material: str = "metal",
    seed: int = 0,
    brightness: float = 1.0,
    field: float = 1.0,
) -> TargetScene:
    """For a camera's config: scene "inspection.sim.target:target_scene"."""
    for word, known in ((rig, RIGS), (material, MATERIALS)):
        if word not in known:
            raise ValueError(f"{word!r} is not one of {', '.join(known)}")
    return TargetScene(RIGS[rig], material, brightness, field)
