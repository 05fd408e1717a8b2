"""How far away what stands on flat ground is: where the lower edge of its box meets the ground, and
how high and how wide it looks.

An edge that is off by e pixels, or a camera that nods by p radians, puts the distance d by the
ground off by d^2 / h * (e / f + p) at a height h of the camera: good near, useless far away. The
sizes of a box tell d to a share that stays: that of the body's own sizes. A vehicle is a car, a van
or a lorry, along the road or across it: under each of these the logarithms are averaged by their
inverse variances, and each counts by how well its three measures agree (a Gaussian mixture; Bishop,
Pattern Recognition and Machine Learning, 2006, chapter 2).

What meets the ground is a wheel; bumpers reach further. The distance told is to the body's nearest
point, so that the usual overhang of the class is taken off. Where the picture's side cuts a vehicle
off, its far end and its usual length tell how near it comes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.video.camera import Camera

Floats = NDArray[np.float64]

EDGE_PX, EDGE_SHARE, NOD_RAD = 2.5, 0.08, 0.003  # the share is of the box's height
SIDE_SHARE = 0.12  # of an upright edge, of the box's smaller side
MARGIN_PX = 4.0  # a box that touches the picture's edge does not show where it stands or ends
# of vehicles, cyclists (half a wheel), pedestrians
OVERHANG_M = np.array([0.9, 0.35, 0.2])
UNSURE = 0.5  # deviation of an overhang, as a share of it: a flank has none
ALONG = 0.9  # share of the vehicles in sight that point along the road


@dataclass(frozen=True, slots=True)
class Kind:
    """label: of `positioning.video.detector.NAMES`; share: of the bodies of that label; length,
    width and height, and the deviations of their logarithms. A width of None tells nothing: it
    changes with every step."""

    label: int
    share: float
    long_m: float
    wide_m: float | None
    tall_m: float
    spread: tuple[float, float, float]


# Means of two data sets of road users: KITTI (as in Qi et al., Frustum PointNets, CVPR 2018) and
# nuScenes (Caesar et al., CVPR 2020; as in MMDetection3D), between which they stand; vans of KITTI.
KINDS = (
    Kind(0, 0.7, 4.23, 1.78, 1.62, (0.1, 0.09, 0.08)),  # cars
    Kind(0, 0.1, 5.07, 1.90, 2.21, (0.12, 0.08, 0.12)),  # vans
    Kind(0, 0.2, 8.3, 2.55, 3.1, (0.3, 0.08, 0.12)),  # lorries and buses
    Kind(1, 1.0, 1.76, None, 1.74, (0.1, 0.2, 0.06)),
    Kind(2, 1.0, 0.84, None, 1.76, (0.4, 0.3, 0.06)),
)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """N boxes as the camera's rays see them. high_px, wide_px; edge_px and side_px: deviations of
    level and upright edges; slant: ground distance a metre of depth; inner, outer: tangents of the
    bearings of the sides nearer to straight ahead (0 where that lies between them) and further."""

    boxes_px: Floats
    high_px: Floats
    wide_px: Floats
    edge_px: Floats
    side_px: Floats
    slant: Floats
    inner: Floats
    outer: Floats
    is_cut: NDArray[np.bool_]

    @classmethod
    def of(cls, camera: Camera, boxes_px: NDArray[np.floating]) -> _View:
        boxes = boxes_px.astype(np.float64)
        wide, high = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0).T
        left, right, foot = (
            camera.rays(np.stack([x, boxes[:, 3]], axis=1))
            for x in (boxes[:, 0], boxes[:, 2], boxes[:, [0, 2]].mean(1))
        )
        turn = np.stack([side[:, 1] / side[:, 0] for side in (left, right)])
        side = np.hypot(EDGE_PX, SIDE_SHARE * np.minimum(wide, high))
        margin = MARGIN_PX + side
        return cls(
            boxes, high, wide, np.hypot(EDGE_PX, EDGE_SHARE * high), side,
            np.hypot(foot[:, 0], foot[:, 1]),
            np.maximum(np.maximum(turn[1], -turn[0]), 0.0),
            np.abs(turn).max(0),
            (boxes[:, 0] < margin) | (boxes[:, 2] > camera.width_px - margin),
        )  # fmt: skip


def distance_m(
    camera: Camera, boxes_px: NDArray[np.floating], labels: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Distances (N,) over the ground to the nearest points of bodies in boxes (N, 4), and their
    standard deviations; NaN where the foot lies above the horizon, or may be out of the picture.

    labels (N,): of `positioning.video.detector.NAMES`."""
    view = _View.of(camera, boxes_px)
    ground, off = _by_ground(camera, view)
    mean, variance, fit = (
        np.stack(part, axis=1)
        for part in zip(
            *(
                _supposed(camera, view, np.log(ground), off, kind, is_across)
                for kind in KINDS
                for is_across in ((False, True) if kind.wide_m else (False,))
            ),
            strict=True,
        )
    )
    label = np.array([kind.label for kind in KINDS for _ in range(2 if kind.wide_m else 1)])
    fit = np.where(label == labels[:, None], fit, -np.inf)
    weight = np.exp(fit - fit.max(1, keepdims=True, initial=-1e9))
    weight /= weight.sum(1, keepdims=True)
    log = (weight * mean).sum(1)
    return np.exp(log), np.exp(log) * np.sqrt(
        (weight * (variance + (mean - log[:, None]) ** 2)).sum(1)
    )


