"""Walking a data set's folder and putting its samples together: what all layouts share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from inspection.layouts.base import Dataset, LayoutError, OnError, Sample, collect
from inspection.layouts.imagesize import SUFFIXES, image_size

Maker = Callable[[], Sample]

_OTHER_IMAGES = frozenset({".tif", ".tiff", ".webp", ".gif", ".jp2", ".ppm", ".pgm"})


@dataclass(frozen=True, slots=True)
class Tree:
    """The files under a root in the order of their paths, hidden ones left out.

    images: PNG, JPEG, BMP. others: everything else. refused: one maker, which raises, for each
    image of a format that is not read.
    """

    root: Path
    images: tuple[Path, ...]
    others: tuple[Path, ...]
    refused: tuple[Maker, ...]

    def relative(self, path: Path) -> tuple[str, ...]:
        """The parts of the path below the root."""
        return path.relative_to(self.root).parts


def scan(root: Path) -> Tree:
    """List what lies under `root`.

    LayoutError when it is no folder, and at any link to a folder or out of the root: to skip a
    linked label would make its image a good one.
    """
    if not root.is_dir():
        raise LayoutError(root, "no such folder")
    images: list[Path] = []
    others: list[Path] = []
    refused: list[Maker] = []
    home = root.resolve()
    for path in _walk(root):
        suffix = path.suffix.lower()
        if path.is_symlink():
            _require_inside(path, home)
        if suffix in _OTHER_IMAGES:
            refused.append(refusal(path, "not PNG, JPEG or BMP: convert it"))
        else:
            (images if suffix in SUFFIXES else others).append(path)
    return Tree(root, tuple(images), tuple(others), tuple(refused))


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(name for name in names if not name.startswith("."))
        links = [name for name in names if (here / name).is_symlink()]
        for name in sorted(links + files):
            if not name.startswith("."):
                yield here / name


def _require_inside(link: Path, home: Path) -> None:
    if link.is_dir():
        raise LayoutError(link, "a linked folder is not followed")
    try:
        inside = link.resolve(strict=True).is_relative_to(home)
    except (OSError, RuntimeError):  # it leads nowhere, or in a loop
        inside = False
    if not inside:
        raise LayoutError(link, "a link that leaves the data set's folder, or is broken")


def refusal(path: Path, reason: str) -> Maker:
    """A maker of no sample: it raises the LayoutError, for `collect` to raise or to remember."""

    def make() -> NoReturn:
        raise LayoutError(path, reason)

    return make


def refusals(paths: Iterable[Path], reason: str) -> list[Maker]:
    """One refusal for each path, with the same reason."""
    return [refusal(path, reason) for path in paths]


def require_size(path: Path, width_px: int, height_px: int) -> None:
    """LayoutError unless the image at `path` says this size in its header."""
    width, height = image_size(path)
    if (width, height) != (width_px, height_px):
        raise LayoutError(
            path, f"{width} x {height} px, and the image it belongs to {width_px} x {height_px}"
        )


def dataset(
    name: str,
    tree: Tree,
    makers: Iterable[Maker],
    on_error: OnError,
    *,
    has_masks: bool = False,
    has_boxes: bool = False,
) -> Dataset:
    """Make every sample, what the tree refused first; LayoutError where there is none to make."""
    items = [*tree.refused, *makers]
    if not items:
        raise LayoutError(tree.root, f"holds nothing of the layout {name}")
    samples, skipped = collect(items, on_error)
    return Dataset(name, samples, skipped, has_masks=has_masks, has_boxes=has_boxes)
