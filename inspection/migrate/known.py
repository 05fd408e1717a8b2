"""Defects that a job's own station has shown, with their surroundings, as the job carries them.

A defect tells by what it is, and not by a contrast alone, whether another station would still find
it. Pictures of at most KEPT of them go with the job, the weakest: of those it comes down to.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.methods.base import Finding, Method

Frame = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, the last ones excluded

KEPT = 48
AROUND_PX = 120  # what a score at a defect depends on, and what another lens spreads over it
MOST_PX = 448  # side of a picture: KEPT of them have room in a job, whatever they show
NEAR_PX = 8  # a score this far beside a defect is the defect's
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A defect. picture: (h, w) of the frame from pixel (x, y) on. box: of the defect, in the
    frame. score: what it got there."""

    picture: Frame
    x: int
    y: int
    box: Box
    score: float

    def to_json(self) -> dict[str, Any]:
        """As a job holds it."""
        packed = cv2.imencode(".png", self.picture)[1].tobytes()
        return {
            "png": b64encode(packed).decode(),
            "at": [self.x, self.y],
            "box": list(self.box),
            "score": self.score,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Known:
        """From `to_json`. ValueError, KeyError or TypeError where it is none."""
        packed = b64decode(values["png"], validate=True)
        size = [int.from_bytes(packed[at : at + 4], "big") for at in (16, 20)]
        if packed[:8] != _PNG or not all(0 < side <= MOST_PX for side in size):
            raise ValueError("no picture of a defect")
        picture = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.ndim != 2 or picture.dtype != np.uint8:
            raise ValueError("a defect's picture is broken")
        x, y = map(int, values["at"])
        box = tuple(map(int, values["box"]))
        score = float(values["score"])
        if len(box) != 4 or not np.isfinite(score):
            raise ValueError("a defect has a box of four sides and a score")
        return cls(np.asarray(picture, np.uint8), x, y, box, score)

    def is_within(self, shape: tuple[int, int]) -> bool:
        """Whether the picture and the box are of a frame of this shape."""
        (height, width), (rows, columns) = self.picture.shape, shape
        x0, y0, x1, y1 = self.box
        return (
            0 <= self.x <= columns - width
            and 0 <= self.y <= rows - height
            and 0 <= x0 < x1 <= columns
            and 0 <= y0 < y1 <= rows
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a job's defects: the weakest of them, how many there were, and how many of
    all lay under the job's threshold."""

    kept: tuple[Known, ...] = ()
    count: int = 0
    missed: int = 0

    def to_json(self) -> dict[str, Any]:
        """As a job holds it."""
        kept = [one.to_json() for one in self.kept]
        return {"kept": kept, "count": self.count, "missed": self.missed}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Shown:
        """From `to_json`; raises as `Known.from_json`."""
        kept = tuple(map(Known.from_json, values["kept"]))
        if len(kept) > KEPT:
            raise ValueError(f"{len(kept)} defects, at most {KEPT} go with a job")
        return cls(kept, int(values["count"]), int(values["missed"]))


def shown(
    method: Method,
    threshold: float,
    frames: Iterable[tuple[Frame, NDArray[np.integer[Any]] | None]],
    reference: Frame | None = None,
) -> Shown:
    """The defects of frames (H, W) with labels (H, W), 0 on good pixels and a number of its own on
    each defect; a frame without labels has one defect, where the method looks at it most."""
    found: list[Known] = []
    missed = count = 0
    for frame, labels in frames:
        finding = method.inspect(frame, reference)
        for box in _boxes(finding, labels, frame.shape):
            score = score_at(finding, box)
            count, missed = count + 1, missed + (score < threshold)
            found.append(_cut(frame, box, score))
        found = sorted(found, key=lambda one: one.score)[:KEPT]
    return Shown(tuple(found), count, missed)


def score_at(finding: Finding, box: Box) -> float:
    """The highest score over a defect or beside it; the frame's where the method has no map."""
    if finding.score_map is None:
        return float(finding.score)
    x0, y0, x1, y1 = box
    rows = slice(max(y0 - NEAR_PX, 0), y1 + NEAR_PX)
    return float(finding.score_map[rows, max(x0 - NEAR_PX, 0) : x1 + NEAR_PX].max())


def _boxes(
    finding: Finding, labels: NDArray[np.integer[Any]] | None, shape: tuple[int, ...]
) -> list[Box]:
    if labels is not None:
        return [_around(labels == number) for number in np.unique(labels[labels > 0])]
    if finding.score_map is None:
        return [(0, 0, shape[1], shape[0])]
    y, x = divmod(int(finding.score_map.argmax()), shape[1])
    return [(x, y, x + 1, y + 1)]


def _around(mask: NDArray[np.bool_]) -> Box:
    y, x = np.nonzero(mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def _cut(frame: Frame, box: Box, score: float) -> Known:
    """With its surroundings; of a large defect the middle."""
    (left, right), (top, bottom) = (
        _span(box[axis], box[axis + 2], frame.shape[1 - axis]) for axis in (0, 1)
    )
    return Known(frame[top:bottom, left:right].copy(), left, top, box, score)


def _span(first: int, last: int, size: int) -> tuple[int, int]:
    middle, half = (first + last) // 2, MOST_PX // 2
    return max(first - AROUND_PX, middle - half, 0), min(last + AROUND_PX, middle + half, size)
