"""From a sample to a lesson: its image, reference, mask and boxes, read and checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.layouts.base import LayoutError, Sample
from inspection.layouts.pixels import read_image as read_image
from inspection.layouts.pixels import read_mask
from inspection.methods.base import Lesson


def lesson(sample: Sample) -> Lesson:
    """Decode all that belongs to a sample; LayoutError names the file that is wrong.

    The image is grey (H, W) or BGR (H, W, 3) uint8 as its file is, which may differ within a data
    set; the reference has the image's shape. A good image of a layout without
    boxes has an empty mask, whether or not a file says so; Dataset.has_masks tells whether the
    defective ones have theirs.
    """
    image = read_image(sample.image_path)
    return Lesson(
        image=image,
        is_good=sample.is_good,
        part=sample.part,
        kind=sample.kind,
        reference=_reference(sample, image.shape),
        mask=_mask(sample),
        boxes_px=_boxes(sample),
        box_kinds=tuple(box.kind for box in sample.boxes or ()),
    )


def _reference(sample: Sample, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    if sample.reference_path is None:
        return None
    # DeepPCB stores some pictures grey and their templates coloured: the image decides
    reference = read_image(sample.reference_path, "grey" if len(shape) == 2 else "colour")
    if reference.shape != shape:
        raise LayoutError(
            sample.reference_path, f"its shape {reference.shape} is not the image's {shape}"
        )
    return reference


def _mask(sample: Sample) -> NDArray[np.bool_] | None:
    if sample.mask_path is None:
        is_known_empty = sample.is_good and sample.boxes is None
        shape = sample.height_px, sample.width_px
        return np.zeros(shape, np.bool_) if is_known_empty else None
    mask = read_mask(sample.mask_path, sample.width_px, sample.height_px)
    if mask.any() == sample.is_good:
        raise LayoutError(
            sample.mask_path,
            "marks a defect on a good image" if sample.is_good else "marks nothing of the defect",
        )
    return mask


def _boxes(sample: Sample) -> NDArray[np.float32] | None:
    if sample.boxes is None:
        return None
    return np.array([box.box_px for box in sample.boxes], np.float32).reshape(-1, 4)
