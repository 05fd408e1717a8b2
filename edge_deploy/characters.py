"""Omniglot characters (Lake et al. 2015, MIT licence) as a small classification task.

Each character was drawn by twenty people: the first fifteen are learned from, the last five are
judged by, so that no drawer is in both.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError

ARCHIVE = Path("omniglot", "dev", "images_background_small1.zip")
SIDE = 32
LEARN_DRAWERS = 15
MOST_FILES, MOST_BYTES = 10_000, 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Characters:
    """images (N, 1, 32, 32) uint8, ink bright; labels (N,) int64; for_learning (N,) bool."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    for_learning: NDArray[np.bool_]


def load(data_root: Path, classes: int) -> Characters:
    """The first `classes` characters. EdgeError where the archive is not there or not as known."""
    path = data_root / ARCHIVE
    if not path.is_file():
        raise EdgeError(f"{path} is not there: the Omniglot set is needed")
    images, labels, drawers = [], [], []
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".png")]
        names = sorted({str(Path(info.filename).parent) for info in members})[:classes]
        if len(members) > MOST_FILES or len(names) < classes:
            raise EdgeError(f"{path}: {len(members)} pictures of {len(names)} characters")
        for info in members:
            folder = str(Path(info.filename).parent)
            if folder in names and info.file_size <= MOST_BYTES:
                images.append(_picture(archive.read(info)))
                labels.append(names.index(folder))
                drawers.append(int(Path(info.filename).stem.split("_")[1]))
    learn = np.array(drawers) <= LEARN_DRAWERS
    return Characters(np.stack(images)[:, None], np.array(labels, np.int64), learn)


def alphabets(data_root: Path) -> dict[str, list[NDArray[np.uint8]]]:
    """By alphabet, its characters, each (20, 105, 105) uint8 drawings with bright ink."""
    path = data_root / ARCHIVE
    if not path.is_file():
        raise EdgeError(f"{path} is not there: the Omniglot set is needed")
    found: dict[str, dict[str, list[NDArray[np.uint8]]]] = {}
    with zipfile.ZipFile(path) as archive:
        for info in sorted(_drawings(archive, path), key=lambda one: one.filename):
            _, alphabet, character, _ = Path(info.filename).parts
            drawn = found.setdefault(alphabet, {}).setdefault(character, [])
            drawn.append(_page(archive.read(info)))
    return {name: [np.stack(drawn) for drawn in own.values()] for name, own in found.items()}


def shrunk(page: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A drawing (105, 105) with bright ink at the size of the networks, (32, 32)."""
    import cv2

    small = cv2.resize(page, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.minimum(small.astype(np.int64) * 2, 255), np.uint8)


def _drawings(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    members = [
        info
        for info in archive.infolist()
        if info.filename.endswith(".png") and len(Path(info.filename).parts) == 4
    ]
    if len(members) > MOST_FILES or any(info.file_size > MOST_BYTES for info in members):
        raise EdgeError(f"{path}: not the Omniglot set; too many or too large pictures")
    return members


def _page(payload: bytes) -> NDArray[np.uint8]:
    import cv2

    picture = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise EdgeError("the Omniglot archive holds a picture that cannot be read")
    return np.asarray(255 - picture, np.uint8)


def _picture(payload: bytes) -> NDArray[np.uint8]:
    return shrunk(_page(payload))
