"""The segmentation network as ONNX: a frame in, a map of logits out, regions from the map.

One cell of the map stands for 8 x 8 pixels. The decision is the map's maximum; regions are only
looked for in frames that are rejected.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.runtime.session import Session
from common.types.detections import Detections
from inspection.models.quick import quick

WEIGHTS = Path(__file__).parents[1] / "weights"
STRIDE = 8
MULTIPLE = 16  # both sides of a frame are padded to a multiple of this

F32 = NDArray[np.float32]


class Fcn:
    """A session of the network. payload: the bytes of one of its ONNX files."""

    def __init__(self, payload: bytes, threads: int = 1) -> None:
        self._session = Session(quick(payload, MULTIPLE), threads=threads)

    def logits(self, frame: NDArray[np.uint8]) -> F32:
        """(ceil(H / 8), ceil(W / 8)) logits of a frame (H, W); larger is worse.

        ValueError for a frame that is not (H, W) uint8.
        """
        if frame.ndim != 2 or frame.dtype != np.uint8 or frame.size == 0:
            raise ValueError(f"a frame is (height, width) uint8, got {frame.shape} {frame.dtype}")
        height, width = frame.shape
        padded = _padded(frame)
        (found,) = self._session.run({"image": padded[None, None]}).values()
        rows, columns = -(-height // STRIDE), -(-width // STRIDE)
        cells: F32 = found[0, 0, :rows, :columns]
        return cells


def regions(logits: F32, threshold: float, shape: tuple[int, int]) -> Detections:
    """Boxes around connected cells at or above the threshold, each scored by its highest logit.

    shape: height and width of the frame; boxes end there.
    """
    hit = (logits >= threshold).astype(np.uint8)
    n, labels, stats, _ = cv2.connectedComponentsWithStats(hit, connectivity=8)
    if n == 1:
        return Detections()
    x, y, w, h = (stats[1:, i].astype(np.float32) * STRIDE for i in range(4))
    boxes = np.stack([x, y, np.minimum(x + w, shape[1]), np.minimum(y + h, shape[0])], axis=1)
    scores = np.full(n, -np.inf, np.float32)
    np.maximum.at(scores, labels, logits)
    return Detections(boxes, scores[1:], np.zeros(n - 1, np.int64))


def full_size(logits: F32, shape: tuple[int, int]) -> F32:
    """The map at the frame's size (H, W), every cell repeated over its pixels."""
    repeated = cv2.resize(logits, None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(repeated[: shape[0], : shape[1]])


def _padded(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    down, right = -frame.shape[0] % MULTIPLE, -frame.shape[1] % MULTIPLE
    if not (down or right):
        return np.ascontiguousarray(frame)
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(frame, 0, down, 0, right, edge), np.uint8)