def _by_ground(camera: Camera, view: _View) -> tuple[Floats, Floats]:
    """Distances (N,) to where the feet are, and their deviations as shares."""
    boxes = view.boxes_px
    foot = np.stack([boxes[:, [0, 2]].mean(1), boxes[:, 3]], axis=1)
    away = camera.ground_m(foot) - np.asarray(camera.mount_m[:2])
    is_shown = foot[:, 1] + view.edge_px < camera.height_px - MARGIN_PX
    far = np.where(is_shown, np.hypot(*away.T), np.nan)
    slope = (far**2 + camera.mount_m[2] ** 2) / camera.mount_m[2]
    return far, slope * np.hypot(view.edge_px / camera.focal_px, NOD_RAD) / far


def _supposed(
    camera: Camera, view: _View, ground: Floats, off: Floats, kind: Kind, is_across: bool
) -> tuple[Floats, Floats, Floats]:
    """What the boxes tell if all are of a kind: logarithms of the nearest points' distances (N,),
    their variances, and logarithms of how likely that is."""
    scale = view.slant * camera.focal_px
    tall = np.log(scale * kind.tall_m / view.high_px)
    is_whole = view.boxes_px[:, 1] > MARGIN_PX
    known = [off**-2, is_whole / (kind.spread[2] ** 2 + 2 * (view.edge_px / view.high_px) ** 2)]
    told, long_m, share = [ground, tall], kind.long_m, kind.share
    if kind.wide_m:
        wide_m, (long_off, wide_off, _) = kind.wide_m, kind.spread
        share *= 1 - ALONG if is_across else ALONG
        if is_across:
            long_m, wide_m, long_off, wide_off = wide_m, long_m, wide_off, long_off
        flank = view.inner * long_m
        spread = np.hypot(wide_m * wide_off, flank * long_off) / (wide_m + flank)
        told.append(np.log(scale * (wide_m + flank) / view.wide_px))
        known.append(~view.is_cut / (spread**2 + 2 * (view.side_px / view.wide_px) ** 2))
    weight, value = np.stack(known), np.stack(told)
    both = weight.sum(0)
    mean = (weight * value).sum(0) / both
    off_by = (weight * (value - mean) ** 2).sum(0)
    used = np.log(np.where(weight > 0, weight, 1.0)).sum(0)
    far, over = np.exp(mean), np.minimum(OVERHANG_M[kind.label], np.exp(mean) / 2)
    near = _beside(view, far, far - over, long_m)
    variance = 1 / both + (UNSURE * over / near) ** 2
    return np.log(near), variance, np.log(share) + (used - np.log(both) - off_by) / 2


def _beside(view: _View, far: Floats, near: Floats, long_m: float) -> Floats:
    """`near` (N,), or that of a cut body whose far end is so near that it reaches on past the
    picture's side: its flank lies on the line through both."""
    depth = far / view.slant
    aside = view.outer * depth
    ends = np.maximum(aside / np.maximum(view.inner, 1e-3) - long_m, 0.0)
    return np.where(view.is_cut & (ends < depth), np.hypot(ends, aside), near)
