"""Boxes against true boxes: average precision, misses and false boxes.

Average precision integrates the precision envelope at every recall, as PASCAL VOC has since 2010
(Everingham et al. 2015, IJCV 111:98). Misses are counted at a lower overlap: IoU >= 0.33, as the
authors of DeepPCB do (Tang et al. 2019, arXiv:1902.06197), since a defect that was found askew was
still found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections

MISS_IOU = 0.33


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One image: what was found, and the truth.

    true_boxes_px: (M, 4) x0 y0 x1 y1 in pixels, exclusive edges. true_kinds: their M kinds, in
    the words of `found.names`.
    """

    found: Detections
    true_boxes_px: NDArray[np.float32]
    true_kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.true_boxes_px.shape != (len(self.true_kinds), 4):
            raise ValueError(
                f"true_boxes_px {self.true_boxes_px.shape} for {len(self.true_kinds)} kinds"
            )


@dataclass(frozen=True, slots=True)
class Misses:
    """Counts over all images.

    missed: true boxes, of n_true, that no found box overlaps enough. false: found boxes, of
    n_found, that overlap no true box enough; a second box on the same defect is not false.
    """

    missed: int
    n_true: int
    false: int
    n_found: int
    n_images: int

    @property
    def false_per_image(self) -> float:
        return self.false / self.n_images


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4); 0 where both are empty."""
    one, two = a[:, None].astype(np.float64), b[None].astype(np.float64)
    size = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])
    shared = np.prod(np.maximum(size, 0), axis=-1)
    union = np.prod(one[..., 2:] - one[..., :2], -1) + np.prod(two[..., 2:] - two[..., :2], -1)
    union = union - shared
    return np.asarray(shared / np.where(union > 0, union, 1))


def match(
    boxes_px: NDArray[np.float32],
    scores: NDArray[np.float32],
    true_px: NDArray[np.float32],
    at_iou: float,
) -> NDArray[np.bool_]:
    """(N,) whether each found box is right: one to one, the surest box first.

    A box takes the free true box that it overlaps most, if by `at_iou` or more.
    """
    overlap = iou(boxes_px, true_px)
    right = np.zeros(len(scores), np.bool_)
    if not len(true_px):
        return right
    for i in np.argsort(-scores, kind="stable"):
        best = int(overlap[i].argmax())
        if overlap[i, best] >= at_iou:
            right[i] = True
            overlap[:, best] = -1
    return right


def average_precision(judged: Sequence[Judged], at_iou: float, kind: str | None = None) -> float:
    """All-point average precision of one kind, or of all boxes as one kind where None.

    Equal scores keep the order of the images. ValueError where the kind has no true box.
    """
    chosen = [_of_kind(one, kind) for one in judged]
    n_true = sum(len(true) for _, _, true in chosen)
    if not n_true:
        raise ValueError(f"undefined: there is no true box of kind {kind or 'any'}")
    scores = np.concatenate([scores for _, scores, _ in chosen])
    right = np.concatenate([match(boxes, s, true, at_iou) for boxes, s, true in chosen])
    right = right[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[right].sum() / n_true)


def mean_ap(judged: Sequence[Judged], at_iou: float, *, by_kind: bool = True) -> float:
    """Average precision, the mean over all kinds that have true boxes.

    by_kind=False takes all boxes as one kind, for methods that do not tell kinds apart.
    """
    if not by_kind:
        return average_precision(judged, at_iou)
    kinds = sorted({kind for one in judged for kind in one.true_kinds})
    if not kinds:
        raise ValueError("undefined: there is no true box")
    return float(np.mean([average_precision(judged, at_iou, kind) for kind in kinds]))


def misses(
    judged: Sequence[Judged],
    at_iou: float = MISS_IOU,
    *,
    threshold: float = -np.inf,
    by_kind: bool = False,
) -> Misses:
    """Count misses and false boxes among found boxes that score `threshold` or more.

    by_kind: only a box of the same kind finds a defect.
    """
    missed = false = n_true = n_found = 0
    for one in judged:
        kept = one.found.scores >= threshold
        enough = iou(one.found.boxes_px[kept], one.true_boxes_px) >= at_iou
        if by_kind:
            kinds = _kinds(one.found)[kept]
            enough &= kinds[:, None] == np.array(one.true_kinds, dtype=object)[None]
        missed += int((~enough.any(axis=0)).sum())
        false += int((~enough.any(axis=1)).sum())
        n_found, n_true = n_found + enough.shape[0], n_true + enough.shape[1]
    return Misses(missed, n_true, false, n_found, len(judged))


def _of_kind(
    one: Judged, kind: str | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    if kind is None:
        return one.found.boxes_px, one.found.scores, one.true_boxes_px
    mine = _kinds(one.found) == kind
    true = np.array([k == kind for k in one.true_kinds], np.bool_)
    return one.found.boxes_px[mine], one.found.scores[mine], one.true_boxes_px[true]


def _kinds(found: Detections) -> NDArray[np.object_]:
    return np.array(found.names, dtype=object)[found.labels]
