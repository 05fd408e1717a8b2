"""MVTec AD, one category: good images to learn from, and a test part with masks.

Bergmann, Fauser, Sattlegger, Steger 2019, MVTec AD, CVPR. train/good/N.png, test/KIND/N.png,
ground_truth/KIND/N_mask.png.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from inspection.layouts.base import Dataset, LayoutError, OnError, Sample
from inspection.layouts.files import Maker, Tree, dataset, refusal, require_size, scan
from inspection.layouts.imagesize import image_size

_GOOD = "good"
_MASK = "_mask"


def read(root: Path, on_error: OnError) -> Dataset:
    """Every image under train and test; each is a part of its own, the layout tells no more."""
    tree = scan(root)
    names = {tree.relative(path): path for path in tree.images}
    tested = {(parts[1], Path(parts[2]).stem) for parts in names if _is_test(parts)}
    makers = [_maker(tree, parts, path, tested) for parts, path in names.items()]
    return dataset("mvtec", tree, [m for m in makers if m is not None], on_error, has_masks=True)


def _is_test(parts: tuple[str, ...]) -> bool:
    return len(parts) == 3 and parts[0] == "test"


def _maker(
    tree: Tree, parts: tuple[str, ...], path: Path, tested: set[tuple[str, str]]
) -> Maker | None:
    if len(parts) == 3 and parts[0] == "ground_truth":
        owner = parts[1], path.stem.removesuffix(_MASK)
        belongs = path.stem.endswith(_MASK) and owner in tested and parts[1] != _GOOD
        return None if belongs else refusal(path, "a mask without its test image")
    if _is_test(parts) or (len(parts) == 3 and parts[:2] == ("train", _GOOD)):
        return partial(_sample, tree.root, path, parts[0], parts[1])
    return refusal(path, "lies in none of train/good, test/KIND, ground_truth/KIND")


def _sample(root: Path, path: Path, split: str, kind: str) -> Sample:
    width, height = image_size(path)
    mask = None
    if kind != _GOOD:
        mask = root / "ground_truth" / kind / f"{path.stem}{_MASK}.png"
        if not mask.is_file():
            raise LayoutError(path, f"has no mask ground_truth/{kind}/{mask.name}")
        require_size(mask, width, height)
    return Sample(
        image_path=path,
        label="good" if kind == _GOOD else "defect",
        kind=kind,
        part=f"{split}/{kind}/{path.stem}",
        width_px=width,
        height_px=height,
        mask_path=mask,
    )
