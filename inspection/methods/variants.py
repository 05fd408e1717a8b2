"""What a lesson gives to learn from: features of cells of it, of varied and of spoilt copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.methods import normal
from inspection.methods.base import Lesson
from inspection.methods.cells import Filling, Role
from inspection.methods.synthetic import spoil
from inspection.models.features import (
    F32,
    STRIDE,
    U8,
    FeatureBank,
    canonical,
    canonical_size,
    grey_of,
    share_of_cells,
)

COVERED = 0.3  # a cell is defective from this share on
PER_VARIANT = 150  # cells drawn of each class from one picture
MADE_CLEAN = 0.02  # share of a cell under which a synthetic defect, whose rim is soft, is not there
COARSE_STEP = 3  # every how many of a good picture's coarse cells are kept
SPARE = 200  # good cells of one picture among which the hardest are looked for
MADE_KNOWN = 64  # synthetic defects that a job remembers
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Plan:
    """How many pictures a lesson gives to learn from: `varied` ones beside its own, or none where
    None, and `spoilt` ones with synthetic defects if it is good.

    Good cells to spare are taken of the varied ones, of the spoilt ones where there are no others.
    """

    varied: int | None
    spoilt: int

    def most(self, lesson: Lesson) -> int:
        """A bound on the cells that the lesson gives."""
        real = 0 if self.varied is None else self.varied + 1
        made = self.spoilt if lesson.is_good else 0
        height, width = canonical_size((lesson.image.shape[0], lesson.image.shape[1]))
        spare = made if self.varied is None else real
        return (
            2 * PER_VARIANT * (real + made)
            + SPARE * spare
            + -(-height * width // (COARSE_STEP * (2 * STRIDE) ** 2))
        )


def draw(
    lesson: Lesson, number: int, donor: U8, bank: FeatureBank, plan: Plan, rng: Rng, into: Filling
) -> None:
    """Add the cells of the lesson's pictures to `into`; one picture is held at a time.

    donor: another good picture, which lends texture to synthetic defects.
    """
    grey, mask = grey_of(lesson.image), mask_of(lesson)
    if not (lesson.is_good or mask.any()):
        return  # nobody knows where its defect is
    own = bank(canonical(grey))
    if lesson.is_good:
        coarse = normal.halved(own.transpose(2, 0, 1))
        into.add(coarse.reshape(len(coarse), -1).T[::COARSE_STEP], number, Role.COARSE)
    if plan.varied is not None:
        _add(into, number, own, mask.astype(np.float32), rng)
    for _ in range(plan.varied or 0):
        image, cover = _varied(grey, mask, rng)
        _add(into, number, bank(image), cover, rng)
    for _ in range(plan.spoilt if lesson.is_good else 0):
        image, cover = spoil(_varied(grey, mask, rng)[0], donor, rng)
        _add(into, number, bank(image), cover, rng, is_made=True, spare=plan.varied is None)


def mask_of(lesson: Lesson) -> NDArray[np.bool_]:
    """(H, W), True on defects: from the mask, else from boxes; nothing where neither is known."""
    if lesson.mask is not None:
        return lesson.mask
    mask = np.zeros(lesson.image.shape[:2], bool)
    if lesson.boxes_px is not None:
        for x0, y0, x1, y1 in np.rint(lesson.boxes_px).astype(int):
            mask[max(y0, 0) : y1, max(x0, 0) : x1] = True
    return mask


def defective(lessons: Sequence[Lesson], seed: int) -> Iterator[tuple[U8, F32]]:
    """Defective pictures (H, W) with the cover of their defects: those whose defect is marked, then
    synthetic defects on good ones."""
    for one in lessons:
        if not one.is_good and mask_of(one).any():
            yield grey_of(one.image), mask_of(one).astype(np.float32)
    good = [grey_of(one.image) for one in lessons if one.is_good]
    for i in range(MADE_KNOWN):
        rng = np.random.default_rng((seed, i, len(good)))
        image = canonical(good[i % len(good)])
        yield spoil(image, canonical(good[rng.integers(len(good))]), rng)


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


def _add(
    into: Filling,
    number: int,
    features: F32,
    cover: F32,
    rng: Rng,
    is_made: bool = False,
    spare: bool = True,
) -> None:
    """Some cells of each class; cells at a defect's rim are of neither."""
    height, width, depth = features.shape
    share = share_of_cells(cover, (height * STRIDE, width * STRIDE))
    rim = (share > (MADE_CLEAN if is_made else 0)).astype(np.uint8)
    touched = cv2.dilate(rim, np.ones((3, 3), np.uint8))
    bad, good = np.flatnonzero(share > COVERED), np.flatnonzero(touched == 0)
    by_channel = features.transpose(2, 0, 1).reshape(depth, -1)  # as the net gave it: no copy
    picked = {
        Role.DEFECT: rng.choice(bad, min(PER_VARIANT, 2 * len(bad))) if len(bad) else bad,
        Role.GOOD: rng.choice(good, PER_VARIANT) if len(good) else good,
    }
    if spare:
        picked[Role.SPARE] = rng.choice(good, min(SPARE, len(good)), replace=False)
    for role, cells in picked.items():
        into.add(by_channel.take(cells, 1).T, number, role, is_made)
