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
from inspection.methods.cells import Cells, Filling, Role
from inspection.methods.mining import Course
from inspection.methods.normal import Normal
from inspection.methods.perceptron import Perceptron
from inspection.methods.variants import COVERED, Plan, defective, draw, mask_of
from inspection.models.features import (
    PIXELS,
    SHIPPED,
    SMALLEST_PX,
    WEIGHTS,
    FeatureBank,
    canonical,
    grey_of,
    share_of_cells,
)
from inspection.models.lean import Lean
from inspection.regions.mark import Mark, described
from inspection.regions.memory import Memory, remembered

SEED = 20
FOLDS = 3
FEWEST_GOOD = 8
PICTURES = 3000  # varied pictures to learn from, shared out among the lessons
COPIES = (4, 24)  # fewest and most a lesson
SYNTHETIC_WEIGHT = 0.5  # of synthetic defects beside real ones
WORST_SHARE = 0.002  # the image's score is the mean over its worst cells
STRANGENESS_WEIGHT = 0.7  # of the distance from good beside the logit, in deviations of each
PEAK_CELLS = 6  # of a region, by which it is known again
NAME = "anomaly"
FORMER_PIXELS = 1 << 16  # of jobs that do not say at which size they were taught
MOST_PIXELS = 1 << 22

F32 = NDArray[np.float32]


class TeachingError(LingnanError):
    """The lessons do not suffice to learn what a good part looks like."""


