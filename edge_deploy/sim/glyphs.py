"""Invented handwriting: characters that no alphabet has, each drawn by many hands.

A character is a few strokes, each a smooth curve through a handful of points; a hand moves every
point a little, slants and stretches the whole and presses its own pen. Made to teach a network
what stays the same when other people draw the same thing; in the manner of Lake et al. (2015),
whose characters none of these are copied from.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

F64 = NDArray[np.float64]

PAGE_PX = 105  # as the drawings of Omniglot
_BITS = 4  # of a pixel's fraction in OpenCV's coordinates


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """strokes: points (K, 2) that the pen passes, x right and y down, about -1 to 1.

    round: of each stroke, whether the pen goes through its points in a curve or with corners.
    """

    strokes: tuple[F64, ...]
    round: tuple[bool, ...]


def invent(rng: np.random.Generator) -> Glyph:
    """A new character of one to five strokes."""
    count = rng.choice((1, 2, 3, 4, 5), p=(0.2, 0.3, 0.25, 0.15, 0.1))
    strokes: list[F64] = []
    curved: list[bool] = []
    for _ in range(count):
        if strokes and rng.random() < 0.2:  # the same stroke again, beside or below
            at = int(rng.integers(len(strokes)))
            strokes.append(strokes[at] + rng.choice((-1, 1)) * rng.uniform(0.4, 0.9) * _axis(rng))
            curved.append(curved[at])
            continue
        stroke = _stroke(rng)
        if strokes and rng.random() < 0.6:  # strokes of a character often meet
            other = strokes[rng.integers(len(strokes))]
            stroke += other[rng.integers(len(other))] - stroke[rng.integers(len(stroke))]
        strokes.append(stroke)
        curved.append(bool(rng.random() < 0.6))
    every = np.concatenate(strokes)
    centre, half = (every.max(0) + every.min(0)) / 2, np.ptp(every, 0).max() / 2
    placed = tuple((stroke - centre) / max(half, 0.3) for stroke in strokes)
    return Glyph(placed, tuple(curved))


def draw(glyph: Glyph, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One hand's drawing: (105, 105), ink 255 on 0."""
    page = np.zeros((PAGE_PX, PAGE_PX), np.uint8)
    hand, offset = _hand(rng), rng.normal(0, 5, 2)
    pen_px = int(rng.integers(2, 4))
    for stroke, curved in zip(glyph.strokes, glyph.round, strict=True):
        loose = stroke + rng.normal(0, 0.06, stroke.shape) + rng.normal(0, 0.05, 2)
        path = (
            (_smooth(loose) if curved else loose) @ hand.T * (0.3 * PAGE_PX) + PAGE_PX / 2 + offset
        )
        fixed = np.rint(path * (1 << _BITS)).astype(np.int32)
        cv2.polylines(page, [fixed], False, 255, pen_px, cv2.LINE_AA, _BITS)
    return page


def _stroke(rng: np.random.Generator) -> F64:
    """A line along an axis, an arc, or a walk with turns of one kind."""
    kind = rng.random()
    if kind < 0.3:
        half = rng.uniform(0.2, 1.0) * _axis(rng)
        ends: F64 = rng.uniform(-0.8, 0.8, 2) + np.stack([-half, half])
        return ends
    points = int(rng.integers(3, 7))
    bend = rng.choice((-1, 1)) * rng.uniform(0.4, 1.3) if kind < 0.6 else 0.0
    turns = rng.normal(bend, 0.2 if bend else rng.choice((0.3, 0.8, 1.6)), points - 1)
    heading = rng.uniform(-np.pi, np.pi) + np.cumsum(turns)
    steps = rng.uniform(0.3, 0.9, points - 1)
    moves = np.column_stack([np.cos(heading), np.sin(heading)]) * steps[:, None]
    start = rng.uniform(-0.8, 0.8, 2)
    walk: F64 = start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, 0)])
    return walk


def _axis(rng: np.random.Generator) -> F64:
    """Right, down, or now and then aslant."""
    angle = rng.choice((0.0, np.pi / 2, rng.uniform(0, np.pi)), p=(0.4, 0.4, 0.2))
    direction: F64 = np.array([np.cos(angle), np.sin(angle)])
    return direction


def _hand(rng: np.random.Generator) -> F64:
    """Turn, slant, stretch and size of one hand, (2, 2)."""
    turn, slant = rng.normal(0, 0.12), rng.normal(0, 0.15)
    size, stretch = np.exp(rng.normal(0, 0.12)), np.exp(rng.normal(0, 0.12))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.array([[stretch, slant], [0.0, 1.0 / stretch]])
    matrix: F64 = size * rotation @ shear
    return matrix


def _smooth(points: F64) -> F64:
    """The curve through the points, (M, 2), timed by the chords between them."""
    chords = np.linalg.norm(np.diff(points, axis=0), axis=1)
    time = np.concatenate([[0.0], np.cumsum(np.maximum(chords, 1e-3))])
    dense = np.linspace(0, time[-1], 8 * len(points))
    if len(points) == 2:
        line: F64 = points[0] + (points[1] - points[0]) * (dense / time[-1])[:, None]
        return line
    curve: F64 = CubicSpline(time, points, bc_type="natural")(dense)
    return curve
