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

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from edge_deploy.characters import SIDE
from edge_deploy.fewshot.limit import Spreads

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

GROUND_PX = 65  # more than twice the widest thing looked for, which a median then passes over
MIDDLE = 128  # of eight bits
DOWN, ACROSS = 0, 1  # axes of a picture
STREAKS = 2.0  # variance of lines down over that of lines across, from which they are streaks
BLUR_PX = 1.5
SHARE = 75  # per cent of a picture: the things looked for leave that much of it free
NO_NOISE = 0.1  # camera steps: below, a picture is even
NOISES = 2.0  # how often the ground's own spread something must stand out
LEAST = 12.0  # camera steps it must stand out at the least
FALSE_RATE = 0.04  # of further good pictures, the law being assumed; what is promised is 0.05
# of the logarithm of what stands out most of a good picture over its unevenness:
# python -m edge_deploy.train.ground
SPREADS = Spreads(freedom=7.6, variance=0.102)
PART = 0.35  # of the greatest distance from the ground, above which a pixel belongs to it
CLOSE_PX = 5  # gaps that are bridged
AXES = 1.2  # longest over shortest, below which nothing is turned


@dataclass(frozen=True, slots=True)
class Good:
    """What a good picture tells. runs: whether lines down it vary more than lines across do.
    peaks: how often its unevenness it stands out where it does most, with the lines down it and
    without."""

    runs: bool
    peaks: tuple[float, float]

    @classmethod
    def of(cls, picture: U8) -> Good:
        """Of one picture (H, W)."""
        flat = _flat(picture)
        runs = _lines(flat, DOWN).var() > STREAKS * _lines(flat, ACROSS).var()
        away = (_away(flat, False), _away(flat, True))
        first, second = (float(one.max()) / _unevenness(one) for one in away)
        return cls(bool(runs), (first, second))


@dataclass(frozen=True, slots=True)
class Surface:
    """times: how often a picture's own unevenness something must stand out of it. streaked: whether
    streaks down the picture belong to the ground, as of brushing."""

    times: float = 0.0
    streaked: bool = False

    @classmethod
    def of(cls, good: Sequence[Good]) -> Surface:
        """What a few good pictures of a surface tell. Streaks are its own where in most of them
        lines down the picture vary more than lines across do."""
        streaked = 2 * sum(one.runs for one in good) > len(good)
        logs = np.log([one.peaks[streaked] for one in good])
        return cls(float(np.exp(SPREADS.limit(logs, FALSE_RATE))), streaked)


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
    limit = max(LEAST, noise, surface.times * _unevenness(away))
    peak = float(away.max())
    if peak <= limit:
        return None
    # a thing goes on where it stands out less than was needed to tell that it is there
    return _strongest(away > max(noise, PART * peak), away, limit)


def _away(flat: F32, streaked: bool) -> F32:
    """Distance from the ground either way, smoothed."""
    level = flat - _lines(flat, DOWN) if streaked else flat
    return np.asarray(cv2.GaussianBlur(np.abs(level), (0, 0), BLUR_PX), np.float32)


def _unevenness(away: F32) -> float:
    """What most of a picture stays below, a thing in it or not."""
    return max(float(np.percentile(away, SHARE)), NO_NOISE)


def _lines(flat: F32, axis: int) -> F32:
    """What stays the same along an axis for longer than anything looked for."""
    half = GROUND_PX // 2
    rows = np.pad(np.moveaxis(flat, axis, 1), ((0, 0), (half, half)), mode="edge")
    # one after the other in a single row: SciPy goes through that ten times as fast
    middle = median_filter(rows.ravel(), GROUND_PX).reshape(rows.shape)[:, half:-half]
    return np.asarray(np.moveaxis(middle, 1, axis), np.float32)


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


def _strongest(stands_out: NDArray[np.bool_], away: F32, limit: float) -> U8:
    """255 within the outline of the thing that holds the most distance from the ground, of those
    that reach the limit somewhere."""
    round_px = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSE_PX, CLOSE_PX))
    closed = cv2.morphologyEx(stands_out.astype(np.uint8), cv2.MORPH_CLOSE, round_px)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    things = [cv2.drawContours(np.zeros_like(closed), [one], -1, 255, -1) for one in outlines]
    reach = [one for one in things if away[one > 0].max() > limit]
    return np.asarray(max(reach, key=lambda one: float(away[one > 0].sum())), np.uint8)


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
