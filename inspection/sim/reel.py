"""Light rendered beforehand, so that a camera runs at its own speed and not the renderer's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.sim.scene import SIDE_PX, station_scene


class Reel:
    """Implements the camera's Scene: trigger t shows part t modulo the reel's length.

    frames: by light, one a part.
    """

    def __init__(self, frames: dict[str, list[NDArray[np.float32]]], defective: list[bool]) -> None:
        self._frames = frames
        self._defective = defective

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        """(H, W) electrons/us."""
        return self._frames[light][trigger % len(self._defective)]

    def is_defective(self, trigger: int) -> bool:
        """Whether the part of this trigger has a defect."""
        return self._defective[trigger % len(self._defective)]


def reel(
    materials: tuple[str, ...] | list[str] = ("metal", "glass", "glaze", "smd"),
    seed: int = 0,
    length: int = 16,
    side_px: int = SIDE_PX,
    geometry: str = "flat",
    lights: tuple[str, ...] | list[str] = ("inspect",),
) -> Reel:
    """For a camera's config: scene "inspection.sim.reel:reel". Every other part has one defect:
    points, scratches and stains in turn."""
    kinds = (("point", 40.0), ("scratch", 40.0), ("stain", 500.0))
    frames: dict[str, list[NDArray[np.float32]]] = {light: [] for light in lights}
    defective = []
    for number in range(length):
        kind, size = kinds[number // 2 % 3]
        bad = number % 2
        material = materials[number // 2 % len(materials)]
        scene = station_scene(
            material, "judge", seed + number, bad, (kind,), (size,), side_px, geometry
        )
        for light, kept in frames.items():
            kept.append(scene.render(0, light, number / 100))
        defective.append(bool(scene.truth(0).defects))
    return Reel(frames, defective)
