"""Teach a job: samples in, a method with a threshold on a stated bound out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from common.errors import LingnanError
from inspection.job import Job
from inspection.layouts.base import Dataset, Sample
from inspection.layouts.load import lesson
from inspection.methods.base import HeldOut, KnowsHeldOut, Lesson, Method, Progress
from inspection.methods.table import teacher
from inspection.threshold import Threshold, on_good, on_misses

FOLDS = 3


class TeachError(LingnanError):
    """The samples do not suffice for what was asked."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to teach. method: a name of `methods.table` or "auto". good_only: look at no defect.

    miss_target: upper bound that the miss rate is to hold at the threshold; false_target: the same
    of the false rate, where there are good parts only.
    """

    method: str = "auto"
    good_only: bool = False
    miss_target: float = 0.003
    false_target: float = 0.01


def choose_method(data: Dataset) -> str:
    """Compare where every sample has its golden image, else model what good parts look like."""
    if data.samples and all(sample.reference_path for sample in data.samples):
        return "golden"
    return "anomaly"


def teach(data: Dataset, wish: Wish, progress: Progress) -> Job:
    """The job. TeachError when there are too few samples; the same samples give the same bytes."""
    samples = [s for s in data.samples if s.is_good or not wish.good_only]
    kind = choose_method(data) if wish.method == "auto" else wish.method
    if not samples:
        skipped = f"; {data.skipped[0].path}: {data.skipped[0].reason}" if data.skipped else ""
        raise TeachError(f"no sample of the layout {data.name} to learn from{skipped}")
    lessons = []
    for i, sample in enumerate(samples):
        lessons.append(lesson(sample))
        progress(i + 1, len(samples), "reading")
    method = teacher(kind)(lessons, progress)
    held_out = _held_out(kind, method, lessons, progress)
    threshold = choose_threshold(held_out, wish)
    return Job(
        kind=kind,
        state=method.to_state(),
        threshold={**threshold.to_json(), "unit": held_out.unit},
        recipe=_recipe(data, lessons, method),
        statistics=_statistics(data, lessons, threshold),
        taught_sha256=frozenset(file_sha256(sample) for sample in samples),
        taught_parts=frozenset(f"{sample.part}" for sample in samples),
    )


def choose_threshold(held_out: HeldOut, wish: Wish) -> Threshold:
    """On the miss bound where there are defects, else on the false bound. TeachError without any
    score to choose on."""
    try:
        if len(held_out.defects):
            return on_misses(held_out.defects, held_out.good, wish.miss_target)
        return on_good(held_out.good, wish.false_target)
    except ValueError as error:
        raise TeachError(str(error)) from error


def file_sha256(sample: Sample) -> str:
    """Of the image file: how a job knows again what it was taught on."""
    return sha256(sample.image_path.read_bytes()).hexdigest()


def _held_out(kind: str, method: Method, lessons: list[Lesson], progress: Progress) -> HeldOut:
    if isinstance(method, KnowsHeldOut):
        return method.held_out
    return cross_scores(lessons, lambda some: teacher(kind)(some, progress))


def cross_scores(
    lessons: list[Lesson], learn: Callable[[list[Lesson]], Method], folds: int = FOLDS
) -> HeldOut:
    """Scores of every lesson by a method taught on the other parts; whole parts change sides."""
    parts = sorted({one.part for one in lessons})
    if len(parts) < folds:
        raise TeachError(f"{len(parts)} parts are too few to hold some back: at least {folds}")
    fold_of = {part: i % folds for i, part in enumerate(parts)}
    defects: list[float] = []
    good: list[float] = []
    for fold in range(folds):
        taught = learn([one for one in lessons if fold_of[one.part] != fold])
        for one in (one for one in lessons if fold_of[one.part] == fold):
            score = taught.inspect(one.image, one.reference).score
            (good if one.is_good else defects).append(score)
    return HeldOut(np.array(defects), np.array(good))


def _recipe(data: Dataset, lessons: list[Lesson], method: Method) -> dict[str, Any]:
    shapes = {one.image.shape[:2] for one in lessons}
    return {
        "layout": data.name,
        "needs_reference": any(one.reference is not None for one in lessons),
        "shape_px": list(next(iter(shapes))) if len(shapes) == 1 else None,
        "settings": dict(getattr(method, "settings", {})),
    }


def _statistics(data: Dataset, lessons: list[Lesson], threshold: Threshold) -> dict[str, Any]:
    kinds = sorted({one.kind for one in lessons})
    return {
        "n_images": len(lessons),
        "n_parts": len({one.part for one in lessons}),
        "n_by_kind": {kind: sum(one.kind == kind for one in lessons) for kind in kinds},
        "n_skipped": len(data.skipped),
        "threshold": threshold.sentence(),
    }
