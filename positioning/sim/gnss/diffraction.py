"""A ray past the edges of boxes: knife edges, several of them joined as Deygout did (1966)."""

from __future__ import annotations

import numpy as np

from positioning.jit import compiled
from positioning.sim.gnss.city import Array

CLEAR = -3.0
"""Fresnel parameter below which an edge is no longer felt."""

_FAR = 1e9
_NEAREST_M = 0.5  # an edge closer than this is taken to be this far
_APART_M = 5.0  # edges closer along the ray than this are one edge


@compiled
def knife_edge(v: float) -> complex:
    """Field behind a half plane over the free one; v > 0 is shadow (ITU-R P.526-15, eq. 26 f.).

    v = h sqrt(2 / (wavelength d)) of a plane wave, d from edge to receiver. Fresnel's integrals by
    the auxiliary functions of Abramowitz and Stegun 7.3.32, error below 0.002.
    """
    x = abs(v)
    f = (1 + 0.926 * x) / (2 + 1.792 * x + 3.104 * x * x)
    g = 1 / (2 + 4.142 * x + 3.492 * x * x + 6.670 * x**3)
    shadow: complex = 0.5 * (1 + 1j) * (g - 1j * f) * np.exp(-0.5j * np.pi * x * x)
    return shadow if v >= 0 else 1 - shadow


@compiled
def crossing(box: Array, east: float, north: float, ray: Array) -> tuple[float, float]:
    """Where along the ray (unit (3,), in m of slant) its shadow on the plane enters and leaves a
    box's footprint; enter > leave where it does not."""
    u = (east - box[0]) * box[2] + (north - box[1]) * box[3]
    w = -(east - box[0]) * box[3] + (north - box[1]) * box[2]
    du = ray[0] * box[2] + ray[1] * box[3]
    dw = -ray[0] * box[3] + ray[1] * box[2]
    enter, leave = -_FAR, _FAR
    for x, dx, half in ((u, du, box[4]), (w, dw, box[5])):
        if abs(dx) < 1e-12:
            if abs(x) > half:
                return 1.0, 0.0
            continue
        a, b = (-half - x) / dx, (half - x) / dx
        enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    return enter, leave


@compiled
def hides(box: Array, point: Array, ray: Array, reach_m: float) -> bool:
    """Whether the ray of this length from the point meets the box."""
    enter, leave = crossing(box, point[0], point[1], ray)
    enter, leave = max(enter, 0.0), min(leave, reach_m)
    if enter >= leave:
        return False
    low, high = point[2] + ray[2] * enter, point[2] + ray[2] * leave
    return bool(min(low, high) < box[7] and max(low, high) > box[6])


@compiled
def clearance(box: Array, cover_m: Array, point: Array, ray: Array) -> tuple[float, float]:
    """(h, d) of the edge that the ray passes, or is least hidden by, in m.

    h: how far it would have to move to be just free, negative where it is; d: from the point to
    the edge along the ray.
    cover_m (4,): height of the neighbours that stand against each corner: no wave bends round a
    corner that is not there.
    """
    flat = np.sqrt(ray[0] ** 2 + ray[1] ** 2)
    if flat < 1e-6:
        return (_FAR, 1.0) if hides(box, point, ray, _FAR) else (-_FAR, 1.0)
    enter, leave = crossing(box, point[0], point[1], ray)
    if enter >= leave or leave <= 0:
        return _beside(box, cover_m, point, ray, flat)
    d = max(enter, _NEAREST_M)
    h = (box[7] - point[2] - ray[2] * max(enter, 0.0)) * flat
    below = (point[2] + ray[2] * leave - box[6]) * flat
    if box[6] > 0 and below < h:
        h, d = below, max(leave, _NEAREST_M)
    if enter > 0:
        for sign in (1.0, -1.0):
            aside, far = _side(box, cover_m, point, ray, flat, sign)
            if aside < h:
                h, d = aside, far
    return h, d


@compiled
def _beside(
    box: Array, cover_m: Array, point: Array, ray: Array, flat: float
) -> tuple[float, float]:
    """clearance of a ray whose shadow on the plane misses the footprint."""
    for sign in (1.0, -1.0):
        h, d = _side(box, cover_m, point, ray, flat, sign)
        height = point[2] + ray[2] * d
        if h < 0 and box[6] < height < box[7]:
            return h, d
    return -_FAR, 1.0


@compiled
def _side(
    box: Array, cover_m: Array, point: Array, ray: Array, flat: float, sign: float
) -> tuple[float, float]:
    """(h, d) of the outermost corner on the left (sign 1) or the right (-1) of the ray ahead of
    the point; h is huge where no corner is ahead or a neighbour covers it."""
    h, d, covered = -_FAR, 1.0, True
    for corner in range(4):
        along = box[4] if corner % 2 else -box[4]
        across = box[5] if corner // 2 else -box[5]
        dx = box[0] + along * box[2] - across * box[3] - point[0]
        dy = box[1] + along * box[3] + across * box[2] - point[1]
        ahead = (dx * ray[0] + dy * ray[1]) / flat
        aside = sign * (dy * ray[0] - dx * ray[1]) / flat
        if ahead > 0 and aside > h:
            h, d = aside, max(ahead / flat, _NEAREST_M)
            covered = point[2] + ray[2] * d < cover_m[corner]
    return (_FAR, 1.0) if covered else (h, d)


@compiled
def deygout(edges: Array, count: int, wavelength_m: float) -> complex:
    """Field behind the edges, rows (h, d), over the free one: the main edge and, nearer and
    farther than it, the next one seen from its top.

    Edges that the ray only passes count when nothing hides it.
    """
    if count == 0:
        return 1.0 + 0j
    main, v_main = 0, -_FAR
    for k in range(count):
        v = edges[k, 0] * np.sqrt(2 / (wavelength_m * edges[k, 1]))
        if v > v_main:
            main, v_main = k, v
    if v_main <= 0:
        return knife_edge(v_main)
    near, far = CLEAR, CLEAR
    top, d_main = edges[main, 0], edges[main, 1]
    for k in range(count):
        h, d = edges[k, 0], edges[k, 1]
        if h <= 0 or abs(d - d_main) < _APART_M:
            continue
        if d < d_main:
            h -= top * d / d_main
            near = max(near, h * np.sqrt(2 * d_main / (wavelength_m * d * (d_main - d))))
        else:
            far = max(far, (h - top) * np.sqrt(2 / (wavelength_m * (d - d_main))))
    field = knife_edge(v_main)
    for v in (near, far):
        if v > 0:
            field *= knife_edge(v)
    return field


@compiled
def excess_m(edges: Array, count: int) -> float:
    """How much longer the way over the edges is, h^2 / 2 d of the one that adds the most."""
    most = 0.0
    for k in range(count):
        if edges[k, 0] > 0:
            most = max(most, edges[k, 0] ** 2 / (2 * edges[k, 1]))
    return most
