"""A patch of a surface as the backbone wants it: what stands out of the ground, bright and upright.

The backbone learned handwriting, bright strokes where they are. So the ground is taken away, the
light's slope with it and the streaks that brushing leaves down the patch; the strongest thing left
is filled, brought to the middle and turned with its longest axis across: a scratch is a scratch in
every direction. Where nothing stands out of the ground's own noise the picture stays dark.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.characters import SIDE

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

BLUR_PX = 1.5
NOISES = 2.0  # how often the ground's own spread something must stand out
LEAST = 16.0  # camera steps it must stand out at the least
MARGIN = 1.2  # over the most that good patches show
PART = 0.35  # of the greatest distance from the ground, above which a pixel belongs to it
CLOSE_PX = 5  # gaps that are bridged
AXES = 1.2  # longest over shortest, below which nothing is turned


def least_of(good: Sequence[U8]) -> float:
    """Camera steps that something must stand out, told from a few good patches of a surface."""
    return max(LEAST, MARGIN * max(float(_away(patch).max()) for patch in good))


def ink(patch: U8, least: float = LEAST) -> U8:
    """(H, W) patch to (32, 32), 255 on what stands out most, all dark where nothing does so by
    `least`."""
    thing = standing_out(patch, least)
    if thing is None:
        return np.zeros((SIDE, SIDE), np.uint8)
    upright = _upright(thing)
    return np.asarray(cv2.resize(upright, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def standing_out(patch: U8, least: float) -> U8 | None:
    """(H, W), 255 on what stands out most of a picture of any size, None where nothing does so by
    `least`."""
    away = _away(patch)
    floor = max(NOISES * 1.4826 * float(np.median(away)), least)
    peak = float(away.max())
    return None if peak <= floor else _strongest(away > max(floor, PART * peak), away)


def _away(patch: U8) -> F32:
    """Absolute distance from the plane of light and from the column's median, smoothed."""
    values = patch.astype(np.float32)
    y, x = np.mgrid[-1 : 1 : values.shape[0] * 1j, -1 : 1 : values.shape[1] * 1j]
    plane = np.column_stack([x.ravel(), y.ravel(), np.ones(values.size)])
    flat = values.ravel()
    off = np.abs(flat - np.median(flat))
    near = off <= 3 * np.median(off) + 1
    told = np.linalg.lstsq(plane[near], flat[near], rcond=None)[0]
    level = values - (plane @ told).reshape(values.shape)
    away = np.abs(level - np.median(level, 0))
    return np.asarray(cv2.GaussianBlur(away, (0, 0), BLUR_PX), np.float32)


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
