"""Pictures of parts with their classes, rendered beforehand: a line runs at its own speed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SimCameraConfig
from common.drivers.camera.sim import SimCamera
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.methods.segment import station_method
from inspection.pipeline import Pipeline
from inspection.sim.belt import Belt
from inspection.sim.scene import EXPOSURE_US, PIXEL_UM, Truth
from inspection.sorting.bins import Kind, kind_of

LIGHT = "inspect"
MATERIAL = "smd"
DEFECTIVE = 0.6  # most parts on a real line are good; every class is to come often enough here


class Lot:
    """Implements the camera's Scene: trigger t shows picture t modulo the lot's length."""

    def __init__(self, seed: int, length: int, material: str) -> None:
        belt = Belt((material,), seed, DEFECTIVE)
        self.frames: list[NDArray[np.float32]] = []
        self.kinds: list[Kind] = []
        for part in range(length):
            self.frames.append(belt.render(part, LIGHT, 0.0))
            self.kinds.append(true_kind(belt.truth(part)))

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        """(H, W) electrons/us."""
        return self.frames[trigger % len(self.frames)]


def true_kind(truth: Truth) -> Kind:
    """The class of a part by what is wrong with it."""
    kinds = {defect.kind for defect in truth.defects}
    if not kinds:
        return "good"
    return "point" if kinds == {"point"} else "coarse"


@lru_cache(maxsize=2)
def made(seed: int, length: int, material: str = MATERIAL) -> Lot:
    """A lot; rendered once a process."""
    return Lot(seed, length, material)


def lot(seed: int = 0, length: int = 12, material: str = MATERIAL) -> Lot:
    """For a camera's config: scene "inspection.sim.sorting.lot:lot"."""
    return made(seed, length, material)


def camera(seed: int, length: int) -> SimCamera:
    """A camera that takes pictures of a lot when it is triggered; not opened."""
    config = SimCameraConfig(
        scene="inspection.sim.sorting.lot:lot",
        parameters={"seed": seed, "length": length},
        trigger="hardware",
        lights=(LIGHT,),
        um_per_px=PIXEL_UM,
        exposure_us=EXPOSURE_US,
        seed=seed,
    )
    return SimCamera(config)


class Classify:
    """The shipped network at the material's threshold, then the class."""

    def __init__(self, material: str = MATERIAL) -> None:
        self._pipeline = Pipeline(station_method(material))

    def __call__(self, sample: Stamped[Image]) -> Kind | None:
        """The class of the part in the picture."""
        return kind_of(self._pipeline.step(sample).value)


def decisions(seed: int, length: int) -> list[Kind | None]:
    """What the shipped network makes of every picture of the lot, through the camera."""
    classify, found = Classify(), list[Kind | None]()
    with camera(seed, length) as eye:
        for _ in range(length):
            eye.trigger(LIGHT)
            found.append(classify(eye.read(timeout_s=300.0)))
    return found
