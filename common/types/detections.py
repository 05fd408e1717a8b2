"""Boxes found in an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


def _empty(*shape: int, dtype: Any = np.float32) -> NDArray[Any]:
    return np.zeros(shape, dtype)


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N boxes with scores and labels.

    boxes_px: (N, 4) float32, x0 y0 x1 y1 in pixels; x1 and y1 are exclusive edges.
    scores: (N,) float32, larger is surer; the scale is the method's own.
    labels: (N,) int64, index into `names`.
    names: class names.
    """

    boxes_px: NDArray[np.float32] = field(default_factory=lambda: _empty(0, 4))
    scores: NDArray[np.float32] = field(default_factory=lambda: _empty(0))
    labels: NDArray[np.int64] = field(default_factory=lambda: _empty(0, dtype=np.int64))
    names: tuple[str, ...] = ("defect",)

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes_px.shape != (n, 4) or self.labels.shape != (n,) or self.scores.shape != (n,):
            raise ValueError(
                f"boxes_px {self.boxes_px.shape}, scores {self.scores.shape} and labels "
                f"{self.labels.shape} do not agree on N"
            )
        if n and not np.isfinite(self.boxes_px).all():
            raise ValueError("boxes_px must be finite")
        if n and (self.boxes_px[:, 2:] < self.boxes_px[:, :2]).any():
            raise ValueError("boxes_px must have x1 >= x0 and y1 >= y0")
        if n and not (self.labels.min() >= 0 and self.labels.max() < len(self.names)):
            raise ValueError(f"labels must index the {len(self.names)} names")

    def __len__(self) -> int:
        return len(self.scores)
