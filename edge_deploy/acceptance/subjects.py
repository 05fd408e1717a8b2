"""The networks that the rows are measured on, each with inputs from where it works.

Inspection's network is taken from the direction's weights folder and its frames from the
simulated camera, both by name: directions do not import each other. Where inspection is not
installed its network is left out, and the rows say so. Every other direction's network comes in by
itself as soon as its manifest has both files, <name>_fp32 and <name>_int8.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context
from common.directions import find, installed
from common.drivers.camera.config import SimCameraConfig
from common.drivers.registry import open_driver
from common.runtime.files import open_folder
from common.runtime.manifest import read_manifest
from common.runtime.weights import load
from edge_deploy import characters
from edge_deploy.checksets import CLASSES, NETS, TRAY_SEED, WEIGHTS
from edge_deploy.errors import UnsupportedError
from edge_deploy.graph.resize import at_size
from edge_deploy.pipeline import prepare_bytes
from edge_deploy.sim.trays import SCALE_PX, tray
from edge_deploy.verify.compare import Network

FCN = "inspection-fcn"
FCN_SIDE = 128  # of the crops that the integers are compared on
MATERIAL = "metal"  # inspection has a network for each; the others are built alike
FCN_STEM = f"fcn_{MATERIAL}"  # of its files
FCN_THRESHOLD = "threshold_flat"  # in its manifest, of the parts shown here
NAMES = (*(net.name for net in NETS), FCN)
OWN = ("edge_deploy", "inspection")  # whose networks are named above
LARGE, LARGE_SIDE = "detector-320", 320  # the detector for pictures of that edge, not its own 64
SIDE = 128  # of pictures for a network that leaves their size free
EXPOSURE_US, PIXEL_UM = 100.0, 10.0  # of inspection's station

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Other:
    """A network of another direction: its files are <stem>_fp32 and <stem>_int8 in folder."""

    name: str
    folder: Path
    stem: str


def others(weights: Mapping[str, Path]) -> tuple[Other, ...]:
    """Networks with a float and an int8 file. weights: the folders by direction's short name."""
    found = []
    for word, folder in weights.items():
        with open_folder(folder) as opened:
            models = read_manifest(opened).models
        stems = [name.removesuffix("_int8") for name in models if name.endswith("_int8")]
        found += [
            Other(f"{word}-{stem}".replace("_", "-").lower(), folder, stem)
            for stem in stems
            if f"{stem}_fp32" in models
        ]
    return tuple(found)


def weights_of(package: str) -> Path | None:
    """The weights folder of a direction, None where there is none."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(places))) / "weights" if places else None
    return folder if folder is not None and (folder / "manifest.json").is_file() else None


OTHERS = others(
    {
        one.name: folder
        for one in installed()
        if one.package not in OWN and (folder := weights_of(one.package)) is not None
    }
)
EVERY = (*NAMES, *(one.name for one in OTHERS))


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A network with its float file and real inputs (N, C, H, W), perhaps none."""

    name: str
    network: Network
    float_payload: bytes
    real: U8 | None


def subjects(context: Context, real: int) -> list[Subject]:
    """Every network that is here, with `real` inputs each."""
    found = (subject(name, context, real) for name in NAMES)
    return [one for one in found if one is not None]


def subject(name: str, context: Context, real: int, side_px: int = FCN_SIDE) -> Subject | None:
    """One network, None where inspection is not installed. side_px: of inspection's frames."""
    if name == LARGE:
        return _large(real)
    if name != FCN:
        task = next(net.task for net in NETS if net.name == name)
        return _own(name, task, context, real)
    if (folder := inspection_weights()) is None:
        return None
    int8, floats = (load(folder, f"{FCN_STEM}_{word}") for word in ("int8", "fp32"))
    network = prepare_bytes(int8.payload, f"{FCN_STEM}_int8", (side_px, side_px))
    frames = np.stack(station_frames(side_px, real, context.seed))[:, None]
    return Subject(FCN, network, floats.payload, frames)


def everyone(context: Context, real: int) -> tuple[list[Subject], dict[str, str]]:
    """`subjects`, and every other direction's network, which has no inputs of its own here; and
    the names of those that are not of integers throughout, each with the reason."""
    found, refused = subjects(context, real), dict[str, str]()
    for one in OTHERS:
        try:
            found.append(_other(one))
        except UnsupportedError as error:
            refused[one.name] = str(error)
    return found, refused


def _other(one: Other) -> Subject:
    integer, single = (load(one.folder, f"{one.stem}_{word}") for word in ("int8", "fp32"))
    network = prepare_bytes(integer.payload, f"{one.stem}_int8", (SIDE, SIDE))
    return Subject(one.name, network, single.payload, None)


def files_of(name: str) -> tuple[Path, str] | None:
    """Folder and stem of a network's files, None where its direction is not installed."""
    if name == FCN:
        folder = inspection_weights()
        return None if folder is None else (folder, FCN_STEM)
    other = next((one for one in OTHERS if one.name == name), None)
    return (WEIGHTS, name) if other is None else (other.folder, other.stem)


def _own(name: str, task: str, context: Context, real: int) -> Subject:
    network = prepare_bytes(load(WEIGHTS, f"{name}_int8").payload, f"{name}_int8")
    pictures = _drawings(context.data_root, real) if task == "characters" else _trays(real)
    return Subject(name, network, load(WEIGHTS, f"{name}_fp32").payload, pictures)


def _large(real: int) -> Subject:
    """Parts of the same size as on the small tray, 25 times as many."""
    size = (LARGE_SIDE, LARGE_SIDE)
    int8, single = (at_size(load(WEIGHTS, f"detector_{w}").payload, size) for w in ("int8", "fp32"))
    return Subject(LARGE, prepare_bytes(int8, "detector_int8"), single, _trays(real, LARGE_SIDE))


def inspection_weights() -> Path | None:
    """The weights folder of the direction inspection, None where it is not installed."""
    direction = find("inspection")
    return weights_of(direction.package) if direction else None


def station_camera(side_px: int, length: int, seed: int) -> SimCameraConfig:
    """Inspection's simulated station; every other part has a defect."""
    reel = {"seed": seed, "side_px": side_px, "length": length, "materials": [MATERIAL]}
    return SimCameraConfig(
        scene="inspection.sim.reel:reel",
        parameters=reel,
        um_per_px=PIXEL_UM,
        height_px=side_px,
        width_px=side_px,
        realtime=False,
        lights=("inspect",),
        exposure_us=EXPOSURE_US,
        seed=seed,
    )


def station_frames(side_px: int, count: int, seed: int) -> list[U8]:
    """Frames (H, W) of different parts."""
    with open_driver(station_camera(side_px, count, seed)) as camera:
        return [camera.read(timeout_s=300.0).value.pixels.copy() for _ in range(count)]


def omniglot(data_root: Path | None) -> characters.Characters | None:
    """The characters, None where the set is not here."""
    if data_root is None or not (data_root / characters.ARCHIVE).is_file():
        return None
    return characters.load(data_root, CLASSES)


def _drawings(data_root: Path | None, count: int) -> U8 | None:
    data = omniglot(data_root)
    return None if data is None else data.images[~data.for_learning][:count]


def _trays(count: int, side_px: int = SCALE_PX) -> U8:
    pictures = np.zeros((count, 1, side_px, side_px), np.uint8)
    for at in range(count):
        rng = np.random.default_rng((TRAY_SEED, at))
        pictures[at, 0] = tray(rng, side_px).picture(rng)
    return pictures
