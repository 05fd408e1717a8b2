"""The plainest layout: ROOT/good/*, ROOT/KIND/*, and masks in ROOT/masks/KIND/STEM.png or none."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from inspection.layouts.base import Dataset, LayoutError, OnError, Sample
from inspection.layouts.files import Maker, Tree, dataset, refusal, refusals, require_size, scan
from inspection.layouts.imagesize import image_size

_GOOD = "good"
_MASKS = "masks"


def read(root: Path, on_error: OnError) -> Dataset:
    """Every image; each is a part of its own. Where there are masks, every defect needs one."""
    tree = scan(root)
    masks, images, strange = _sorted(tree)
    owners = {(kind, path.stem) for kind, path in images}
    makers: list[Maker] = [
        *(partial(_sample, path, kind, masks if masks else None) for kind, path in images),
        *(
            refusal(path, "a mask without its image")
            for key, path in masks.items()
            if key not in owners
        ),
        *refusals(strange, "lies in neither ROOT/KIND nor ROOT/masks/KIND"),
    ]
    return dataset("folder", tree, makers, on_error, has_masks=bool(masks))


def _sorted(
    tree: Tree,
) -> tuple[dict[tuple[str, str], Path], list[tuple[str, Path]], list[Path]]:
    masks: dict[tuple[str, str], Path] = {}
    images: list[tuple[str, Path]] = []
    strange: list[Path] = []
    for path in tree.images:
        match tree.relative(path):
            case (kind, _) if kind != _MASKS:
                images.append((kind, path))
            case ("masks", kind, _) if kind != _GOOD and path.suffix == ".png":
                masks[kind, path.stem] = path
            case _:
                strange.append(path)
    return masks, images, strange


def _sample(path: Path, kind: str, masks: dict[tuple[str, str], Path] | None) -> Sample:
    width, height = image_size(path)
    mask = None
    if kind != _GOOD and masks is not None:
        mask = masks.get((kind, path.stem))
        if mask is None:
            raise LayoutError(path, f"has no mask {_MASKS}/{kind}/{path.stem}.png")
        require_size(mask, width, height)
    return Sample(
        image_path=path,
        label="good" if kind == _GOOD else "defect",
        kind=kind,
        part=f"{kind}/{path.stem}",
        width_px=width,
        height_px=height,
        mask_path=mask,
    )
