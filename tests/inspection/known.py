"""A method whose every answer can be worked out by hand: the brightest pixel is the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from inspection.methods.base import Finding, State

FLOOR = 50  # a spot is what is brighter


@dataclass
class Known:
    """Spots are bright rectangles on black; `names` are the kinds it tells, the first is used."""

    threshold: float | None = 100.0
    names: tuple[str, ...] = ("defect",)
    kind: ClassVar[str] = "known"

    def inspect(
        self, image: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None
    ) -> Finding:
        grey = image if image.ndim == 2 else image.max(axis=2)
        count, labels, stats, _ = cv2.connectedComponentsWithStats((grey > FLOOR).astype(np.uint8))
        boxes = [[x, y, x + w, y + h] for x, y, w, h, _ in stats[1:].tolist()]
        scores = [float(grey[labels == i].max()) for i in range(1, count)]
        found = Detections(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(scores, np.float32),
            np.zeros(count - 1, np.int64),
            self.names,
        )
        return Finding(float(grey.max()), self.threshold, grey.astype(np.float32), found)

    def to_state(self) -> State:
        return {}

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        return cls(settings["threshold"], tuple(settings.get("names", ("defect",))))
