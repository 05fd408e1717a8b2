"""What a network learns from: parts of one material on the simulated station, training regime.

Radiance is rendered once; every crop then passes a sensor of its own (blur, shot and read noise,
gain, black level: `fcn_sensor`), which is not the camera driver's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.sim.names import CHINESE, GEOMETRIES
from inspection.sim.scene import station_scene
from inspection.train.fcn_net import STRIDE
from inspection.train.fcn_sensor import sensed

F32 = NDArray[np.float32]
Crop = tuple[F32, NDArray[np.int64]]  # image, owners
Place = tuple[int, int]  # y, x in pixels
Sense = Callable[[F32, np.random.Generator], F32]

POINT_UM = (22.0, 25.0, 28.0, 30.0, 32.0, 35.0, 40.0, 50.0, 65.0, 90.0, 150.0)
SCRATCH_UM = (20.0, 25.0, 30.0, 40.0, 60.0)
STAIN_UM = (250.0, 350.0, 500.0, 700.0, 1000.0)
Mix = tuple[tuple[str, tuple[float, ...], int, float], ...]
# kind, sizes, defects a part, share of the parts; a count of 0 is a good part
MIX: Mix = (
    ("point", POINT_UM, 49, 0.40),
    ("scratch", SCRATCH_UM, 16, 0.20),
    ("stain", STAIN_UM, 12, 0.20),
    ("point", (), 0, 0.20),
)
BOARD_MIX: Mix = (
    ("point", POINT_UM, 49, 0.35),
    ("scratch", SCRATCH_UM, 25, 0.30),
    ("stain", STAIN_UM, 12, 0.10),
    ("point", (), 0, 0.25),
)
FILM_MIX: Mix = (
    ("point", POINT_UM, 49, 0.20),
    ("scratch", SCRATCH_UM, 16, 0.15),
    ("stain", STAIN_UM, 16, 0.50),
    ("point", (), 0, 0.15),
)
# where a network goes on: its rare mistakes are on points, which lie twice as dense here
CROWDED_MIX: Mix = (
    ("point", POINT_UM, 100, 0.45),
    ("scratch", SCRATCH_UM, 16, 0.15),
    ("stain", STAIN_UM, 16, 0.20),
    ("point", (), 0, 0.20),
)
MIXES = {
    "smd": BOARD_MIX,  # several hosts a part, and much structure
    "inductor": BOARD_MIX,
    "glass": FILM_MIX,  # films of nearly the host's reflectance are its faintest defects
    "eink": FILM_MIX,
}
LEAST_UM = {"point": 28.0, "scratch": 28.0, "stain": 350.0}  # a little below what must be found


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """radiance (H, W) float16 electrons/us; labels (H, W) uint8 as `Truth.labels`."""

    radiance: NDArray[np.float16]
    labels: NDArray[np.uint8]


def render_pool(
    material: str, seed: int, parts: int, mix: Mix | None = None, regime: str = "train"
) -> Iterator[Frame]:
    """Parts of every geometry of a material in turn, each geometry with the whole mix.

    mix: None takes the material's own.
    """
    forms = GEOMETRIES[material]
    first = seed * 1000 + 10 * list(CHINESE).index(material)
    mix = mix or MIXES.get(material, MIX)
    for number in range(parts):
        turn, form = divmod(number, len(forms))
        kind, sizes, count, _ = _turn(turn, mix)
        scene = station_scene(
            material=material,
            regime=regime,
            seed=first + form,
            count=count,
            kinds=(kind,),
            sizes_um=sizes or (30.0,),
            geometry=forms[form],
        )
        radiance = scene.render(turn, "inspect", turn * 0.0137)
        labels = scene.truth(turn).labels.astype(np.uint8)
        yield Frame(radiance.astype(np.float16), labels)


def demanded(material: str, is_crowded: bool = False) -> Mix:
    """The material's mix, or the crowded one, without the sizes that need not be found."""
    mix = CROWDED_MIX if is_crowded else MIXES.get(material, MIX)
    return tuple(
        (kind, tuple(size for size in sizes if size >= LEAST_UM[kind]), count, share)
        for kind, sizes, count, share in mix
    )


def _turn(number: int, mix: Mix) -> tuple[str, tuple[float, ...], int, float]:
    """Kinds spread evenly: the entry whose cumulative share this number's place falls in."""
    place = (number * 0.618034) % 1.0  # golden ratio: every prefix holds the shares
    edges = np.cumsum([share for *_, share in mix])
    return mix[int(np.searchsorted(edges[:-1], place, side="right"))]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """images (N, 1, S, S) float32 of whole DN / 255; owners (N, S/8, S/8) int64: 0 on good cells, a
    number of its own for each defect of the batch on its cells, -1 where it does not matter."""

    images: F32
    owners: NDArray[np.int64]


def batch(frames: list[Frame], rng: np.random.Generator, n: int, side: int) -> Batch:
    """n random crops, flipped at random, each through its own sensor."""
    return stacked([crop(frames[int(rng.integers(len(frames)))], rng, side) for _ in range(n)])


def stacked(made: list[Crop]) -> Batch:
    """Crops as a batch, the numbers of their defects made different."""
    images = np.stack([image for image, _ in made])
    owners = np.stack([cells + (cells > 0) * 256 * i for i, (_, cells) in enumerate(made)])
    return Batch(images[:, None], owners)


def crop(
    frame: Frame,
    rng: np.random.Generator,
    side: int,
    about: Place | None = None,
    sense: Sense = sensed,
) -> Crop:
    """Its image and the owners of its cells, flipped at random. about: (y, x) that it holds."""
    limit = frame.labels.shape[0] - side
    if about is None:
        y, x = (int(v) for v in rng.integers(0, limit + 1, 2))
    else:
        y, x = (int(np.clip(v - rng.integers(side // 4, 3 * side // 4), 0, limit)) for v in about)
    flips = (
        slice(None, None, int(rng.choice((-1, 1)))),
        slice(None, None, int(rng.choice((-1, 1)))),
    )
    radiance = frame.radiance[y : y + side, x : x + side][flips].astype(np.float32)
    labels = frame.labels[y : y + side, x : x + side][flips]
    return sense(radiance, rng), cell_owners(labels)


def cell_owners(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Which defect a cell belongs to; 0 for good cells, -1 where it does not matter.

    The cells around a defect do not matter, so that the network need not know on which side of a
    border it lies; nor do defects that the crop's border cuts.
    """
    rows, columns = labels.shape[0] // STRIDE, labels.shape[1] // STRIDE
    cells = labels.reshape(rows, STRIDE, columns, STRIDE).swapaxes(1, 2).reshape(rows, columns, -1)
    owner = cells.max(axis=-1).astype(np.int64)
    near = cv2.dilate((owner > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    cut = np.isin(owner, np.unique(border[border > 0]))
    return np.where((near & (owner == 0)) | cut, -1, owner)
