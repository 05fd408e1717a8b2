"""A small supervised segmentation network over the whole frame, int8, trained on the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from inspection.methods.base import Finding, HeldOut, Lesson, Progress, State
from inspection.models.fcn import Fcn, full_size
from inspection.models.shipped import flat, network
from inspection.regions.candidates import Candidate, candidates, detections
from inspection.regions.classify import OTHER
from inspection.regions.head import Head
from inspection.regions.head import shipped as shipped_head
from inspection.regions.mark import Mark

CHOOSING = 8  # lessons of either class, at most, that a network is chosen by
CANDIDATE_LOGIT = 0.0  # regions are listed from here on before a threshold was chosen


class Segment:
    """The network with a threshold on the highest logit of the map.

    held_out: scores of the lessons the threshold is to be chosen on; the network was not trained
    on them. threads: of the session. head: names and measures what is found; without one, regions
    are boxes of the one class "defect".
    """

    kind = "segment"

    def __init__(
        self,
        payload: bytes,
        threshold: float | None = None,
        held_out: HeldOut | None = None,
        threads: int = 1,
        head: Head | None = None,
    ) -> None:
        self._payload, self._threshold, self._head = payload, threshold, head
        self._net = Fcn(payload, threads)
        self.held_out = held_out or HeldOut(np.empty(0), np.empty(0))

    @property
    def threshold(self) -> float | None:
        """On the highest logit; None before one was chosen."""
        return self._threshold

    @property
    def head(self) -> Head | None:
        """What names and measures the regions."""
        return self._head

    @property
    def settings(self) -> dict[str, Any]:
        """What a job holds of it as JSON."""
        return {} if self._head is None else {"head": self._head.to_json()}

    def inspect(
        self, image: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None
    ) -> Finding:
        """Judge one image of any size; colour is judged by its luminance. No reference is used."""
        grey = _grey(image)
        logits = self._net.logits(grey)
        level = CANDIDATE_LOGIT if self._threshold is None else min(self._threshold, 0.0)
        score, listed = float(logits.max()), candidates(logits, level)
        marks = self._marks(grey, listed)
        if self._head is not None and self._head.verifier is not None:
            score, listed, marks = self._verified(logits, score, listed, marks)
        return Finding(
            score=score,
            threshold=self._threshold,
            score_map=full_size(logits, grey.shape),
            detections=_named(detections(listed, grey.shape), marks, self._head),
            marks=marks,
        )

    def _marks(
        self, grey: NDArray[np.uint8], listed: tuple[Candidate, ...]
    ) -> tuple[Mark | None, ...]:
        """Of the candidates at the threshold; weaker ones are no finds."""
        if self._head is None:
            return ()
        strong = [one for one in listed if not self._is_weak(one)]
        told = iter(self._head.marks(grey, strong))
        return tuple(None if self._is_weak(one) else next(told) for one in listed)

    def _is_weak(self, one: Candidate) -> bool:
        return self._threshold is not None and one.score < self._threshold

    def _verified(
        self,
        logits: NDArray[np.float32],
        score: float,
        listed: tuple[Candidate, ...],
        marks: tuple[Mark | None, ...],
    ) -> tuple[float, tuple[Candidate, ...], tuple[Mark | None, ...]]:
        """Without the candidates that are no defects; the score is then that of what is left."""
        assert self._head is not None
        kept = [mark is None or self._head.accepts(mark) for mark in marks]
        if all(kept):
            return score, listed, marks
        rest = logits.copy()
        for one, stays in zip(listed, kept, strict=True):
            if not stays:
                rows, columns = one.cells.shape
                here = rest[one.row : one.row + rows, one.column : one.column + columns]
                here[one.cells] = -np.inf
        left = [(one, mark) for one, mark, stays in zip(listed, marks, kept, strict=True) if stays]
        below = float(logits.min())
        return (
            max(float(rest.max()), below),
            tuple(one for one, _ in left),
            tuple(mark for _, mark in left),
        )

    def score(self, frame: NDArray[np.uint8]) -> float:
        """The highest logit of a grey frame: the decision of a line, without map and regions."""
        return float(self._net.logits(frame).max())

    def logits(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H / 8, W / 8) the network's own map of a grey frame."""
        return self._net.logits(frame)

    def to_state(self) -> State:
        """The network's ONNX bytes; the head goes with the settings."""
        return {"fcn": self._payload}

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        """From `to_state` and a threshold. ValueError when the network is not there."""
        payload = state.get("fcn")
        if not isinstance(payload, bytes):
            raise ValueError("the job holds no network 'fcn'")
        threshold = settings.get("threshold")
        head = settings.get("head")
        return cls(
            payload,
            None if threshold is None else float(threshold),
            head=None if head is None else Head.from_json(head),
        )


def station_method(material: str, geometry: str = "flat", threads: int = 1) -> Segment:
    """A material's shipped network, verified, at the threshold that was chosen with it for this
    geometry on the simulated station: what a product's recipe holds. UnlearnedError without one."""
    model, threshold = network(material, geometry)
    return Segment(model.payload, threshold, threads=threads, head=shipped_head())


def teach(lessons: Sequence[Lesson], progress: Progress) -> Segment:
    """The shipped network that tells the first lessons best, with the scores of the others to
    choose a threshold on. Nothing is trained here: no network ever saw the lessons."""
    first, rest = _parted(lessons)
    known = {material: station_method(material) for material in flat()}
    losses = {material: _loss(one, first) for material, one in known.items()}
    method = Segment(known[min(losses, key=losses.__getitem__)]._payload, head=shipped_head())
    scores: dict[bool, list[float]] = {True: [], False: []}
    for done, lesson in enumerate(rest):
        scores[lesson.is_good].append(method.inspect(lesson.image).score)
        progress(done + 1, len(rest), "scoring")
    method.held_out = HeldOut(np.array(scores[False]), np.array(scores[True]))
    return method


def _parted(lessons: Sequence[Lesson]) -> tuple[list[Lesson], list[Lesson]]:
    """A few of either class, at most a quarter but one at least, and all the others."""
    first: list[Lesson] = []
    for is_good in (True, False):
        of_class = [one for one in lessons if one.is_good == is_good]
        first += of_class[: min(CHOOSING, max(1, len(of_class) // 4))]
    chosen = set(map(id, first))
    return first, [one for one in lessons if id(one) not in chosen]


def _loss(method: Segment, lessons: Sequence[Lesson]) -> float:
    """Cross-entropy of the lessons' decisions by the network at its own threshold."""
    found = [(one.is_good, method.inspect(one.image)) for one in lessons]
    past = [(1 if good else -1) * (f.score - (f.threshold or 0.0)) for good, f in found]
    return float(np.logaddexp(0.0, past).sum())


def _named(found: Detections, marks: tuple[Mark | None, ...], head: Head | None) -> Detections:
    """With the kinds as classes; what was not described stays "defect"."""
    if head is None or not any(marks):
        return found
    names = ("defect", *head.kinds.names, OTHER)
    labels = np.array([0 if mark is None else names.index(mark.kind) for mark in marks], np.int64)
    return Detections(found.boxes_px, found.scores, labels, names)


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
