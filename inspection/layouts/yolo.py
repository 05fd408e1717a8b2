"""YOLO labels: a text file for each image, its lines "class cx cy w h" in fractions of the image.

Read with images/ and labels/ side by side at any depth (images/train/a.jpg has labels/train/a.txt,
train/images/a.jpg has train/labels/a.txt) and flat (a.txt beside a.jpg). Names come from data.yaml
or classes.txt in the root; without them a class is called by its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from inspection.layouts.base import Dataset, LayoutError, OnError, Sample
from inspection.layouts.boxes import Corners, kind_of, read_boxes
from inspection.layouts.files import Maker, Tree, dataset, refusals, scan
from inspection.layouts.imagesize import image_size
from inspection.layouts.yolonames import read_names

_IMAGES, _LABELS = "images", "labels"


def read(root: Path, on_error: OnError) -> Dataset:
    """Every image under `root`.

    An empty label means good. So does a missing one beside images/ that have a labels/ folder;
    in the flat layout it may as well have been lost, and the image is refused.
    part is the image's own name; augmented copies of one image by Roboflow share it.
    """
    tree = scan(root)
    names = read_names(root)
    label_of = {path: _label(tree, path) for path in tree.images}
    orphans = _orphans(tree, set(label_of.values()))
    makers: list[Maker] = [
        *(partial(_sample, tree, path, label, names) for path, label in label_of.items()),
        *refusals(orphans, "a label without its image"),
    ]
    return dataset("yolo", tree, makers, on_error, has_boxes=True)


def _label(tree: Tree, image: Path) -> Path:
    parts = list(tree.relative(image.with_suffix(".txt")))
    folders = parts[:-1]
    if _IMAGES in folders:
        parts[len(folders) - 1 - folders[::-1].index(_IMAGES)] = _LABELS
    return tree.root.joinpath(*parts)


def _orphans(tree: Tree, labels: set[Path]) -> list[Path]:
    beside_images = {path.parent for path in tree.images}
    return [
        path
        for path in tree.others
        if path.suffix == ".txt"
        and path not in labels
        and (_LABELS in tree.relative(path.parent) or path.parent in beside_images)
        and path.stem != "classes"
        and not path.name.lower().startswith("readme")
    ]


def _sample(tree: Tree, image: Path, label: Path, names: Sequence[str]) -> Sample:
    width, height = image_size(image)
    if label.is_file():
        boxes = read_boxes(label, partial(_box, names, width, height), width, height)
    elif _has_labels_folder(tree, label):
        boxes = ()
    else:
        raise LayoutError(image, f"has no label {'/'.join(tree.relative(label))}")
    stem = "/".join(tree.relative(image.with_suffix("")))
    return Sample(
        image_path=image,
        label="defect" if boxes else "good",
        kind=kind_of(boxes),
        part=stem.split(".rf.")[0],
        width_px=width,
        height_px=height,
        boxes=boxes,
    )


def _has_labels_folder(tree: Tree, label: Path) -> bool:
    return any(
        folder.name == _LABELS and folder.is_dir()
        for folder in label.parents
        if folder.is_relative_to(tree.root) and folder != tree.root
    )


def _box(
    names: Sequence[str], width: int, height: int, numbers: Sequence[float]
) -> tuple[Corners, str]:
    number, cx, cy, w, h = numbers
    if number < 0 or number != int(number):
        raise ValueError(f"class {number:g} is no class number")
    if names and number >= len(names):
        raise ValueError(f"class {number:g}, and there are {len(names)} names")
    corners = (
        (cx - w / 2) * width,
        (cy - h / 2) * height,
        (cx + w / 2) * width,
        (cy + h / 2) * height,
    )
    return corners, names[int(number)] if names else str(int(number))
