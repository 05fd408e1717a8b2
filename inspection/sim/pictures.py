"""A simulated station's pictures on the disk: what a line would lay before `teach` and `migrate`.

    ROOT/camera.json              the camera's config, for `run`, `record` and the ROS 2 node
    ROOT/target.png               the calibration target, under the light that inspects the parts
    ROOT/parts/good/NUMBER.png    the layout `folder`: good parts, and parts with one defect each
    ROOT/parts/KIND/NUMBER.png
    ROOT/parts/masks/KIND/...     255 on the defect
    ROOT/station.json             what all of it follows from; simulated, and it says so

One order gives the same files. Every picture went through the camera driver, and its truth was
written beside it before anybody judged it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SimCameraConfig
from common.errors import LingnanError
from common.lock import alone
from common.progress import Tell
from inspection.sim.defects import KINDS, Kind
from inspection.sim.materials import MATERIALS
from inspection.sim.moving import PARTS, shown, taken
from inspection.sim.stations import RIGS, camera, rig_scene

Frame = NDArray[np.uint8]

SIZES_UM: dict[Kind, float] = {"point": 30.0, "scratch": 30.0, "stain": 400.0}
LOTS = 8  # seeds of one order: of its good parts and of each kind
MOST_TRIES = 4  # parts laid in for one with a defect: some chips have no clean place for it


class StationError(LingnanError):
    """The station cannot be had, or its pictures cannot be written there."""


@dataclass(frozen=True, slots=True)
class Order:
    """material: of the parts. rig: the station, A is the drawing's. good, defective: how many
    pictures of good parts, and of parts with a defect of each kind. seed: of the parts alone, so
    that two stations see the same ones. gain_db: what the camera is set to beyond its own."""

    material: str
    rig: str = "A"
    good: int = 30
    defective: int = 10
    seed: int = 1
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        for word, known in ((self.material, MATERIALS), (self.rig, RIGS)):
            if word not in known:
                raise StationError(f"{word!r} is not one of {', '.join(known)}")
        if self.good < 0 or self.defective < 0 or self.seed < 0:
            raise StationError("counts and seed are 0 or more")

    def config(self, kind: Kind | None) -> SimCameraConfig:
        """The camera over parts with one defect of this kind; None: over good ones."""
        lot = self.seed * LOTS + (0 if kind is None else 1 + KINDS.index(kind))
        told: dict[str, Any] = {"material": self.material}
        if kind is not None:
            told |= {"has_defects": True, "kind": kind, "size_um": SIZES_UM[kind], "count": 1}
        return camera(self.rig, PARTS, lot, **told)


def write(out: Path, order: Order, tell: Tell) -> int:
    """Write the station's pictures; how many. StationError where `out` holds something already."""
    with alone(out):
        if any(out.iterdir()):
            raise StationError(f"{out} is not empty: name another folder")
        _json(out / "camera.json", _set(order, "point").model_dump(mode="json"))
        _png(out / "target.png", shown(order.rig, order.material, order.seed, 1.0, order.gain_db))
        number, total = 0, order.good + order.defective * len(KINDS)
        for folder, frame, mask in _shots(order):
            name = f"{number:04d}.png"
            _png(out / "parts" / folder / name, frame)
            if mask is not None:
                _png(out / "parts" / "masks" / folder / name, mask)
            number += 1
            tell(number, total, "taking pictures")
        _json(out / "station.json", {"simulated": True, **asdict(order), "sizes_um": SIZES_UM})
    return number


def _shots(order: Order) -> Iterator[tuple[str, Frame, Frame | None]]:
    """Folder, frame and mask of every part."""
    for frame in taken(order.config(None), order.good, order.gain_db):
        yield "good", frame, None
    for kind in KINDS:
        yield from _with(kind, order)


def _with(kind: Kind, order: Order) -> Iterator[tuple[str, Frame, Frame]]:
    if not order.defective:
        return
    config, left = order.config(kind), order.defective
    scene = rig_scene(**config.parameters)
    for part, frame in enumerate(taken(config, MOST_TRIES * left, order.gain_db)):
        mask = scene.truth(part, on_drawing=False).mask
        if mask.any():
            yield kind, frame, mask.astype(np.uint8) * 255
            left -= 1
        if not left:
            return
    raise StationError(f"{order.material} has too few places for a {kind}: ask for fewer")


def _set(order: Order, kind: Kind) -> SimCameraConfig:
    """The camera as it is set now."""
    config = order.config(kind)
    return config.model_copy(update={"gain_db": config.gain_db + order.gain_db})


def _json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _png(path: Path, picture: Frame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
