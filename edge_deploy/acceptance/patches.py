"""Patches of surfaces for few-shot learning: inspection's simulated defects, and magnetic tiles.

The simulated station is asked for by the name of its scene, since directions do not import each
other; its truth says where a defect lies, as a detector would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel, SimCameraConfig
from common.drivers.camera.sim import SimCamera
from common.drivers.simulated.scenes import load
from edge_deploy.fewshot.patches import Good, Surface
from edge_deploy.fewshot.regions import describe

U8 = NDArray[np.uint8]

SCENE = "inspection.sim.scene:station_scene"
MATERIALS = ("metal", "glass", "glaze")
SIZES_UM = {"point": 40.0, "scratch": 40.0, "stain": 300.0}  # of each kind of defect
KINDS = (*SIZES_UM, "good")
FRAME_PX, PATCH_PX, PIXEL_UM, EXPOSURE_US, FULL_WELL_E = 128, 64, 10.0, 100.0, 1e4
APART = 1000  # between the seeds of one run's cameras and the next's

TILES = Path("magnetic_tile", "dev")
TILE_KINDS = ("Blowhole", "Break", "Crack", "Fray", "Uneven")
NEAR = 2000  # tiles whose numbers lie no further apart may be one tile taken again
_NUMBER = re.compile(r"exp\d+_num_(\d+)\.jpg")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """pixels (128, 128); x, y: the defect's centre in it, or its own where there is none."""

    pixels: U8
    x: float
    y: float

    def cut(self, x: float, y: float) -> U8:
        """(64, 64) around a place, moved where the frame ends."""
        left, top = (int(np.clip(at - PATCH_PX / 2, 0, FRAME_PX - PATCH_PX)) for at in (x, y))
        return np.asarray(
            self.pixels[top : top + PATCH_PX, left : left + PATCH_PX].copy(), np.uint8
        )

    @property
    def patch(self) -> U8:
        """(64, 64) around the defect."""
        return self.cut(self.x, self.y)


def station_frames(
    each: int, more_good: int, seed: int, tell: Callable[[int, int], None]
) -> dict[str, list[Frame]]:
    """By kind, `each` frames of every material in turn with a defect; of "good", with none, there
    are `more_good` more."""
    found: dict[str, list[Frame]] = {}
    for done, kind in enumerate(KINDS):
        tell(done, len(KINDS))
        count = each if kind in SIZES_UM else each + more_good
        seeds = (seed * APART + 10 * done + at for at in range(len(MATERIALS)))
        own = [
            of_material(kind, material, count, at)
            for material, at in zip(MATERIALS, seeds, strict=True)
        ]
        found[kind] = [frame for turn in zip(*own, strict=True) for frame in turn]
    return found


def of_material(kind: str, material: str, count: int, seed: int) -> list[Frame]:
    """`count` frames of one material, each of another part, with a defect or "good"."""
    parameters: dict[str, Any] = {
        "material": material,
        "seed": seed,
        "side_px": FRAME_PX,
        "count": int(kind in SIZES_UM),
        "kinds": [kind if kind in SIZES_UM else "point"],
        "sizes_um": [SIZES_UM.get(kind, 40.0)],
    }
    config = SimCameraConfig(
        scene=SCENE,
        parameters=parameters,
        um_per_px=PIXEL_UM,
        height_px=FRAME_PX,
        width_px=FRAME_PX,
        trigger="hardware",
        realtime=False,
        lights=("inspect",),
        exposure_us=EXPOSURE_US,
        sensor=SensorModel(full_well_e=FULL_WELL_E),
        seed=seed,
    )
    scene: Any = load(SCENE, parameters, "render")
    frames = []
    with SimCamera(config) as camera:
        for _ in range(count):
            part = camera.trigger()
            pixels = camera.read(timeout_s=300.0).value.pixels.copy()
            frames.append(_placed(pixels, scene.truth(part).defects))
    return frames


def _placed(pixels: U8, defects: Sequence[Any]) -> Frame:
    if not defects:
        return Frame(pixels, FRAME_PX / 2, FRAME_PX / 2)
    return Frame(pixels, defects[0].x_um / PIXEL_UM, defects[0].y_um / PIXEL_UM)


def told_of(good: Sequence[U8], shots: int, count: int, seed: int) -> list[Surface]:
    """`count` times, what `shots` good pictures of a surface tell that are drawn anew each time.
    good: of every material in turn, and so are the answers."""
    rng = np.random.default_rng(seed)
    told = [Good.of(one) for one in good]
    own = [told[at :: len(MATERIALS)] for at in range(len(MATERIALS))]
    return [
        Surface.of([one[at] for at in rng.choice(len(one), shots, replace=False)])
        for _ in range(count)
        for one in own
    ]


def tiles(root: Path) -> list[list[tuple[int, U8]]]:
    """By kind of defect, each picture's tile and the bytes of its marked region."""
    every = [list(_marked(root / TILES / f"MT_{kind}")) for kind in TILE_KINDS]
    numbers = sorted(number for kind in every for number, _ in kind)
    steps = np.diff(numbers, prepend=numbers[0]) > NEAR
    tile = dict(zip(numbers, np.cumsum(steps).tolist(), strict=True))
    return [[(tile[number], region) for number, region in kind] for kind in every]


def _marked(folder: Path) -> Iterator[tuple[int, U8]]:
    for path in sorted(folder.glob("*.jpg")):
        named = _NUMBER.fullmatch(path.name)
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        mask = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE)
        if named is None or image is None or mask is None or not (mask > 127).any():
            continue
        yield int(named[1]), describe(np.asarray(image, np.uint8), np.asarray(mask) > 127)
