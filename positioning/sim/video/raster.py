"""Filling planar quadrilaterals into a picture with a depth buffer.

On a plane the depth along a pixel's ray is one division, so depth, texture and identity are exact
at every pixel centre. No pixel is shaded here: colours go into a buffer, light comes afterwards.
"""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import NDArray

from positioning.jit import compiled

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

NEAR_M = 0.2
PLAIN, FACADE, LEAVES, GLOW = 0, 1, 2, 3
NOBODY = -1


@compiled
def grain(x: float, y: float) -> float:
    """A number in 0..1 that looks random and belongs to the cell (floor x, floor y)."""
    a = np.uint32(np.int64(floor(x)) & 0xFFFFFFFF)
    b = np.uint32(np.int64(floor(y)) & 0xFFFFFFFF)
    h = np.uint32(a * np.uint32(0x9E3779B1)) ^ np.uint32(b * np.uint32(0x85EBCA77))
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D))
    return float((h ^ (h >> np.uint32(12))) & np.uint32(0xFFFF)) / 65535.0


@compiled
def road_colour(x: float, y: float) -> float:
    """Albedo of the ground at (x, y) metres: asphalt, lines, kerbs, paving."""
    side = abs(y)
    if side < 0.07 and x - 6.0 * floor(x / 6.0) < 3.0:
        return 0.75
    if 3.35 < side < 3.47:
        return 0.7
    if side > 5.6:
        paving = 0.32 + 0.06 * grain(x * 1.2, y * 1.2)
        return paving * (0.7 if side < 5.8 else 1.0)
    return 0.16 + 0.05 * grain(x * 14.0, y * 14.0) + 0.03 * grain(x * 0.7, y * 1.3)


@compiled
def paint_ground(to_world: F64, eye: F64, focal: float, colour: F32, depth: F32) -> None:
    """Road below the horizon and sky above it, with infinite depth."""
    height, width = depth.shape
    for v in range(height):
        b = (v + 0.5 - height / 2) / focal
        for u in range(width):
            a = (u + 0.5 - width / 2) / focal
            rz = to_world[2, 0] * a + to_world[2, 1] * b + to_world[2, 2]
            if rz < -1e-4 and -eye[2] / rz < 400.0:
                z = -eye[2] / rz
                x = eye[0] + z * (to_world[0, 0] * a + to_world[0, 1] * b + to_world[0, 2])
                y = eye[1] + z * (to_world[1, 0] * a + to_world[1, 1] * b + to_world[1, 2])
                value = road_colour(x, y)
                depth[v, u] = z
                for c in range(3):
                    colour[v, u, c] = value
            else:
                depth[v, u] = np.inf
                lift = min(1.0, max(0.0, rz * 2.0))
                colour[v, u, 0] = 0.85
                colour[v, u, 1] = 0.80 - 0.12 * lift
                colour[v, u, 2] = 0.75 - 0.25 * lift


@compiled
def clip_near(quad: F64, out: F64) -> int:
    """Vertices of the part of a quadrilateral (4, 3) beyond NEAR_M, into `out` (8, 3)."""
    n = 0
    for i in range(4):
        p, q = quad[i], quad[(i + 1) % 4]
        if p[2] >= NEAR_M:
            out[n] = p
            n += 1
        if (p[2] >= NEAR_M) != (q[2] >= NEAR_M):
            share = (NEAR_M - p[2]) / (q[2] - p[2])
            out[n] = p + share * (q - p)
            n += 1
    return n


@compiled
def texture_of(kind: int, s: float, t: float) -> float:
    """Factor on the colour at (s, t) metres along a face."""
    if kind == FACADE:
        across, up = s - 3.0 * floor(s / 3.0), t - 3.2 * floor(t / 3.2)
        if 0.8 < across < 2.2 and 1.0 < up < 2.5:
            return 0.3 + 0.3 * grain(s / 3.0, t / 3.2)
        return 0.9 + 0.1 * grain(s * 4.0, t * 8.0)
    if kind == LEAVES:
        return 0.5 + 0.9 * grain(s * 9.0, t * 9.0)
    return 0.94 + 0.06 * grain(s * 25.0, t * 25.0)


@compiled
def paint_quads(
    quads: F64,
    colours: F32,
    textures: I32,
    owners: I32,
    focal: float,
    colour: F32,
    depth: F32,
    who: I32,
    stamp: I32,
    alone: I32,
    boxes: I32,
) -> None:
    """Draw quadrilaterals (Q, 4, 3) in the optical frame; those of one owner stand together.

    who: (H, W) owner of what is seen. stamp: (H, W) scratch, filled with NOBODY. alone: (A,)
    pixels of each owner as if nothing stood before it. boxes: (A, 4) their x0 y0 x1 y1.
    """
    height, width = depth.shape
    ring = np.empty((8, 3))
    edge = np.empty((8, 2))
    for q in range(len(quads)):
        n = clip_near(quads[q], ring)
        if n < 3:
            continue
        for i in range(n):
            edge[i, 0] = focal * ring[i, 0] / ring[i, 2] + width / 2
            edge[i, 1] = focal * ring[i, 1] / ring[i, 2] + height / 2
        origin, first, last = quads[q, 0], quads[q, 1] - quads[q, 0], quads[q, 3] - quads[q, 0]
        normal = np.cross(first, last)
        offset = np.dot(normal, origin)
        first = first / max(np.sqrt(np.dot(first, first)), 1e-9)
        last = last / max(np.sqrt(np.dot(last, last)), 1e-9)
        owner, kind = owners[q], textures[q]
        top = max(0, int(np.ceil(edge[:n, 1].min() - 0.5)))
        bottom = min(height - 1, floor(edge[:n, 1].max() - 0.5))
        for v in range(top, bottom + 1):
            y = v + 0.5
            left, right = np.inf, -np.inf
            for i in range(n):
                j = (i + 1) % n
                y0, y1 = edge[i, 1], edge[j, 1]
                if (y0 <= y) != (y1 <= y):
                    x = edge[i, 0] + (y - y0) / (y1 - y0) * (edge[j, 0] - edge[i, 0])
                    left, right = min(left, x), max(right, x)
            if right < left:
                continue
            b = (y - height / 2) / focal
            for u in range(max(0, int(np.ceil(left - 0.5))), min(width, floor(right + 0.5))):
                a = (u + 0.5 - width / 2) / focal
                facing = normal[0] * a + normal[1] * b + normal[2]
                if facing == 0.0:
                    continue
                z = offset / facing
                if owner >= 0 and stamp[v, u] != owner:
                    stamp[v, u] = owner
                    alone[owner] += 1
                    boxes[owner, 0] = min(boxes[owner, 0], u)
                    boxes[owner, 1] = min(boxes[owner, 1], v)
                    boxes[owner, 2] = max(boxes[owner, 2], u + 1)
                    boxes[owner, 3] = max(boxes[owner, 3], v + 1)
                if z <= 0.0 or z >= depth[v, u]:
                    continue
                depth[v, u] = z
                who[v, u] = owner
                dx, dy, dz = a * z - origin[0], b * z - origin[1], z - origin[2]
                s = dx * first[0] + dy * first[1] + dz * first[2]
                t = dx * last[0] + dy * last[1] + dz * last[2]
                factor = 1.0 if kind == GLOW else texture_of(kind, s, t)
                for c in range(3):
                    colour[v, u, c] = colours[q, c] * factor
