"""What a searched network learns from: grey pictures with classes, some kept to judge by."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.quantize.calibration import SUFFIXES

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]

SIDE_PX = 32
EVERY = 5  # of a class's pictures one is judged by
LEAST = 10  # pictures of a class
MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """learned (N, 32, 32) with labels (N,), asked (M, 32, 32) with what is wanted (M,)."""

    learned: U8
    labels: I64
    asked: U8
    wanted: I64

    @property
    def classes(self) -> int:
        """How many."""
        return int(self.labels.max()) + 1


def split(classes: Sequence[U8]) -> Labelled:
    """By class its pictures (N, 32, 32): every fifth is judged by. EdgeError where one has few."""
    if len(classes) < 2 or min(map(len, classes)) < LEAST:
        raise EdgeError(f"{len(classes)} classes; a search takes two or more of {LEAST} pictures")
    is_asked = [np.arange(len(own)) % EVERY == EVERY - 1 for own in classes]
    pairs = list(zip(classes, is_asked, strict=True))
    return Labelled(
        np.concatenate([own[~asked] for own, asked in pairs]),
        np.repeat(np.arange(len(classes)), [int((~asked).sum()) for asked in is_asked]),
        np.concatenate([own[asked] for own, asked in pairs]),
        np.repeat(np.arange(len(classes)), [int(asked.sum()) for asked in is_asked]),
    )


def read(path: Path) -> Labelled:
    """A folder with a folder of pictures for each class, or .npz of `pictures` uint8 (N, H, W) and
    `labels` (N,) whole numbers. EdgeError names what does not fit."""
    return split(_folders(path) if path.is_dir() else _archive(path))


def _folders(path: Path) -> list[U8]:
    classes = []
    for folder in sorted(one for one in path.iterdir() if one.is_dir()):
        files = sorted(one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES)
        if files:
            classes.append(np.stack([_picture(file) for file in files]))
    if not classes:
        raise EdgeError(f"{path}: no folders of pictures ({', '.join(SUFFIXES)}), one a class")
    return classes


def _picture(file: Path) -> U8:
    picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise EdgeError(f"{file}: not a picture that can be read")
    return _small(np.asarray(picture, np.uint8))


def _archive(path: Path) -> list[U8]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise EdgeError(f"{path}: more than {MOST_BYTES >> 30} GiB")
        with np.load(path, allow_pickle=False) as file:
            pictures, labels = file["pictures"], file["labels"]
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror or error}") from None
    except (ValueError, EOFError, KeyError, TypeError, AttributeError, zipfile.BadZipFile):
        raise EdgeError(f"{path}: give .npz of pictures (N, H, W) and labels (N,)") from None
    fits = pictures.dtype == np.uint8 and pictures.ndim == 3 and labels.shape == pictures.shape[:1]
    if not fits or not np.issubdtype(labels.dtype, np.integer):
        raise EdgeError(
            f"{path}: pictures are uint8 (N, H, W) and labels whole numbers (N,); these are "
            f"{pictures.dtype} {pictures.shape} and {labels.dtype} {labels.shape}"
        )
    small = np.stack([_small(one) for one in pictures])
    return [small[labels == label] for label in np.unique(labels)]


def _small(picture: U8) -> U8:
    if picture.shape == (SIDE_PX, SIDE_PX):
        return picture
    return np.asarray(cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))
