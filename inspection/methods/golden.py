"""Compare with a golden image: align, difference, verify each region, name its kind.

For parts of two levels, such as etched boards and prints. Reference-comparison of bare boards as in
Moganti et al. (1996); the data set and its six kinds are those of Tang et al. (2019), DeepPCB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.detections import Detections
from inspection.methods.base import Finding, HeldOut, Lesson, Progress, State
from inspection.methods.difference import FEATURES, Region, regions
from inspection.methods.logistic import Logistic, fit
from inspection.methods.registration import align
from inspection.methods.topology import KINDS, contacts, kind
from inspection.regions.mark import Mark, described
from inspection.regions.memory import Memory, remembered

U8 = NDArray[np.uint8]

LEVEL = 128.0  # DN between the phases of a binarised image
FOLDS = 7  # by part; fewer parts give fewer folds
TOUCH = 0.5  # of a region's box inside a true box: it is that defect
NOTHING = -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The regions of one image, what each touches, and how well the two images agree at all."""

    regions: tuple[Region, ...]
    contacts: tuple[int, ...]
    mismatch: float

    @property
    def kinds(self) -> NDArray[np.int64]:
        """(N,) index into KINDS."""
        pairs = zip(self.regions, self.contacts, strict=True)
        return np.array([KINDS.index(kind(r.extra, n)) for r, n in pairs], np.int64)

    @property
    def features(self) -> NDArray[np.float32]:
        """(N, D): of the regions, then island, bite (a bridge is neither), log mismatch."""
        shape = [region.features for region in self.regions]
        own = np.array(shape, np.float32).reshape(-1, len(FEATURES))
        touched = np.array(self.contacts)
        context = (touched == 0, touched == 1, np.full(len(own), np.log(self.mismatch + 1e-3)))
        return np.column_stack([own, *context]).astype(np.float32)