class Anomaly:
    """A taught part. Larger scores are worse; the scale is a logit's.

    held_out: scores of the lessons by models that had not seen their parts. pixels: at which size
    it was taught (`canonical_size`), and inspects. memory: what it learns from corrections with;
    None of a job that was taught before there were any.
    """

    kind = NAME

    def __init__(
        self,
        bank: FeatureBank,
        head: Perceptron,
        good: Normal | None = None,
        threshold: float | None = None,
        held_out: HeldOut | None = None,
        pixels: int = PIXELS,
        memory: Memory | None = None,
    ) -> None:
        self._bank, self._head, self._good, self._threshold = bank, head, good, threshold
        self._pixels, self._memory = pixels, memory
        self.held_out = held_out or HeldOut(np.empty(0), np.empty(0))

    def inspect(
        self, image: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None
    ) -> Finding:
        """Judge one image of any size; colour by its luminance. No reference is used."""
        grey = grey_of(image)
        seen = self._bank.lean(canonical(grey, pixels=self._pixels))
        logits = self._logits(seen)
        level = 0.0 if self._threshold is None else self._threshold
        judged, marks = self._judged(seen, logits, level)
        score = worst(judged)
        found = _regions(judged, level, score, (grey.shape[0], grey.shape[1]))
        return Finding(
            score=score,
            threshold=self._threshold,
            score_map=_enlarged(self._map(seen, logits), grey.shape),
            detections=found,
            marks=marks,
        )

    def _judged(self, seen: Lean, logits: F32, level: float) -> tuple[F32, tuple[Mark | None, ...]]:
        """The logits without regions that are known to be harmless, and a mark for each that is
        left."""
        if self._memory is None:
            return logits, ()
        cells = areas(logits >= level)
        features = np.array([peak_features(seen, logits, one) for one in cells], np.float32)
        features = features.reshape(len(cells), self._bank.depth)
        passed = self._memory.passes(features)
        marks = tuple(Mark(NAME, described(row)) for row in features[~passed])
        if not passed.any():
            return logits, marks
        judged, below = logits.copy(), min(float(logits.min()), level - 1.0)
        for one in (one for one, fine in zip(cells, passed, strict=True) if fine):
            judged[one] = below
        return judged, marks

    def _logits(self, seen: Lean) -> F32:
        (first, *weights), (bias, *biases) = self._head.weights, self._head.biases
        first, bias = seen.folded(first, bias)
        head = Perceptron((first, *weights), (bias, *biases))
        return head.logits(seen.rows).reshape(seen.cells.shape[1:])

    def _map(self, seen: Lean, logits: F32) -> F32:
        if self._good is None:
            return logits
        return logits + self._good.strangeness(seen)

    def remember(self, lessons: Sequence[Lesson], held_out: HeldOut) -> None:
        """Keep the scores of what was held out, and how defects look: those of the lessons, and
        synthetic ones on the good among them."""
        self.held_out = held_out
        rows = [self._on_defect(*picture) for picture in defective(lessons, SEED)]
        known = np.array([row for row in rows if row is not None], np.float32)
        self._memory = remembered(known.reshape(-1, self._bank.depth), held_out.good)

    def _on_defect(self, grey: NDArray[np.uint8], cover: F32) -> F32 | None:
        """(D,) features of a defect's worst cells; None where it covers no cell."""
        image = canonical(grey, pixels=self._pixels)
        seen = self._bank.lean(image)
        covered = share_of_cells(cover, (image.shape[0], image.shape[1])) > COVERED
        return peak_features(seen, self._logits(seen), covered) if covered.any() else None

    def to_state(self) -> State:
        """The feature net's bytes and the arrays of what was learned."""
        state: dict[str, bytes | NDArray[Any]] = {
            "features": self._bank.payload,
            "pixels": np.array([self._pixels]),
        }
        for index, (w, b) in enumerate(zip(self._head.weights, self._head.biases, strict=True)):
            state |= {f"weights_{index}": w, f"bias_{index}": b}
        if self._good is not None:
            good = self._good
            state |= {"whiten": good.whiten, "centre": good.centre, "scale": good.scale}
        return state if self._memory is None else {**state, **self._memory.to_state()}

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        """From `to_state` and a threshold. ValueError when something is missing or misshapen."""
        payload = state.get("features")
        if not isinstance(payload, bytes):
            raise ValueError("the job holds no feature net 'features'")
        layers = range(sum(name.startswith("weights_") for name in state))
        head = Perceptron(
            tuple(_members(state, f"weights_{i}", 2) for i in layers),
            tuple(_members(state, f"bias_{i}", 1) for i in layers),
        )
        good = None
        if "whiten" in state:
            good = Normal(
                _array(state, "whiten", 2), _array(state, "centre", 1), _array(state, "scale", 1)
            )
        threshold = settings.get("threshold")
        return cls(
            FeatureBank(payload),
            head,
            good,
            None if threshold is None else float(threshold),
            pixels=_pixels(state),
            memory=Memory.of_state(state),
        )


