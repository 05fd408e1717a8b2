"""What stands in a ray's way: boxes that hide, edges that bend, leaves that weaken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.jit import compiled
from positioning.sim.gnss.city import Array
from positioning.sim.gnss.diffraction import clearance, hides

FAR_M = 1e6
"""A ray's reach when it leads to a satellite."""

_FELT_M = 12.0  # an edge that the ray clears by more is not felt
_CANOPY_MOST_DB = 24.0  # what comes round and under a crown anyway


@compiled
def near(table: Array, point: Array, reach: float) -> NDArray[np.int64]:
    """Boxes of which some part may lie within reach."""
    kept = np.empty(len(table), np.int64)
    count = 0
    for b in range(len(table)):
        far = np.hypot(table[b, 0] - point[0], table[b, 1] - point[1])
        if far < reach + np.hypot(table[b, 4], table[b, 5]):
            kept[count] = b
            count += 1
    return kept[:count]


@compiled
def hidden(table: Array, near: NDArray[np.int64], point: Array, ray: Array, reach: float) -> bool:
    """Whether a box among `near` stands in the ray's way, up to `reach` from the point."""
    flat = ray[0] ** 2 + ray[1] ** 2
    for b in near:
        dx, dy = table[b, 0] - point[0], table[b, 1] - point[1]
        size2 = table[b, 4] ** 2 + table[b, 5] ** 2
        aside = dx * ray[1] - dy * ray[0]
        if aside * aside > size2 * flat:
            continue
        if hides(table[b], point, ray, reach):
            return True
    return False


@compiled
def edges_of(
    table: Array, covers: Array, near: NDArray[np.int64], point: Array, ray: Array, edges: Array
) -> int:
    """Edges that the direct ray meets or passes closely, into rows of `edges` (h, d)."""
    count = 0
    flat = np.sqrt(ray[0] ** 2 + ray[1] ** 2)
    for b in near:
        dx, dy = table[b, 0] - point[0], table[b, 1] - point[1]
        size = np.hypot(table[b, 4], table[b, 5])
        if abs(dx * ray[1] - dy * ray[0]) > (size + _FELT_M) * flat:
            continue
        if dx * ray[0] + dy * ray[1] < -size * flat:
            continue
        h, d = clearance(table[b], covers[b], point, ray)
        if h > -_FELT_M and count < len(edges):
            edges[count, 0], edges[count, 1] = h, d
            count += 1
    return count


@compiled
def through_leaves(trees: Array, point: Array, ray: Array, reach: float) -> tuple[float, float]:
    """(way in m, loss in dB) through the crowns, along the ray up to `reach`."""
    way, loss = 0.0, 0.0
    for t in range(len(trees)):
        tree = trees[t]
        dx, dy = tree[0] - point[0], tree[1] - point[1]
        if abs(dx) > 60 or abs(dy) > 60:
            continue
        aside = dx * ray[1] - dy * ray[0]
        if aside * aside > tree[3] ** 2 * (ray[0] ** 2 + ray[1] ** 2):
            continue
        px, py, pz = -dx / tree[3], -dy / tree[3], (point[2] - tree[2]) / tree[4]
        rx, ry, rz = ray[0] / tree[3], ray[1] / tree[3], ray[2] / tree[4]
        a, b = rx * rx + ry * ry + rz * rz, px * rx + py * ry + pz * rz
        root = b * b - a * (px * px + py * py + pz * pz - 1)
        if root <= 0:
            continue
        enter, leave = max(0.0, (-b - np.sqrt(root)) / a), min(reach, (-b + np.sqrt(root)) / a)
        if leave > enter:
            way += leave - enter
            loss += (leave - enter) * tree[5]
    return way, _CANOPY_MOST_DB * (1 - np.exp(-loss / _CANOPY_MOST_DB))


@compiled
def covers(table: Array) -> Array:
    """(B, 4) height of what else stands against each corner of each box; 0 is nothing."""
    cover = np.zeros((len(table), 4))
    for b in range(len(table)):
        box = table[b]
        for corner in range(4):
            su, sw = (1.0 if corner % 2 else -1.0), (1.0 if corner // 2 else -1.0)
            for du, dw in ((1.0, -1.0), (-1.0, 1.0)):
                u, w = su * (box[4] + du), sw * (box[5] + dw)
                x = box[0] + u * box[2] - w * box[3]
                y = box[1] + u * box[3] + w * box[2]
                for other in range(len(table)):
                    if other != b and _inside(table[other], x, y, 0.5):
                        cover[b, corner] = max(cover[b, corner], table[other, 7])
    return cover


@compiled
def _inside(box: Array, x: float, y: float, margin: float) -> bool:
    u = (x - box[0]) * box[2] + (y - box[1]) * box[3]
    w = -(x - box[0]) * box[3] + (y - box[1]) * box[2]
    return bool(abs(u) < box[4] + margin and abs(w) < box[5] + margin)
