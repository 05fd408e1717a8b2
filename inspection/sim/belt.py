"""A belt that carries parts of several materials past the station, most good, some defective."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.models.shipped import flat
from inspection.sim.defects import KINDS, Kind
from inspection.sim.materials import MATERIALS
from inspection.sim.names import GEOMETRIES
from inspection.sim.optics import STILL, Motion
from inspection.sim.regimes import REGIMES
from inspection.sim.scene import SIDE_PX, Plan, StationScene, Truth

SIZES_UM: dict[Kind, tuple[float, ...]] = {
    "point": (30.0, 50.0, 80.0, 120.0),
    "scratch": (30.0, 40.0, 60.0),
    "stain": (400.0, 600.0, 900.0),
}
MOST_DEFECTS = 3


class Belt:
    """Implements the camera's Scene: trigger t shows part t. Materials come in turn, and of each
    material its geometries.

    Which parts are defective, and how, follows from (seed, t) alone. An encoder fires the strobes
    while the belt moves: parts are smeared by the way they go in an exposure, and shifted by up to
    half an encoder step.
    """

    def __init__(
        self,
        materials: tuple[str, ...],
        seed: int,
        defective: float,
        geometries: tuple[str, ...] = ("flat",),
        motion: Motion = STILL,
    ) -> None:
        self._materials, self._seed, self._defective = materials, seed, defective
        self._geometries, self._motion = geometries, motion
        self._last: tuple[int, StationScene] | None = None

    def material(self, trigger: int) -> str:
        """Name of the material of part `trigger`."""
        return self._materials[trigger % len(self._materials)]

    def geometry(self, trigger: int) -> str:
        """Name of the geometry of part `trigger`."""
        of_material = [g for g in GEOMETRIES[self.material(trigger)] if g in self._geometries]
        return of_material[trigger // len(self._materials) % len(of_material)]

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        """(H, W) electrons/us; see `StationScene.render`."""
        return self._scene(trigger).render(trigger, light, time_s)

    def truth(self, trigger: int) -> Truth:
        """What is wrong with part `trigger`."""
        return self._scene(trigger).truth(trigger)

    def _scene(self, trigger: int) -> StationScene:
        if self._last is None or self._last[0] != trigger:
            material = MATERIALS[self.material(trigger)]
            scene = StationScene(
                material,
                REGIMES["judge"],
                self._plan(trigger),
                self._seed,
                (SIDE_PX, SIDE_PX),
                self.geometry(trigger),
                motion=self._motion,
            )
            self._last = (trigger, scene)
        return self._last[1]

    def _plan(self, trigger: int) -> Plan:
        rng = np.random.default_rng([self._seed, trigger, 1])
        if rng.random() >= self._defective:
            return Plan()
        kind = KINDS[int(rng.integers(len(KINDS)))]
        return Plan(int(rng.integers(1, MOST_DEFECTS + 1)), (kind,), SIZES_UM[kind])


def belt(
    materials: tuple[str, ...] | list[str] | None = None,
    seed: int = 0,
    defective: float = 0.4,
    speed_mm_s: float = 0.0,
    encoder_um: float = 0.0,
    geometries: tuple[str, ...] | list[str] = ("flat",),
) -> Belt:
    """For a camera's config: scene "inspection.sim.belt:belt". ValueError names what is wrong.

    materials: None for all whose flat parts a shipped network has learned.
    """
    materials = flat() if materials is None else materials
    if not materials or not set(materials) <= set(MATERIALS):
        raise ValueError(f"materials are of {', '.join(MATERIALS)}, got {', '.join(materials)}")
    if "flat" not in geometries:
        raise ValueError("flat parts are among the geometries of every belt")
    if not 0 <= defective <= 1:
        raise ValueError(f"defective is a fraction, got {defective}")
    motion = Motion(speed_mm_s, encoder_um)
    return Belt(tuple(materials), seed, defective, tuple(geometries), motion)
