"""The pictures by which a quantised network is judged, with their classes where they have any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.quantize.calibration import array, picture, pictures

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class CheckSet:
    """shape (C, H, W) of a sample; sources: picture files, which are opened one after the other, or
    samples (C, H, W) float32. labels (N,): the right class of each, None where it is not known."""

    path: Path
    shape: Shape
    sources: tuple[Path | NDArray[np.float32], ...]
    labels: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Samples (1, C, H, W)."""
        for one in self.sources:
            yield picture(one, self.shape) if isinstance(one, Path) else one[None]

    def half(self, first: int) -> CheckSet:
        """Every other sample from `first` (0 or 1), so that each class is in both halves."""
        labels = None if self.labels is None else self.labels[first::2]
        return CheckSet(self.path, self.shape, self.sources[first::2], labels)


def read(path: Path, shape: Shape, classes: int | None) -> CheckSet:
    """A check set. path: as calibration data, .npy or a folder of pictures, or, where the network
    names one of `classes`, a folder with a folder for each in the order of its outputs (by name,
    by number where every name is one). EdgeError names what does not fit."""
    if not path.is_dir():
        samples = array(path, shape)
        if not len(samples):
            raise EdgeError(f"{path}: holds no samples")
        return CheckSet(path, shape, tuple(samples))
    folders = [one for one in path.iterdir() if one.is_dir()]
    if classes is None or not folders:
        return CheckSet(path, shape, tuple(pictures(path)))
    if len(folders) != classes:
        raise EdgeError(
            f"{path}: {len(folders)} folders, the network tells {classes} classes; give a folder "
            "for each, or one folder of pictures to compare float and int8 without classes"
        )
    files = [pictures(folder) for folder in _ordered(folders)]
    labels = np.repeat(np.arange(classes), [len(own) for own in files])
    return CheckSet(path, shape, tuple(file for own in files for file in own), labels)


def _ordered(folders: list[Path]) -> list[Path]:
    if all(folder.name.isdecimal() for folder in folders):
        return sorted(folders, key=lambda folder: int(folder.name))
    return sorted(folders)