class Golden:
    """A taught comparison. margin_px: left, top, right, bottom: what true boxes leave free. memory:
    what it learns from corrections with; None of a job that was taught before there were any."""

    kind: ClassVar[str] = "golden"

    def __init__(
        self,
        verifier: Logistic,
        margin_px: NDArray[np.float32],
        threshold: float | None,
        memory: Memory | None = None,
    ) -> None:
        self._verifier = verifier
        self._margin_px = margin_px
        self._threshold = threshold
        self._memory = memory
        self.held_out = HeldOut(np.zeros(0), np.zeros(0), "defect")

    def inspect(self, image: U8, reference: U8 | None = None) -> Finding:
        """Judge an image against its golden image. ValueError without one, or of another size."""
        if reference is None:
            raise ValueError("this job compares: it needs the golden image beside the image")
        return self.judge(compare(image, reference), image.shape)

    def judge(self, compared: Compared, shape: tuple[int, ...]) -> Finding:
        """Judge an image of this shape that was compared already."""
        features, boxes, kinds = compared.features, self.boxes(compared, shape), compared.kinds
        scores = self._verifier.logit(features).astype(np.float32)
        if self._memory is not None:
            left = ~self._memory.passes(features)
            features, boxes = features[left], boxes[left]
            kinds, scores = kinds[left], scores[left]
        found = Detections(boxes, scores, kinds, KINDS)
        score = float(scores.max(initial=NOTHING))
        return Finding(score, self._threshold, None, found, self._marks(features, kinds, scores))

    def _marks(
        self, features: NDArray[np.float32], kinds: NDArray[np.int64], scores: NDArray[np.float32]
    ) -> tuple[Mark | None, ...]:
        """Of the finds at the threshold; weaker ones cannot be corrected."""
        if self._threshold is None or self._memory is None:
            return ()
        told = zip(features, kinds, scores >= self._threshold, strict=True)
        return tuple(Mark(KINDS[k], described(row)) if strong else None for row, k, strong in told)

    def boxes(self, compared: Compared, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """(N, 4) boxes as the teacher draws them, within the image."""
        return _with_margin(_tight(compared), self._margin_px, shape)

    def to_state(self) -> State:
        known = {} if self._memory is None else self._memory.to_state()
        return {"verifier": self._verifier.packed(), "margin_px": self._margin_px, **known}

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        packed, margin = state["verifier"], state["margin_px"]
        if isinstance(packed, bytes) or isinstance(margin, bytes):
            raise LingnanError("a golden job holds arrays, not models")
        memory = Memory.of_state(state)
        return cls(Logistic.unpacked(packed), margin, settings.get("threshold"), memory)


def compare(image: U8, reference: U8) -> Compared:
    """All differences of the two, with their kinds."""
    shown, golden = _grey(image), _grey(reference)
    aligned = align(golden, shown, LEVEL)
    part = (shown < LEVEL).astype(np.uint8)
    laid = (aligned.golden < LEVEL).astype(np.uint8)
    found = tuple(regions(part, laid))
    touched = tuple(contacts(region, part, laid) for region in found)
    return Compared(found, touched, aligned.mismatch)


def teach(lessons: Sequence[Lesson], progress: Progress) -> Golden:
    """Learn what is a defect and what is noise, from boxed samples with their golden images."""
    if not all(one.reference is not None and one.boxes_px is not None for one in lessons):
        raise LingnanError("golden needs a golden image and boxes for every sample")
    compared = []
    for i, one in enumerate(lessons):
        assert one.reference is not None
        compared.append(compare(one.image, one.reference))
        progress(i + 1, len(lessons), "comparing")
    return learn(compared, lessons)


def learn(compared: Sequence[Compared], lessons: Sequence[Lesson]) -> Golden:
    """`teach` on lessons that were compared already."""
    truth = [regions_of_boxes(c, one) for c, one in zip(compared, lessons, strict=True)]
    plain = _learn(compared, truth, lessons, range(len(lessons)))
    held_out, by_image = _held_out(compared, truth, lessons)
    known = np.concatenate([c.features[t >= 0] for c, t in zip(compared, truth, strict=True)])
    method = Golden(plain._verifier, plain._margin_px, None, remembered(known, by_image))
    method.held_out = held_out
    return method


def _learn(
    compared: Sequence[Compared],
    truth: Sequence[NDArray[np.int64]],
    lessons: Sequence[Lesson],
    chosen: Sequence[int],
) -> Golden:
    """A verifier and the margins, from the chosen lessons."""
    features = np.concatenate([compared[i].features for i in chosen])
    labels = np.concatenate([truth[i] for i in chosen]) >= 0
    verifier = _verifier(features, labels)
    offsets = np.concatenate([_offsets(compared[i], truth[i], lessons[i]) for i in chosen])
    margin = np.median(offsets, axis=0) if len(offsets) else np.zeros(4)
    return Golden(verifier, margin.astype(np.float32), None)


def _verifier(features: NDArray[np.float32], is_defect: NDArray[np.bool_]) -> Logistic:
    """What tells defects from noise; where the samples show no noise, larger is surer."""
    if not is_defect.any():
        raise LingnanError("no difference from the golden images lies in a labelled box")
    if not is_defect.all():
        return fit(features, is_defect)
    mean = features.mean(0).astype(np.float64)
    by_area = (np.array(FEATURES) == "log_area_px").astype(np.float64)
    weights = np.concatenate([by_area, np.zeros(len(mean) - len(FEATURES))])
    return Logistic(mean, np.ones_like(mean), weights, 0.0)


def _held_out(
    compared: Sequence[Compared], truth: Sequence[NDArray[np.int64]], lessons: Sequence[Lesson]
) -> tuple[HeldOut, NDArray[np.float64]]:
    """Every region scored by a verifier that has not seen its part; -inf for a defect not found.
    And the highest score on each image outside its defects; -inf where nothing is."""
    parts = sorted({one.part for one in lessons})
    fold = np.array([parts.index(one.part) % FOLDS for one in lessons])
    defects: list[float] = []
    false: list[float] = []
    by_image = np.full(len(lessons), NOTHING)
    for k in sorted(set(fold.tolist())):
        if (fold == k).all():
            raise LingnanError(
                f"samples of at least two boards are needed to choose a threshold, these are of "
                f"{len(parts)}: name more parts"
            )
        method = _learn(compared, truth, lessons, np.flatnonzero(fold != k).tolist())
        for i in np.flatnonzero(fold == k).tolist():
            scores = method._verifier.logit(compared[i].features)
            false += scores[truth[i] < 0].tolist()
            by_image[i] = scores[truth[i] < 0].max(initial=NOTHING)
            boxes = lessons[i].boxes_px
            assert boxes is not None
            defects += [
                float(scores[truth[i] == j].max(initial=NOTHING)) for j in range(len(boxes))
            ]
    return HeldOut(np.array(defects), np.array(false), "defect"), by_image


def regions_of_boxes(compared: Compared, lesson: Lesson) -> NDArray[np.int64]:
    """(N,) index of the true box that each region lies in, -1 for none."""
    assert lesson.boxes_px is not None
    tight, true = _tight(compared), lesson.boxes_px
    if not len(tight) or not len(true):
        return np.full(len(tight), -1, np.int64)
    low = np.maximum(tight[:, None, :2], true[None, :, :2])
    high = np.minimum(tight[:, None, 2:], true[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    share = shared / np.prod(tight[:, 2:] - tight[:, :2], axis=1)[:, None]
    best = share.argmax(1)
    return np.where(share.max(1) >= TOUCH, best, -1)


def _offsets(compared: Compared, truth: NDArray[np.int64], lesson: Lesson) -> NDArray[np.float32]:
    """(M, 4) how far the true boxes reach beyond the regions that are one defect alone."""
    assert lesson.boxes_px is not None
    alone = [i for i, j in enumerate(truth) if j >= 0 and (truth == j).sum() == 1]
    tight = _tight(compared)[alone]
    true = lesson.boxes_px[truth[alone]]
    return np.concatenate([tight[:, :2] - true[:, :2], true[:, 2:] - tight[:, 2:]], axis=1)


def _tight(compared: Compared) -> NDArray[np.float32]:
    return np.array([r.box_px for r in compared.regions], np.float32).reshape(-1, 4)


def _with_margin(
    boxes: NDArray[np.float32], margin: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    grown = boxes + margin * np.array([-1, -1, 1, 1], np.float32)
    height, width = shape[:2]
    edges = np.array([width, height, width, height], np.float32)
    return np.asarray(np.clip(grown, 0, edges), np.float32)


def _grey(image: U8) -> U8:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
