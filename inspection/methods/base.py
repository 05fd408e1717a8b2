"""What a method is: it learns a part from samples and inspects an image of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from inspection.regions.mark import Mark

State = Mapping[str, bytes | NDArray[Any]]
Progress = Callable[[int, int, str], None]  # done, total, what


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What a method says of one image.

    score: the image's anomaly score; larger is worse, the scale is the method's own.
    threshold: defective at or above it; None before one has been chosen.
    score_map: (H, W) float32 at the image's own size, or None where the method has none.
    detections: boxes of candidates, in pixels of the image, scored on the threshold's scale; weak
        ones too where the method ranks them, so that a precision-recall curve can be drawn.
    marks: one a detection, or none at all where the method does not describe regions; None for a
        detection under the threshold.
    """

    score: float
    threshold: float | None = None
    score_map: NDArray[np.float32] | None = None
    detections: Detections = field(default_factory=Detections)
    marks: tuple[Mark | None, ...] = ()

    @property
    def is_defective(self) -> bool:
        """Whether the part is to be rejected. ValueError before a threshold was chosen."""
        if self.threshold is None:
            raise ValueError("no threshold was chosen for this method yet: teach it first")
        return not self.score < self.threshold  # a score that is no number does not pass

    @property
    def found(self) -> Detections:
        """The detections at or above the threshold; all of them before one was chosen."""
        if self.threshold is None:
            return self.detections
        kept = self._kept
        return Detections(
            self.detections.boxes_px[kept],
            self.detections.scores[kept],
            self.detections.labels[kept],
            self.detections.names,
        )

    @property
    def found_marks(self) -> tuple[Mark | None, ...]:
        """The marks of `found`, None where there is none."""
        marks = self.marks or (None,) * len(self.detections)
        return tuple(mark for mark, kept in zip(marks, self._kept, strict=True) if kept)

    @property
    def _kept(self) -> NDArray[np.bool_]:
        if self.threshold is None:
            return np.ones(len(self.detections), bool)
        return np.asarray(self.detections.scores >= self.threshold)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Scores by models that were not taught on what they scored: what a threshold is chosen on.

    defects: (N,) one a defect or, where `unit` is "image", one a defective image; -inf where
    nothing was found. good: (M,) one a good image, or one a false find.
    """

    defects: NDArray[np.float64]
    good: NDArray[np.float64]
    unit: str = "image"


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One sample to learn from, already read.

    image: (H, W) or (H, W, 3) uint8. reference: the golden image, same shape, where there is one.
    mask: (H, W) bool, True on the defect; None where the layout has no masks.
    boxes_px: (N, 4) float32 x0 y0 x1 y1 with `box_kinds` (N,), or None.
    is_good, kind: "good" or the defect's name. part: samples of one physical part share it, so
    that no split separates them.
    """

    image: NDArray[np.uint8]
    is_good: bool
    part: str
    kind: str = "good"
    reference: NDArray[np.uint8] | None = None
    mask: NDArray[np.bool_] | None = None
    boxes_px: NDArray[np.float32] | None = None
    box_kinds: tuple[str, ...] = ()


class Method(Protocol):
    """A taught method. `kind` names it in job files; state holds everything it learned."""

    kind: str

    def inspect(
        self, image: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None
    ) -> Finding:
        """Judge one image, (H, W) or (H, W, 3) uint8, of the size it was taught on."""
        ...

    def to_state(self) -> State:
        """Arrays and ONNX bytes by name: all that `from_state` needs."""
        ...

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        """The method back from a job file's state and its JSON settings."""
        ...


@runtime_checkable
class KnowsHeldOut(Protocol):
    """A method whose teaching scored every lesson by a model that had not seen its part."""

    held_out: HeldOut


Teach = Callable[[Sequence[Lesson], Progress], Method]
