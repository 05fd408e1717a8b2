"""Cross-validation by part: every image is judged by a model that never saw its part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.methods.anomaly import draw_all, learn, shipped_bank
from inspection.methods.base import Lesson, Progress
from inspection.metrics.aupro import FPR_LIMIT, aupro
from inspection.metrics.roc import auroc

Inspect = Callable[[NDArray[np.uint8]], tuple[float, NDArray[np.float32]]]
Learn = Callable[[Sequence[int]], Inspect]


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """Of N lessons: scores (N,), maps (H, W) each, all by models not taught on their parts."""

    lessons: tuple[Lesson, ...]
    scores: NDArray[np.float64]
    maps: tuple[NDArray[np.float32], ...]

    @property
    def is_defect(self) -> NDArray[np.bool_]:
        """(N,) the truth."""
        return np.array([not one.is_good for one in self.lessons])

    @property
    def parts(self) -> NDArray[np.str_]:
        """(N,) the part of each."""
        return np.array([one.part for one in self.lessons])

    def image_auroc(self, chosen: NDArray[np.int64] | None = None) -> float:
        """Over the lessons `chosen` by number, all where None."""
        picked = np.arange(len(self.scores)) if chosen is None else chosen
        return auroc(self.is_defect[picked], self.scores[picked])

    def aupro(self, chosen: NDArray[np.int64] | None = None) -> float:
        """Over the chosen lessons whose defects are marked; false-positive rates up to 0.3."""
        numbers = range(len(self.scores)) if chosen is None else chosen.tolist()
        known = [i for i in numbers if self.lessons[i].is_good or self.lessons[i].mask is not None]
        return aupro((truth(self.lessons[i]) for i in known), (self.maps[i] for i in known))


@dataclass(frozen=True, slots=True, eq=False)
class OverlapCurves:
    """AUPRO of any choice of lessons, quickly, as a bootstrap needs it: what each lesson adds to
    the two axes of the curve, by levels of the score.

    outside: (N, B) pixels outside defects in each level, the highest first; overlap: (N, B) shares
    of its regions; regions: (N,).
    """

    outside: NDArray[np.float64]
    overlap: NDArray[np.float64]
    regions: NDArray[np.float64]

    @classmethod
    def of(cls, verdicts: Verdicts, levels: int = 2000) -> Self:
        """Levels are quantiles of some of the pixels, so that the curve is evenly resolved."""
        some = np.concatenate([m[::7, ::7].ravel() for m in verdicts.maps])
        edges = np.unique(np.quantile(some, np.linspace(0, 1, levels)))
        rows = [_rows(*pair, edges) for pair in zip(verdicts.lessons, verdicts.maps, strict=True)]
        outside, overlap, regions = zip(*rows, strict=True)
        return cls(np.array(outside), np.array(overlap), np.array(regions))

    def aupro(self, chosen: NDArray[np.int64]) -> float:
        """Over the chosen lessons, to a level's width the same as `Verdicts.aupro`."""
        times = np.bincount(chosen, minlength=len(self.regions)).astype(np.float64)
        rate = np.cumsum(times @ self.outside)
        height = np.cumsum(times @ self.overlap) / max(float(times @ self.regions), 1)
        x, y = np.append(0, rate / rate[-1]), np.append(0, height)
        inside = np.append(x[x < FPR_LIMIT], FPR_LIMIT)
        return float(np.trapezoid(np.interp(inside, x, y), inside) / FPR_LIMIT)


def _rows(
    lesson: Lesson, score_map: NDArray[np.float32], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """A lesson's row of `OverlapCurves`; nothing where its defect is not marked."""
    levels = len(edges) + 1
    if not lesson.is_good and lesson.mask is None:
        return np.zeros(levels), np.zeros(levels), 0.0
    count, region = cv2.connectedComponents(truth(lesson).astype(np.uint8), connectivity=8)
    outside, *marked = (_by_level(score_map[region == k], edges) for k in range(count))
    overlap = sum((one / one.sum() for one in marked), np.zeros(levels))
    return outside, overlap, float(len(marked))


def _by_level(scores: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many scores each level holds, the highest level first."""
    up_to = np.searchsorted(np.sort(scores), edges, side="right")
    return np.diff(up_to, prepend=0, append=len(scores))[::-1].astype(np.float64)


def truth(lesson: Lesson) -> NDArray[np.bool_]:
    """(H, W) where the defects are."""
    return np.zeros(lesson.image.shape[:2], bool) if lesson.mask is None else lesson.mask


def folds(lessons: Sequence[Lesson], count: int, seed: int) -> NDArray[np.int64]:
    """(N,) the fold that judges each lesson. Parts go whole, shuffled, and those with a defect
    and those without are dealt out evenly."""
    defective = {one.part for one in lessons if not one.is_good}
    shuffled = np.random.default_rng(seed).permutation(sorted({one.part for one in lessons}))
    order = sorted(shuffled.tolist(), key=lambda part: part in defective)
    fold_of = {part: i % count for i, part in enumerate(order)}
    return np.array([fold_of[one.part] for one in lessons])


def cross_validate(
    lessons: Sequence[Lesson], learner: Learn, fold_of: NDArray[np.int64], progress: Progress
) -> Verdicts:
    """`learner` gets the numbers of the lessons to learn from and returns what inspects."""
    scores = np.zeros(len(lessons))
    maps: list[NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(lessons)
    done = 0
    for fold in range(int(fold_of.max()) + 1):
        inspect = learner(np.flatnonzero(fold_of != fold).tolist())
        for i in np.flatnonzero(fold_of == fold).tolist():
            scores[i], maps[i] = inspect(lessons[i].image)
            done += 1
            progress(done, len(lessons), "judging")
    return Verdicts(tuple(lessons), scores, tuple(maps))


def anomaly_learner(
    lessons: Sequence[Lesson], good_only: bool, progress: Progress, pictures: int
) -> Learn:
    """Our method; what is learned from is drawn once for all folds."""
    bank = shipped_bank()
    numbers = [i for i, one in enumerate(lessons) if one.is_good or not good_only]
    drawn = draw_all([lessons[i] for i in numbers], bank, progress, pictures)

    def learner(kept: Sequence[int]) -> Inspect:
        wanted = set(kept)
        positions = [j for j, i in enumerate(numbers) if i in wanted]
        method = learn([lessons[i] for i in numbers], drawn, positions, bank)

        def inspect(image: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
            finding = method.inspect(image)
            assert finding.score_map is not None
            return finding.score, finding.score_map

        return inspect

    return learner
