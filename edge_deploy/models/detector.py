"""Centre points to boxes: a cell that is the highest of its neighbours is one part.

Objects as points (Zhou et al. 2019): heat (kinds, H / 4, W / 4) are logits of a centre, size
(2, H / 4, W / 4) width and height in units of UNIT_PX.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from edge_deploy.graph.ir import Graph, Tensor
from edge_deploy.sim.trays import KINDS

STRIDE = 4
UNIT_PX = 16.0
LEVEL = 0.0  # logit from which on a peak counts: more likely a part than not

F32 = NDArray[np.float32]


def decode(heat: F32, size: F32, level: float = LEVEL) -> Detections:
    """Parts of one picture, the surest first; scores are logits."""
    window = np.ones((3, 3), np.uint8)
    highest = np.stack([cv2.dilate(plane, window) for plane in heat])
    kinds, rows, columns = np.nonzero((heat >= level) & (heat == highest) & (heat >= heat.max(0)))
    if not len(kinds):
        return Detections()
    scores = heat[kinds, rows, columns]
    width, height = size[:, rows, columns] * np.float32(UNIT_PX)
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    boxes = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)
    order = np.argsort(-scores, kind="stable")
    kept = order[_unlike(boxes[order])]
    return Detections(boxes[kept].astype(np.float32), scores[kept], kinds[kept], KINDS)


def _unlike(boxes: NDArray[np.float64], limit: float = 0.4) -> NDArray[np.bool_]:
    """Which boxes, the surest first, do not repeat one before them: equal peaks of int8 beside
    each other are one part."""
    kept = np.ones(len(boxes), bool)
    for at in range(1, len(boxes)):
        kept[at] = not (overlap(boxes[at : at + 1], boxes[:at][kept[:at]]) > limit).any()
    return kept


def overlap(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, M) intersection over union of boxes x0 y0 x1 y1."""
    a, b = one[:, None].astype(np.float64), other[None].astype(np.float64)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.prod(np.clip(sides, 0, None), -1)
    area = np.prod(a[..., 2:] - a[..., :2], -1) + np.prod(b[..., 2:] - b[..., :2], -1)
    return np.asarray(common / np.maximum(area - common, 1e-9), np.float64)


def parts(graph: Graph, found: Mapping[str, NDArray[np.uint8]]) -> Detections:
    """The parts in the integer outputs (heat, then size) of one picture."""
    heat, size = (_real(found[name], graph.tensors[name]) for name in graph.outputs)
    return decode(heat, size)


def _real(value: NDArray[np.uint8], tensor: Tensor) -> F32:
    steps = value.astype(np.float32) - np.float32(tensor.zero_point)
    return np.asarray(steps * np.float32(tensor.scale), np.float32)