def teach(lessons: Sequence[Lesson], progress: Progress) -> Anomaly:
    """Learn the part; TeachingError when there are too few good samples or parts.

    The same lessons give the same model. About 10 to 30 ms of one core a picture learned from,
    at most two minutes for some hundred lessons.
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
    held_out = HeldOut(np.array(scores[False]), np.array(scores[True]))
    method.remember(lessons, held_out)
    progress(FOLDS + 1, FOLDS + 1, "learning")
    return method


def shipped_bank() -> FeatureBank:
    """The feature net that comes with the package, verified."""
    return FeatureBank(load(WEIGHTS, SHIPPED).payload)


def draw_all(
    lessons: Sequence[Lesson], bank: FeatureBank, progress: Progress, pictures: int = PICTURES
) -> Cells:
    """What the lessons give to learn from; each has a random stream of its own.

    pictures: how many varied copies to make in all, about; within `COPIES` for each lesson.
    """
    donors = [canonical(grey_of(one.image)) for one in lessons if one.is_good]
    copies = int(np.clip(pictures // len(lessons), *COPIES))
    knows_defects = any(mask_of(one).any() for one in lessons)
    plan = Plan(copies, copies // 2) if knows_defects else Plan(None, copies)
    into = Filling(sum(plan.most(one) for one in lessons), bank.depth)
    for i, lesson in enumerate(lessons):
        rng = np.random.default_rng((SEED, i))
        donor = donors[rng.integers(len(donors))]
        draw(lesson, i, donor, bank, plan, rng, into)
        progress(i + 1, len(lessons), "drawing variants")
    return into.cells()


def learn(
    lessons: Sequence[Lesson], drawn: Cells, kept: Sequence[int], bank: FeatureBank
) -> Anomaly:
    """The model of the lessons whose numbers are `kept`, from what `draw_all` gave."""
    known = [i for i in kept if lessons[i].is_good or mask_of(lessons[i]).any()]
    knows_defects = not all(lessons[i].is_good for i in known)
    course = _course(drawn, known, knows_defects)
    if knows_defects:  # copies of one real defect are much alike: learned by heart sooner
        return Anomaly(bank, mining.fit(drawn.features, course, SEED, epochs=2, decay=0.1))
    head = mining.fit(drawn.features, course, SEED, epochs=5, decay=0.03)
    good = drawn.features[drawn.rows([Role.COARSE], known)]
    spread = float(head.logits(good).std())
    return Anomaly(bank, head, normal.fit(good, STRANGENESS_WEIGHT * spread))


def _course(drawn: Cells, known: Sequence[int], knows_defects: bool) -> Course:
    """Synthetic defects, and real ones where they are known."""
    ground = [Role.GOOD, Role.DEFECT]
    rows = drawn.rows(ground, known, is_made=True)
    is_defect, weight = drawn.weighed(rows)
    if knows_defects:
        real = drawn.rows(ground, known, is_made=False)
        real_is_defect, real_weight = drawn.weighed(real)
        rows = np.concatenate([real, rows])
        is_defect = np.concatenate([real_is_defect, is_defect])
        weight = np.concatenate([real_weight, np.float32(SYNTHETIC_WEIGHT) * weight])
    spare = drawn.by_lesson(drawn.rows([Role.SPARE], known))
    return Course(rows, is_defect, weight, spare)


def worst(logits: F32) -> float:
    """The mean over the worst share of cells: one cell's noise does not decide."""
    count = max(1, round(WORST_SHARE * logits.size))
    return float(np.partition(logits.ravel(), -count)[-count:].mean())


def areas(above: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """(h, w) masks of the connected cells, in the order that OpenCV numbers them."""
    count, labels = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    return [labels == i for i in range(1, count)]


def peak_features(seen: Lean, logits: F32, cells: NDArray[np.bool_]) -> F32:
    """(D,) mean features over the worst of these (h, w) cells, PEAK_CELLS at most."""
    own = np.flatnonzero(cells)
    worst_first = own[np.argsort(-logits.ravel()[own], kind="stable")[:PEAK_CELLS]]
    return np.asarray(seen.at(worst_first).mean(0), np.float32)


def _check(lessons: Sequence[Lesson]) -> None:
    good = sum(one.is_good for one in lessons)
    if good < FEWEST_GOOD:
        raise TeachingError(
            f"{good} good samples are too few to learn a part: {FEWEST_GOOD} at least are needed"
        )
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


def _members(state: State, name: str, ndim: int) -> F32:
    """An array with a member first; an older job's committee is joined into one wide perceptron."""
    value = state.get(name)
    if isinstance(value, np.ndarray) and value.ndim == ndim:
        return _array(state, name, ndim)[None]
    return _array(state, name, ndim + 1)


def _pixels(state: State) -> int:
    value = state.get("pixels", np.array([FORMER_PIXELS]))
    if not isinstance(value, np.ndarray) or value.shape != (1,) or value.dtype != np.int64:
        raise ValueError("the job's 'pixels' is no whole number")
    if not SMALLEST_PX**2 <= value[0] <= MOST_PIXELS:
        raise ValueError(f"the job inspects at {value[0]} pixels, which is out of range")
    return int(value[0])
