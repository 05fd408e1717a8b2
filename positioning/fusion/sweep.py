"""Camera less radar, in time, from a body that sweeps across the picture.

For recordings whose camera is not calibrated and whose pictures no detector was made for: where a
body goes by, the picture changes. The columns that the radar's boxes would cover at another time
are laid over the change from picture to picture; the time at which they hold most of it is the
offset. What is not known of the camera is drawn again and again, with the pictures, and the spread
of the answers is what is told of the offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDEST_S, STEP_S = 0.8, 0.02  # offsets that are tried
NEAREST_M, FARTHEST_M = 4.0, 40.0  # of the body's middle, ahead of the camera
LEAST = 5  # pictures in which the body must be


@dataclass(frozen=True, slots=True)
class Unknown:
    """Ranges, low and high, of what is not known of a camera beside a radar: focal_px; centre_px,
    the column that looks ahead; ahead_m, left_m: its place from the radar's."""

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    ahead_m: tuple[float, float] = (0.0, 1.5)
    left_m: tuple[float, float] = (-0.3, 0.3)


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """Of a body: time_s (N,), x_m and y_m (N,) of its middle from the radar, ahead and to the left;
    half of its length and width."""

    time_s: Floats
    x_m: Floats
    y_m: Floats
    half_m: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Offset:
    """s: the camera's stamps less the radar's. low_s, high_s: what 90 % of the answers lie in."""

    s: float
    low_s: float
    high_s: float


def find(time_s: Floats, change: Floats, way: Way, unknown: Unknown, draws: int = 300) -> Offset:
    """time_s (P,) and change (P, columns): when pictures changed, and by how much. ValueError where
    the body is never in the picture."""
    offsets = np.arange(-WIDEST_S, WIDEST_S + STEP_S / 2, STEP_S)
    above = change - change.mean(0)
    sums = np.concatenate([np.zeros((len(change), 1)), np.cumsum(above, axis=1)], axis=1)
    rng = np.random.default_rng(len(time_s))
    answers = []
    for _ in range(draws):
        camera = {name: rng.uniform(*getattr(unknown, name)) for name in Unknown.__slots__}
        inside, held = held_change(time_s, sums, way, camera, offsets)
        weight = np.bincount(rng.integers(0, len(time_s), len(time_s)), minlength=len(time_s))
        count = (inside * weight).sum(1)
        score = (np.where(inside, held, 0.0) * weight).sum(1) / np.maximum(count, 1)
        score = np.where(count >= LEAST, score, -np.inf)
        if np.isfinite(score).any():
            answers.append(offsets[int(score.argmax())])
    if len(answers) < draws / 2:
        raise ValueError("the body is in too few pictures")
    low, middle, high = np.quantile(answers, [0.05, 0.5, 0.95]).tolist()
    return Offset(middle, low, high)


def held_change(
    time_s: Floats, sums: Floats, way: Way, camera: dict[str, float], offsets: Floats
) -> tuple[NDArray[np.bool_], Floats]:
    """(O, P) whether the body is in the picture at each offset, and the mean change in its columns
    over what it usually is there. sums (P, columns + 1): running sums along the columns."""
    low, high = columns(way, camera, time_s[None] - offsets[:, None])
    wide = sums.shape[1] - 1
    known, width = np.isfinite(low), high - low
    a, b = (np.clip(np.where(known, edge, 0.0), 0, wide).astype(int) for edge in (low, high))
    inside: NDArray[np.bool_] = known & (b - a >= LEAST) & (b - a > 0.5 * width)
    row = np.arange(len(time_s))
    return inside, (sums[row, b] - sums[row, a]) / np.maximum(b - a, 1)


def columns(way: Way, camera: dict[str, float], at_s: Floats) -> tuple[Floats, Floats]:
    """Leftmost and rightmost column of the body at times (...); NaN where it is not known, or too
    near or far."""
    x = np.interp(at_s, way.time_s, way.x_m) - camera["ahead_m"]
    y = np.interp(at_s, way.time_s, way.y_m) - camera["left_m"]
    known = (at_s >= way.time_s[0]) & (at_s <= way.time_s[-1])
    known &= (x > NEAREST_M) & (x < FARTHEST_M)
    length, width = way.half_m
    edges = [
        camera["centre_px"] - camera["focal_px"] * (y + side) / np.maximum(x + end, 1.5)
        for side in (-width, width)
        for end in (-length, length)
    ]
    lost = np.where(known, 0.0, np.nan)
    return np.min(edges, axis=0) + lost, np.max(edges, axis=0) + lost
