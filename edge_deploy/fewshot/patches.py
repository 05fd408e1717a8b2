"""A patch of a surface as the backbone wants it: what stands out of the ground, bright and upright.

The backbone learned handwriting, bright strokes where they are. So the ground is taken away: the
light's slope, all shades wider than what is looked for, and the streaks that brushing leaves down
the patch, where good patches have such. The strongest thing left is filled, brought to the middle
and turned with its longest axis across: a scratch is a scratch in every direction. Where nothing
stands out of the ground the picture stays dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from edge_deploy.characters import SIDE

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

GROUND_PX = 65  # more than twice the widest thing looked for, which a median then passes over
MIDDLE = 128  # of eight bits
DOWN, ACROSS = (GROUND_PX, 1), (1, GROUND_PX)
STREAKS = 2.0  # variance of lines down over that of lines across, from which they are streaks
BLUR_PX = 1.5
NOISES = 2.0  # how often the ground's own spread something must stand out
LEAST = 12.0  # camera steps it must stand out at the least
FALSE_RATE = 0.025  # of further good pictures: half of what is promised, the law being assumed
# of the logarithm of what stands out most of a good part, from part to part: root mean square of
# simulated metal, glass, glaze and plastic (0.3, 0.1, 0.4, 0.5)
SPREAD = 0.37
PART = 0.35  # of the greatest distance from the ground, above which a pixel belongs to it
CLOSE_PX = 5  # gaps that are bridged
AXES = 1.2  # longest over shortest, below which nothing is turned


@dataclass(frozen=True, slots=True)
class Surface:
    """least: camera steps that something must stand out. streaked: whether streaks down the picture
    belong to the ground, as of brushing."""

    least: float = LEAST
    streaked: bool = False

    @classmethod
    def of(cls, good: Sequence[U8]) -> Surface:
        """What a few good pictures of a surface tell. Streaks are its own where in most of them
        lines down the picture vary more than lines across do."""
        flat = [_flat(one) for one in good]
        running = [_lines(one, DOWN).var() > STREAKS * _lines(one, ACROSS).var() for one in flat]
        streaked = 2 * sum(map(bool, running)) > len(flat)
        peaks = np.array([float(_away(one, streaked).max()) for one in flat])
        return cls(max(LEAST, limit_of(peaks)), streaked)


def limit_of(peaks: NDArray[np.float64]) -> float:
    """What FALSE_RATE of further peaks exceed: a log-normal law's prediction limit (Hahn and Meeker
    1991). Its spread is a known one, since three peaks do not tell a spread."""
    logs = np.log(np.maximum(peaks, 1.0))
    quantile = NormalDist().inv_cdf(1 - FALSE_RATE)
    return float(np.exp(logs.mean() + quantile * SPREAD * np.sqrt(1 + 1 / len(logs))))


def ink(patch: U8, surface: Surface) -> U8:
    """(H, W) patch to (32, 32), 255 on what stands out most, all dark where nothing does."""
    thing = standing_out(patch, surface)
    if thing is None:
        return np.zeros((SIDE, SIDE), np.uint8)
    upright = _upright(thing)
    return np.asarray(cv2.resize(upright, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def standing_out(picture: U8, surface: Surface) -> U8 | None:
    """(H, W), 255 on what stands out most of a picture of any size, None where nothing does."""
    away = _away(_flat(picture), surface.streaked)
    noise = NOISES * 1.4826 * float(np.median(away))
    peak = float(away.max())
    if peak <= max(noise, surface.least):
        return None
    # a thing goes on where it stands out less than was needed to tell that it is there
    return _strongest(away > max(noise, PART * peak), away)


def _away(flat: F32, streaked: bool) -> F32:
    """Distance from the ground either way, smoothed."""
    level = flat - _lines(flat, DOWN) if streaked else flat
    return np.asarray(cv2.GaussianBlur(np.abs(level), (0, 0), BLUR_PX), np.float32)


def _lines(flat: F32, axis: tuple[int, int]) -> F32:
    """What stays the same along an axis for longer than anything looked for."""
    return np.asarray(median_filter(flat, axis, mode="nearest"), np.float32)


def _flat(picture: U8) -> F32:
    """Less the light's slope and all shades wider than anything looked for."""
    level = _without_slope(picture.astype(np.float32))
    steps = np.asarray(np.clip(level + MIDDLE, 0, 255), np.uint8)
    return np.asarray(level - (cv2.medianBlur(steps, GROUND_PX) - np.float32(MIDDLE)), np.float32)


def _without_slope(values: F32) -> F32:
    """Less the plane of light that most of the picture lies on."""
    y, x = np.mgrid[-1 : 1 : values.shape[0] * 1j, -1 : 1 : values.shape[1] * 1j]
    plane = np.column_stack([x.ravel(), y.ravel(), np.ones(values.size)])
    flat = values.ravel()
    off = np.abs(flat - np.median(flat))
    near = off <= 3 * np.median(off) + 1
    told = np.linalg.lstsq(plane[near], flat[near], rcond=None)[0]
    return np.asarray(values - (plane @ told).reshape(values.shape), np.float32)


def _strongest(stands_out: NDArray[np.bool_], away: F32) -> U8:
    """255 within the outline of the thing that holds the most distance from the ground."""
    round_px = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSE_PX, CLOSE_PX))
    closed = cv2.morphologyEx(stands_out.astype(np.uint8), cv2.MORPH_CLOSE, round_px)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    things = [cv2.drawContours(np.zeros_like(closed), [one], -1, 255, -1) for one in outlines]
    return np.asarray(max(things, key=lambda one: float(away[one > 0].sum())), np.uint8)


def _upright(thing: U8) -> U8:
    """Its centre in the middle, its longest axis across."""
    moments = cv2.moments(thing)
    centre = (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])
    both = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]])
    short, long = np.linalg.eigvalsh(both)
    turn = 0.5 * np.degrees(np.arctan2(2 * both[0, 1], both[0, 0] - both[1, 1]))
    matrix = cv2.getRotationMatrix2D(centre, turn if long > AXES**2 * short else 0.0, 1.0)
    height, width = thing.shape
    matrix[:, 2] += (width / 2 - centre[0], height / 2 - centre[1])
    return np.asarray(cv2.warpAffine(thing, matrix, (width, height)), np.uint8)
