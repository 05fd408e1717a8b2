"""KolektorSDD: commutator surfaces with cracks; an empty or a missing label means good.

Tabernik, Šela, Skvarč, Skočaj 2020, Segmentation-based deep-learning approach for surface-defect
detection, J. Intell. Manuf. 31. Read as published (kosNN/PartX.jpg, PartX_label.bmp) and flat
(kosNN_PartX.jpg, kosNN_PartX_label.png).
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from inspection.layouts.base import Dataset, LayoutError, OnError, Sample
from inspection.layouts.files import Maker, dataset, refusals, scan
from inspection.layouts.imagesize import image_size
from inspection.layouts.pixels import read_mask

_NAME = re.compile(r"(?:.*/)?(kos\d+)[/_](Part\d+)(_label)?\.\w+")

Key = tuple[Path, str, str]


def read(root: Path, on_error: OnError) -> Dataset:
    """Every surface; part is the commutator, kosNN. The labels are decoded to tell good ones."""
    tree = scan(root)
    images: dict[Key, Path] = {}
    masks: dict[Key, Path] = {}
    strange: list[Path] = []
    for path in tree.images:
        found = _NAME.fullmatch("/".join(tree.relative(path)))
        if found is None:
            strange.append(path)
        else:
            (masks if found[3] else images)[path.parent, found[1], found[2]] = path
    makers: list[Maker] = [
        *(partial(_sample, path, masks.get(key), key[1]) for key, path in images.items()),
        *refusals(
            (path for key, path in masks.items() if key not in images), "a label without its image"
        ),
        *refusals(strange, "named neither kosNN/PartX nor kosNN_PartX"),
    ]
    return dataset("kolektor", tree, makers, on_error, has_masks=True)


def _sample(path: Path, mask: Path | None, part: str) -> Sample:
    width, height = image_size(path)
    if mask is None and any(path.parent.glob(f"{path.stem}_label.*")):
        raise LayoutError(path, "its label is not PNG, JPEG or BMP: convert it")
    is_good = mask is None or not read_mask(mask, width, height).any()
    return Sample(
        image_path=path,
        label="good" if is_good else "defect",
        kind="good" if is_good else "crack",
        part=part,
        width_px=width,
        height_px=height,
        mask_path=mask,
    )
