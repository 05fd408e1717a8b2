"""An anomaly model of a part: taught on good samples alone, or with the defects at hand too.

A fixed ONNX feature net describes each cell of 4 x 4 pixels; perceptrons say how much it looks
like a defect. They learn that from defects drawn on the good samples, and from real ones where
there are any; where there are none, the distance from what good cells look like is added to the
map. Teaching takes numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.runtime.weights import load
from common.types.detections import Detections
from inspection.methods import mining, normal
from inspection.methods.base import Finding, HeldOut, Lesson, Progress, State
from inspection.methods.normal import Normal
from inspection.methods.perceptron import Perceptron
from inspection.methods.variants import Drawn, draw, mask_of, weighed
from inspection.models.features import SHIPPED, WEIGHTS, FeatureBank, canonical, grey_of

SEED = 20
FOLDS = 3
FEWEST_GOOD = 8
PICTURES = 3000  # varied pictures to learn from, shared out among the lessons
COPIES = (4, 24)  # fewest and most a lesson
SYNTHETIC_WEIGHT = 0.5  # of synthetic defects beside real ones
WORST_SHARE = 0.002  # the image's score is the mean over its worst cells
STRANGENESS_WEIGHT = 0.7  # of the distance from good beside the logit, in deviations of each
NAME = "anomaly"

F32 = NDArray[np.float32]


class TeachingError(LingnanError):
    """The lessons do not suffice to learn what a good part looks like."""


class Anomaly:
    """A taught part. Larger scores are worse; the scale is a logit's.

    held_out: scores of the lessons by models that had not seen their parts.
    """

    kind = NAME

    def __init__(
        self,
        bank: FeatureBank,
        head: Perceptron,
        good: Normal | None = None,
        threshold: float | None = None,
        held_out: HeldOut | None = None,
    ) -> None:
        self._bank, self._head, self._good, self._threshold = bank, head, good, threshold
        self.held_out = held_out or HeldOut(np.empty(0), np.empty(0))

    def inspect(
        self, image: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None
    ) -> Finding:
        """Judge one image of any size; colour by its luminance. No reference is used."""
        grey = grey_of(image)
        features = self._bank(canonical(grey))
        logits = self._logits(features)
        score = worst(logits)
        level = 0.0 if self._threshold is None else self._threshold
        return Finding(
            score=score,
            threshold=self._threshold,
            score_map=_enlarged(self._map(features, logits), grey.shape),
            detections=_regions(logits, level, score, (grey.shape[0], grey.shape[1])),
        )

    def _logits(self, features: F32) -> F32:
        height, width, depth = features.shape
        return self._head.logits(features.reshape(-1, depth)).reshape(height, width)

    def _map(self, features: F32, logits: F32) -> F32:
        if self._good is None:
            return logits
        return logits + self._good.strangeness(features)

    def to_state(self) -> State:
        """The feature net's bytes and the arrays of what was learned."""
        state: dict[str, bytes | NDArray[Any]] = {"features": self._bank.payload}
        for index, (w, b) in enumerate(zip(self._head.weights, self._head.biases, strict=True)):
            state |= {f"weights_{index}": w, f"bias_{index}": b}
        if self._good is not None:
            good = self._good
            state |= {"whiten": good.whiten, "centre": good.centre, "scale": good.scale}
        return state

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        """From `to_state` and a threshold. ValueError when something is missing or misshapen."""
        payload = state.get("features")
        if not isinstance(payload, bytes):
            raise ValueError("the job holds no feature net 'features'")
        layers = range(sum(name.startswith("weights_") for name in state))
        head = Perceptron(
            tuple(_array(state, f"weights_{i}", 2) for i in layers),
            tuple(_array(state, f"bias_{i}", 1) for i in layers),
        )
        good = None
        if "whiten" in state:
            good = Normal(
                _array(state, "whiten", 2), _array(state, "centre", 1), _array(state, "scale", 1)
            )
        threshold = settings.get("threshold")
        return cls(
            FeatureBank(payload), head, good, None if threshold is None else float(threshold)
        )


def teach(lessons: Sequence[Lesson], progress: Progress) -> Anomaly:
    """Learn the part; TeachingError when there are too few good samples or parts.

    The same lessons give the same model. About 20 to 50 ms of one core a picture learned from,
    at most three minutes for some hundred lessons.
    """
    _check(lessons)
    bank = shipped_bank()
    drawn = draw_all(lessons, bank, progress)
    fold_of = _folds(lessons)
    scores: dict[bool, list[float]] = {True: [], False: []}
    for fold in range(FOLDS):
        progress(fold, FOLDS + 1, "learning")
        kept = [i for i in range(len(lessons)) if fold_of[i] != fold]
        taught = learn(lessons, drawn, kept, bank)
        for i in (i for i in range(len(lessons)) if fold_of[i] == fold):
            scores[lessons[i].is_good].append(taught.inspect(lessons[i].image).score)
    method = learn(lessons, drawn, range(len(lessons)), bank)
    progress(FOLDS + 1, FOLDS + 1, "learning")
    method.held_out = HeldOut(np.array(scores[False]), np.array(scores[True]))
    return method


