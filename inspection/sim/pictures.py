"""A simulated station's pictures on the disk: what a line would lay before `teach` and `migrate`.

    ROOT/camera.json              the camera's config, for `run`, `record` and the ROS 2 node
    ROOT/target.png               the calibration target, under the light that inspects the parts
    ROOT/parts/good/NUMBER.png    the layout `folder`: good parts, and parts with one defect each
    ROOT/parts/KIND/NUMBER.png
    ROOT/parts/masks/KIND/...     255 on the defect
    ROOT/station.json             what all of it follows from; simulated, and it says so

One order gives the same files. Every picture went through the camera driver, and its truth was
written beside it before anybody judged it. A file has its name once it is whole, and station.json
comes first: an order that was interrupted goes on behind the last picture that is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.rows import write_atomically
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
MOST_BYTES = 10_000  # of a station.json
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


@dataclass(frozen=True, slots=True)
class Lot:
    """The pictures of one folder. kind: of their defect; None for good parts. number: of the first
    one's file."""

    kind: Kind | None
    number: int
    count: int

    def files(self, root: Path) -> list[tuple[Path, Path | None]]:
        """Each part's picture and its mask."""
        folder, parts = self.kind or "good", root / "parts"
        names = [f"{self.number + i:04d}.png" for i in range(self.count)]
        return [
            (parts / folder / name, self.kind and parts / "masks" / folder / name) for name in names
        ]


def lots(order: Order) -> list[Lot]:
    """What is taken, one after another."""
    good, each = order.good, order.defective
    defects = [Lot(kind, good + i * each, each) for i, kind in enumerate(KINDS)]
    return [Lot(None, 0, good), *defects]


def write(out: Path, order: Order, tell: Tell) -> tuple[int, int]:
    """Write the station's pictures; how many, and how many more were there from an earlier call.

    StationError where `out` holds something else than this order's.
    """
    with alone(out):
        _claim(out, {"simulated": True, **asdict(order), "sizes_um": SIZES_UM})
        if not (out / "camera.json").exists():
            _json(out / "camera.json", _set(order, "point").model_dump(mode="json"))
        if not (out / "target.png").exists():
            target = shown(order.rig, order.material, order.seed, 1.0, order.gain_db)
            _png(out / "target.png", target)
        todo = lots(order)
        made, there, total = 0, 0, sum(lot.count for lot in todo)
        for lot in todo:
            files = lot.files(out)
            kept = sum(1 for _ in takewhile(_are_there, files))
            there += kept
            shots = _shots(lot, order, kept) if kept < lot.count else ()
            for (picture, outline), (frame, mask) in zip(files[kept:], shots, strict=True):
                _png(picture, frame)
                if outline is not None and mask is not None:
                    _png(outline, mask)
                made += 1
                tell(made + there, total, "taking pictures")
    return made, there


def _claim(out: Path, told: dict[str, Any]) -> None:
    """Say in station.json what `out` is for, unless it says so already."""
    file = out / "station.json"
    if not [one for one in out.iterdir() if one.name != f"{file.name}.new"]:
        _json(file, told)
        return
    try:
        before = json.loads(file.read_bytes()[:MOST_BYTES])
    except (OSError, ValueError, RecursionError):
        before = None
    if not isinstance(before, dict):
        raise StationError(f"{out} is not empty: name another folder")
    for name, value in told.items():
        if before.get(name) != value:
            raise StationError(
                f"{out} is not empty, and its station.json tells of {name} "
                f"{before.get(name)!r}, not {value!r}: name another folder"
            )


def _are_there(files: tuple[Path, Path | None]) -> bool:
    return all(one is None or one.exists() for one in files)


def _shots(lot: Lot, order: Order, kept: int) -> Iterator[tuple[Frame, Frame | None]]:
    """Frame and mask of every part of a lot behind the first `kept`."""
    config = order.config(lot.kind)
    if lot.kind is None:
        for frame in _behind(config, kept, lot.count, order.gain_db):
            yield frame, None
        return
    scene, most = rig_scene(**config.parameters), MOST_TRIES * lot.count
    marked = (part for part in range(most) if scene.truth(part, on_drawing=False).mask.any())
    first = max((part + 1 for part in islice(marked, kept)), default=0)
    left = lot.count - kept
    for part, frame in enumerate(_behind(config, first, most, order.gain_db), first):
        mask = scene.truth(part, on_drawing=False).mask
        if mask.any():
            yield frame, mask.astype(np.uint8) * 255
            left -= 1
        if not left:
            return
    raise StationError(f"{order.material} has too few places for a {lot.kind}: ask for fewer")


def _behind(config: SimCameraConfig, first: int, count: int, gain_db: float) -> Iterator[Frame]:
    """The camera's frames from number `first` to before `count`: each has noise of its own, by its
    number, so that it is the same wherever the camera begins to be looked at."""
    parameters = {**config.parameters, "first": first}
    whole = config.model_copy(update={"parameters": parameters})
    yield from islice(taken(whole, count, gain_db), first, None)


def _set(order: Order, kind: Kind) -> SimCameraConfig:
    """The camera as it is set now."""
    config = order.config(kind)
    return config.model_copy(update={"gain_db": config.gain_db + order.gain_db})


def _json(path: Path, values: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(values, indent=1) + "\n").encode())


def _png(path: Path, picture: Frame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, cv2.imencode(".png", picture)[1].tobytes())
