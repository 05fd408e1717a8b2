"""DeepPCB: a test image, its defect-free template and boxes of six kinds.

Tang, He, Huang, Yang 2019, Online PCB Defect Detector On A New PCB Defect Dataset,
arXiv:1902.06197. Read as published (groupX/X/N_test.jpg, N_temp.jpg, groupX/X_not/N.txt) and flat
(all three in one folder). A label's line is "x1 y1 x2 y2 type".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from inspection.layouts.base import Dataset, LayoutError, OnError, Sample
from inspection.layouts.boxes import Corners, kind_of, read_boxes
from inspection.layouts.files import Maker, Tree, dataset, refusals, require_size, scan
from inspection.layouts.imagesize import image_size

KINDS = {1: "open", 2: "short", 3: "mousebite", 4: "spur", 5: "copper", 6: "pin-hole"}

_IMAGE = re.compile(r"(\d{6,})_(test|temp)")
_LABEL = re.compile(r"\d{6,}")  # not the lists trainval.txt and test.txt
_BOARD_DIGITS = 5

Key = tuple[Path, str]


def read(root: Path, on_error: OnError) -> Dataset:
    """Every pair under `root`; part is the board, the first five digits of the name."""
    tree = scan(root)
    tests, templates, strange = _images(tree)
    labels = {
        _key(path, path.stem): path
        for path in tree.others
        if path.suffix == ".txt" and _LABEL.fullmatch(path.stem)
    }
    makers: list[Maker] = [
        *(
            partial(_sample, path, templates.get(key), labels.get(key))
            for key, path in tests.items()
        ),
        *refusals(strange, "named neither N_test nor N_temp"),
        *refusals(_without(tests, templates), "a template without its test image"),
        *refusals(_without(tests, labels), "a label without its test image"),
    ]
    return dataset("deeppcb", tree, makers, on_error, has_boxes=True)


def _key(path: Path, number: str) -> Key:
    # labels of the published layout lie in X_not beside the images' folder X
    folder = path.parent
    return folder.with_name(folder.name.removesuffix("_not")), number


def _images(tree: Tree) -> tuple[dict[Key, Path], dict[Key, Path], list[Path]]:
    by_role: dict[str, dict[Key, Path]] = {"test": {}, "temp": {}}
    strange = []
    for path in tree.images:
        found = _IMAGE.fullmatch(path.stem)
        if found is None:
            strange.append(path)
        else:
            by_role[found[2]][_key(path, found[1])] = path
    return by_role["test"], by_role["temp"], strange


def _without(tests: Mapping[Key, Path], others: Mapping[Key, Path]) -> list[Path]:
    return [path for key, path in others.items() if key not in tests]


def _sample(test: Path, template: Path | None, label: Path | None) -> Sample:
    if template is None:
        raise LayoutError(test, "has no template N_temp beside it")
    if label is None:
        raise LayoutError(test, "has no label N.txt")
    width, height = image_size(test)
    require_size(template, width, height)
    boxes = read_boxes(label, _box, width, height)
    return Sample(
        image_path=test,
        label="defect" if boxes else "good",
        kind=kind_of(boxes),
        part=test.name[:_BOARD_DIGITS],
        width_px=width,
        height_px=height,
        reference_path=template,
        boxes=boxes,
    )


def _box(numbers: Sequence[float]) -> tuple[Corners, str]:
    x0, y0, x1, y1, number = numbers
    if number not in KINDS:
        raise ValueError(f"kind {number:g} is none of 1 to {len(KINDS)}")
    return (x0, y0, x1, y1), KINDS[int(number)]
