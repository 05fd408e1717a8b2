"""What a lesson gives to learn from: features of cells of it, of varied and of spoilt copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.methods import normal
from inspection.methods.base import Lesson
from inspection.methods.synthetic import spoil
from inspection.models.features import (
    F32,
    STRIDE,
    U8,
    FeatureBank,
    canonical,
    grey_of,
    share_of_cells,
)

COVERED = 0.3  # a cell is defective from this share on
PER_VARIANT = 150  # cells drawn of each class from one picture
SPARE = 600  # good cells of one picture among which the hardest are looked for
F16 = NDArray[np.float16]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Features (N, D) of cells, and which lie on a defect (N,). spare: (M, D) further good ones.

    Half precision, for there are many.
    """

    features: F16
    is_defect: NDArray[np.bool_]
    spare: F16


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Cells of one lesson: of itself and varied copies, and of copies with synthetic defects.

    coarse: (N, D) features of every third of its coarse cells (`normal.halved`).
    """

    real: Cells
    spoilt: Cells | None
    coarse: F32


def draw(
    lesson: Lesson, donor: U8, bank: FeatureBank, copies: int, spoilt_copies: int, rng: Rng
) -> Drawn:
    """`copies` varied pictures beside the lesson's own; good lessons also `spoilt_copies`.

    donor: another good picture, which lends texture to synthetic defects.
    """
    grey, mask = grey_of(lesson.image), mask_of(lesson)
    pictures = [_varied(grey, mask, rng) for _ in range(copies)]
    image, cover = canonical(grey), mask.astype(np.float32)
    features = bank(image)
    real = [_cells(features, cover, 0.0, rng)]
    real += [_cells(bank(image), cover, 0.0, rng) for image, cover in pictures]
    spoilt = []
    for _ in range(spoilt_copies if lesson.is_good else 0):
        image, cover = spoil(_varied(grey, mask, rng)[0], donor, rng)
        spoilt.append(_cells(bank(image), cover, 0.02, rng))
    coarse = normal.halved(features)
    some = coarse.reshape(-1, coarse.shape[-1])[::3]
    return Drawn(_joined(real), _joined(spoilt) if spoilt else None, some)


def mask_of(lesson: Lesson) -> NDArray[np.bool_]:
    """(H, W), True on defects: from the mask, else from boxes; nothing where neither is known."""
    if lesson.mask is not None:
        return lesson.mask
    mask = np.zeros(lesson.image.shape[:2], bool)
    if lesson.boxes_px is not None:
        for x0, y0, x1, y1 in np.rint(lesson.boxes_px).astype(int):
            mask[max(y0, 0) : y1, max(x0, 0) : x1] = True
    return mask


def _varied(grey: U8, mask: NDArray[np.bool_], rng: Rng) -> tuple[U8, F32]:
    """Another size and exposure, perhaps mirrored, slightly out of focus, noisier."""
    image = canonical(grey, (rng.uniform(0.85, 1.2), rng.uniform(0.85, 1.2)))
    cover = mask.astype(np.float32)
    for axis in (0, 1):
        if rng.random() < 0.5:
            image, cover = np.flip(image, axis), np.flip(cover, axis)
    of_grey = np.arange(256, dtype=np.float32)
    level = (255 * (of_grey / 255) ** rng.uniform(0.75, 1.35) * rng.uniform(0.7, 1.4))[image]
    if rng.random() < 0.5:
        level = cv2.GaussianBlur(level, (0, 0), rng.uniform(0.25, 0.7))
    level = level + rng.normal(0, rng.uniform(0, 2), level.shape)
    return np.clip(level, 0, 255).astype(np.uint8), np.ascontiguousarray(cover)


def _cells(features: F32, cover: F32, clean: float, rng: Rng) -> Cells:
    """Some cells of each class; cells at a defect's rim (cover above `clean`) are of neither."""
    height, width, depth = features.shape
    share = share_of_cells(cover, (height * STRIDE, width * STRIDE))
    touched = cv2.dilate((share > clean).astype(np.uint8), np.ones((3, 3), np.uint8))
    bad, good = np.flatnonzero(share > COVERED), np.flatnonzero(touched == 0)
    picked_bad = rng.choice(bad, min(PER_VARIANT, 2 * len(bad))) if len(bad) else bad
    picked_good = rng.choice(good, PER_VARIANT) if len(good) else good
    picked = np.concatenate([picked_bad, picked_good])
    spare = rng.choice(good, min(SPARE, len(good)), replace=False)
    by_channel = features.transpose(2, 0, 1).reshape(depth, -1)  # as the net gave it: no copy
    is_defect = np.arange(len(picked)) < len(picked_bad)
    return Cells(_taken(by_channel, picked), is_defect, _taken(by_channel, spare))


def _taken(by_channel: F32, cells: NDArray[np.int64]) -> F16:
    return np.ascontiguousarray(by_channel.take(cells, 1).T.astype(np.float16))


def _joined(cells: Sequence[Cells]) -> Cells:
    return Cells(
        np.concatenate([one.features for one in cells]),
        np.concatenate([one.is_defect for one in cells]),
        np.concatenate([one.spare for one in cells]),
    )


def weighed(cells: Sequence[Cells]) -> tuple[F32, NDArray[np.bool_], F32]:
    """Features, classes and weights: both classes weigh the same, within one every lesson."""
    share = [
        np.where(one.is_defect, 1 / max(1, one.is_defect.sum()), 1 / max(1, (~one.is_defect).sum()))
        for one in cells
    ]
    weight = np.concatenate(share)
    is_defect = np.concatenate([one.is_defect for one in cells])
    for side in (is_defect, ~is_defect):
        weight[side] *= 0.5 * len(weight) / max(weight[side].sum(), 1e-9)
    features = np.concatenate([one.features for one in cells]).astype(np.float32)
    return features, is_defect, weight.astype(np.float32)