def shipped_bank() -> FeatureBank:
    """The feature net that comes with the package, verified."""
    return FeatureBank(load(WEIGHTS, SHIPPED).payload)


def draw_all(
    lessons: Sequence[Lesson], bank: FeatureBank, progress: Progress, pictures: int = PICTURES
) -> list[Drawn]:
    """What each lesson gives to learn from; each has a random stream of its own.

    pictures: how many varied copies to make in all, about; within `COPIES` for each lesson.
    """
    donors = [canonical(grey_of(one.image)) for one in lessons if one.is_good]
    copies = int(np.clip(pictures // len(lessons), *COPIES))
    knows_defects = any(mask_of(one).any() for one in lessons)
    real, spoilt = (copies, copies // 2) if knows_defects else (0, copies)
    drawn = []
    for i, lesson in enumerate(lessons):
        rng = np.random.default_rng((SEED, i))
        donor = donors[rng.integers(len(donors))]
        drawn.append(draw(lesson, donor, bank, real, spoilt, rng))
        progress(i + 1, len(lessons), "drawing variants")
    return drawn


def learn(
    lessons: Sequence[Lesson], drawn: Sequence[Drawn], kept: Sequence[int], bank: FeatureBank
) -> Anomaly:
    """The model of the lessons whose numbers are `kept`, from what `draw_all` gave."""
    known = [i for i in kept if lessons[i].is_good or mask_of(lessons[i]).any()]
    spoilt = [cells for i in known if (cells := drawn[i].spoilt) is not None]
    x, is_defect, weight = weighed(spoilt)
    if all(lessons[i].is_good for i in known):
        spare = [one.spare for one in spoilt]
        head = mining.fit(x, is_defect, weight, spare, SEED, epochs=5, decay=0.03)
        good = np.concatenate([drawn[i].coarse for i in known])
        spread = float(head.logits(good).std())
        return Anomaly(bank, head, normal.fit(good, STRANGENESS_WEIGHT * spread))
    real_x, real_is_defect, real_weight = weighed([drawn[i].real for i in known])
    head = mining.fit(
        np.concatenate([real_x, x]),
        np.concatenate([real_is_defect, is_defect]),
        np.concatenate([real_weight, np.float32(SYNTHETIC_WEIGHT) * weight]),
        [drawn[i].real.spare for i in known],
        SEED,
        epochs=2,  # copies of one real defect are much alike: learned by heart sooner
        decay=0.1,
    )
    return Anomaly(bank, head)


def worst(logits: F32) -> float:
    """The mean over the worst share of cells: one cell's noise does not decide."""
    count = max(1, round(WORST_SHARE * logits.size))
    return float(np.partition(logits.ravel(), -count)[-count:].mean())


def _check(lessons: Sequence[Lesson]) -> None:
    good = sum(one.is_good for one in lessons)
    if good < FEWEST_GOOD:
        raise TeachingError(f"{good} good samples are too few to learn a part: {FEWEST_GOOD}")
    parts = len({one.part for one in lessons if one.is_good})
    if parts < FOLDS:
        raise TeachingError(f"the good samples show {parts} parts; at least {FOLDS} are needed")


def _folds(lessons: Sequence[Lesson]) -> list[int]:
    """Whole parts change sides; parts with good samples are dealt out first."""
    has_good = {one.part for one in lessons if one.is_good}
    parts = sorted({one.part for one in lessons}, key=lambda part: (part not in has_good, part))
    fold_of = {part: i % FOLDS for i, part in enumerate(parts)}
    return [fold_of[one.part] for one in lessons]


def _enlarged(grid: F32, shape: tuple[int, ...]) -> F32:
    return np.asarray(cv2.resize(grid, (shape[1], shape[0])), np.float32)


def _regions(logits: F32, level: float, score: float, shape: tuple[int, int]) -> Detections:
    """Connected cells at or above `level`. None scores above the image, so that a good image has
    no region to reject it by."""
    above = (logits >= level).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    if count < 2:
        return Detections()
    per_cell = np.array([shape[1] / logits.shape[1], shape[0] / logits.shape[0]] * 2)
    corners = np.column_stack([stats[1:, :2], stats[1:, :2] + stats[1:, 2:4]]) * per_cell
    peaks = np.full(count, -np.inf, np.float32)
    np.maximum.at(peaks, labels.ravel(), logits.ravel())
    return Detections(
        boxes_px=corners.astype(np.float32),
        scores=np.minimum(peaks[1:], np.float32(score)),
        labels=np.zeros(count - 1, np.int64),
        names=(NAME,),
    )


def _array(state: State, name: str, ndim: int) -> F32:
    value = state.get(name)
    if not isinstance(value, np.ndarray) or value.dtype != np.float32 or value.ndim != ndim:
        raise ValueError(f"the job holds no float32 array {name!r} of {ndim} dimensions")
    return value
