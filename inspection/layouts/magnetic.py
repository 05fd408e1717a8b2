"""Magnetic tiles under changing light: MT_KIND/[Imgs/]expE_num_N.jpg, a mask .png beside each.

Huang, Qiu, Yuan 2020, Surface defect saliency of magnetic tile, The Visual Computer 36. MT_Free
holds the good tiles; their masks, where there are any, are empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from inspection.layouts.base import Dataset, LayoutError, OnError, Sample
from inspection.layouts.files import Maker, dataset, refusals, scan
from inspection.layouts.imagesize import image_size
from inspection.layouts.pixels import read_mask

_NAME = re.compile(r"MT_(\w+)/(?:Imgs/)?exp\d+_num_(\d+)\.(?:jpg|png)")
_FREE = "Free"

_NEAR = 300
_NEAR_OF_SAME_DEFECT = 2000


def read(root: Path, on_error: OnError) -> Dataset:
    """Every tile's image; part is the tile, as told from the counter in the name (`tiles`)."""
    tree = scan(root)
    named = {path: _NAME.search("/".join(tree.relative(path))) for path in tree.images}
    shots = {
        path: (int(found[2]), found[1])
        for path, found in named.items()
        if found is not None and path.suffix == ".jpg"
    }
    orphans = [p for p, found in named.items() if found and p.with_suffix(".jpg") not in shots]
    parts = tiles(shots.values())
    makers: list[Maker] = [
        *(partial(_sample, path, kind, parts[number]) for path, (number, kind) in shots.items()),
        *refusals((p for p, found in named.items() if found is None), "not MT_KIND/expE_num_N"),
        *refusals(orphans, "a mask without its image"),
    ]
    return dataset("magnetic-tile", tree, makers, on_error, has_masks=True)


def tiles(shots: Iterable[tuple[int, str]]) -> dict[int, str]:
    """The tile of each counter value, from (counter, kind) of all images of the set.

    The number in a name counts in time, and nothing else tells the tile. One tile was taken up to
    six times (exp1 to exp6) in a row: its numbers lie some tens apart, at most about 300. Looking
    at the pictures shows more: a defective tile came back after a pause, so the same kind of
    defect within 2,000 is taken for the same tile, with all that lies between. Where this errs it
    joins two tiles, which costs a split some freedom; to part one tile would leak it.
    """
    tile: dict[int, str] = {}
    current = ""
    last: int | None = None
    last_of_kind: dict[str, int] = {}
    for number, kind in sorted(shots):
        came_back = kind in last_of_kind and number - last_of_kind[kind] <= _NEAR_OF_SAME_DEFECT
        if last is None or (number - last > _NEAR and not came_back):
            current = f"num_{number}"
        tile[number] = current
        last = number
        if kind != _FREE:
            last_of_kind[kind] = number
    return tile


def _sample(path: Path, kind: str, part: str) -> Sample:
    width, height = image_size(path)
    return Sample(
        image_path=path,
        label="good" if kind == _FREE else "defect",
        kind="good" if kind == _FREE else kind.lower(),
        part=part,
        width_px=width,
        height_px=height,
        mask_path=_mask(path, kind, width, height),
    )


def _mask(path: Path, kind: str, width_px: int, height_px: int) -> Path | None:
    mask = path.with_suffix(".png")
    if not mask.is_file():
        if kind != _FREE:
            raise LayoutError(path, f"has no mask {mask.name} beside it")
        return None
    is_marked = bool(read_mask(mask, width_px, height_px).any())
    if kind == _FREE and is_marked:
        raise LayoutError(mask, "marks a defect on a tile of MT_Free")
    # a few masks of MT_Uneven are empty: defective by its folder, where is not known
    return mask if is_marked or kind == _FREE else None
