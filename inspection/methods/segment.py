"""A small supervised segmentation network over the whole frame, int8, trained on the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from common.runtime.weights import load
from inspection.methods.base import Finding, HeldOut, Lesson, Progress, State
from inspection.models.fcn import WEIGHTS, Fcn, full_size, regions

SHIPPED = "fcn_int8"
CANDIDATE_LOGIT = 0.0  # regions are listed from here on before a threshold was chosen


class Segment:
    """The network with a threshold on the highest logit of the map.

    held_out: scores of the lessons the threshold is to be chosen on; the network was not trained
    on them. threads: of the session.
    """

    kind = "segment"

    def __init__(
        self,
        payload: bytes,
        threshold: float | None = None,
        held_out: HeldOut | None = None,
        threads: int = 1,
    ) -> None:
        self._payload, self._threshold = payload, threshold
        self._net = Fcn(payload, threads)
        self.held_out = held_out or HeldOut(np.empty(0), np.empty(0))

    @classmethod
    def shipped(cls, threshold: float | None = None, threads: int = 1) -> Self:
        """With the weights that come with the package, verified."""
        return cls(load(WEIGHTS, SHIPPED).payload, threshold, threads=threads)

    def inspect(
        self, image: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None
    ) -> Finding:
        """Judge one image of any size; colour is judged by its luminance. No reference is used."""
        grey = _grey(image)
        logits = self._net.logits(grey)
        level = CANDIDATE_LOGIT if self._threshold is None else min(self._threshold, 0.0)
        return Finding(
            score=float(logits.max()),
            threshold=self._threshold,
            score_map=full_size(logits, grey.shape),
            detections=regions(logits, level, grey.shape),
        )

    def score(self, frame: NDArray[np.uint8]) -> float:
        """The highest logit of a grey frame: the decision of a line, without map and regions."""
        return float(self._net.logits(frame).max())

    def logits(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H / 8, W / 8) the network's own map of a grey frame."""
        return self._net.logits(frame)

    def to_state(self) -> State:
        """The network's ONNX bytes."""
        return {"fcn": self._payload}

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        """From `to_state` and a threshold. ValueError when the network is not there."""
        payload = state.get("fcn")
        if not isinstance(payload, bytes):
            raise ValueError("the job holds no network 'fcn'")
        threshold = settings.get("threshold")
        return cls(payload, None if threshold is None else float(threshold))


def station_method(material: str, threads: int = 1) -> Segment:
    """The shipped network at the threshold that was chosen with it for this material of the
    simulated station: what a product's recipe holds."""
    model = load(WEIGHTS, SHIPPED)
    return Segment(model.payload, model.card.score[f"threshold_{material}"], threads=threads)


def teach(lessons: Sequence[Lesson], progress: Progress) -> Segment:
    """The shipped network, with the lessons' scores to choose a threshold on. Nothing is trained
    here: the lessons are judged by a network that never saw them."""
    method = Segment.shipped()
    scores: dict[bool, list[float]] = {True: [], False: []}
    for done, lesson in enumerate(lessons):
        scores[lesson.is_good].append(method.inspect(lesson.image).score)
        progress(done + 1, len(lessons), "scoring")
    method.held_out = HeldOut(np.array(scores[False]), np.array(scores[True]))
    return method


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
