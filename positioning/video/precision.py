"""Average precision of boxes, with truths that count neither way.

All-point interpolation (Everingham et al., IJCV 2015); of truths that need not be found (hidden or
tiny ones) neither a miss nor a find counts, as of areas out of range in COCO (Lin et al., ECCV
2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from positioning.video.detector import iou

AT_IOU = 0.5

F32 = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What a frame holds. number (M,): identities; label (M,): of `Detections.names`; boxes_px
    (M, 4); counts (M,): whether it is to be found."""

    number: NDArray[np.int64]
    label: NDArray[np.int64]
    boxes_px: F32
    counts: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Of one frame. scores, label, right (K,): of the found boxes that count; wanted (classes,):
    truths that count."""

    scores: F32
    label: NDArray[np.int64]
    right: Flags
    wanted: NDArray[np.int64]


def judge(found: Detections, truth: Truth) -> Judged:
    """Surest first, each box takes the free truth of its class that it overlaps most, one that
    counts before any other."""
    same = found.labels[:, None] == truth.label[None]
    overlap = np.where(same, iou(found.boxes_px, truth.boxes_px), 0.0)
    right, told = np.zeros(len(found), np.bool_), np.ones(len(found), np.bool_)
    for i in np.argsort(-found.scores, kind="stable"):
        good = overlap[i] >= AT_IOU
        if not good.any():
            continue
        best = int(np.where(good, overlap[i] + truth.counts, -1.0).argmax())
        right[i] = told[i] = truth.counts[best]
        overlap[:, best] = -1
    wanted = np.bincount(truth.label[truth.counts], minlength=len(found.names))
    return Judged(found.scores[told], found.labels[told], right[told], wanted)


def average_precision(frames: Sequence[Judged], label: int) -> float:
    """Area under precision over recall at IoU 0.5; NaN where no truth of the class counts."""
    wanted = sum(int(frame.wanted[label]) for frame in frames)
    if not wanted:
        return float("nan")
    mine = [frame.label == label for frame in frames]
    scores = np.concatenate([frame.scores[m] for frame, m in zip(frames, mine, strict=True)])
    right = np.concatenate([frame.right[m] for frame, m in zip(frames, mine, strict=True)])
    right = right[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[right].sum() / wanted)


def mean_ap(frames: Sequence[Judged]) -> float:
    """Mean over the classes that have truths; NaN where none has."""
    classes = len(frames[0].wanted) if frames else 0
    each = [average_precision(frames, label) for label in range(classes)]
    known = [value for value in each if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
