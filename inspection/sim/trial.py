"""Judging a detector on the station: every defect on its own, and the good surface beside them.

A trial keeps scores, not decisions, so that one run gives the whole probability of detection over
size and threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel, SimCameraConfig
from common.drivers.registry import open_driver
from inspection.sim.defects import Defect
from inspection.sim.scene import EXPOSURE_US, FULL_WELL_E, PIXEL_UM, SIDE_PX, Truth, station_scene

TOLERANCE_PX = 8  # a find this far beside a defect still counts as found, and is no false one

LogitMap = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Lot:
    """Parts to be put on the station: the parameters of `station_scene`, and how many."""

    material: str
    regime: str
    seed: int
    parts: int
    kind: str = "point"
    size_um: float = 30.0
    per_part: int = 0
    geometry: str = "flat"

    @property
    def parameters(self) -> dict[str, object]:
        """As a camera's config holds them."""
        return {
            "material": self.material,
            "regime": self.regime,
            "seed": self.seed,
            "count": self.per_part,
            "kinds": [self.kind],
            "sizes_um": [self.size_um],
            "geometry": self.geometry,
        }

    def camera(self) -> SimCameraConfig:
        """A camera that looks at this lot, frame n at part n, as fast as it is read."""
        return SimCameraConfig(
            scene="inspection.sim.scene:station_scene",
            parameters=self.parameters,
            um_per_px=PIXEL_UM,
            height_px=SIDE_PX,
            width_px=SIDE_PX,
            realtime=False,
            lights=("inspect",),
            exposure_us=EXPOSURE_US,
            sensor=SensorModel(full_well_e=FULL_WELL_E),
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One part through camera and detector.

    scores: (N,) the highest logit over each defect. beside: the highest away from all of them, at
    pixel (x, y) `beside_at`; for a good part that is the part's score.
    """

    frame: NDArray[np.uint8]
    truth: Truth
    scores: NDArray[np.float32]
    beside: float
    beside_at: tuple[float, float]
    um_per_px: float = PIXEL_UM

    @property
    def defects(self) -> tuple[Defect, ...]:
        """The part's defects, in the order of `scores`."""
        return self.truth.defects


def frames(lot: Lot) -> Iterator[tuple[NDArray[np.uint8], Truth]]:
    """Frames from the camera driver, each with the truth of its part."""
    scene = station_scene(**lot.parameters)  # type: ignore[arg-type]
    with open_driver(lot.camera()) as camera:
        for part in range(lot.parts):
            image = camera.read(timeout_s=300.0).value
            if image.trigger != part:
                raise RuntimeError(f"part {part} was due, the camera shows part {image.trigger}")
            yield image.pixels, scene.truth(part)


def judge(lot: Lot, detector: LogitMap) -> Iterator[Judged]:
    """Every part of the lot through camera and detector."""
    for frame, truth in frames(lot):
        yield Judged(frame, truth, *split(detector(frame), truth))


def split(
    logits: NDArray[np.float32], truth: Truth
) -> tuple[NDArray[np.float32], float, tuple[float, float]]:
    """The highest logit over each defect; the highest over the cells that touch none, and where."""
    stride = truth.labels.shape[0] // logits.shape[0]
    reach = np.ones((2 * TOLERANCE_PX + 1,) * 2, np.uint8)
    owners = cv2.dilate(truth.labels, reach)
    cells = owners.reshape(logits.shape[0], stride, logits.shape[1], stride)
    cells = cells.swapaxes(1, 2).reshape(*logits.shape, -1)
    scores = np.full(len(truth.defects) + 1, -np.inf, np.float32)
    row, column, pixel = np.nonzero(cells)
    np.maximum.at(scores, cells[row, column, pixel], logits[row, column])
    away = np.where(cells.any(axis=-1), -np.inf, logits)
    y, x = divmod(int(away.argmax()), away.shape[1])
    return scores[1:], float(away[y, x]), ((x + 0.5) * stride, (y + 0.5) * stride)
