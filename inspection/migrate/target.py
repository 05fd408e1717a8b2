"""Finding the calibration target: dots to a fraction of a pixel, and which dot is which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.migrate.artefact import TARGET, Artefact
from inspection.migrate.errors import TargetError

F64 = NDArray[np.float64]

CLIPPED_DN, MOST_CLIPPED = 254, 0.01
LEAST_CONTRAST_DN = 40.0
FEWEST_DOTS = 40
DOT_AREAS, MARK_AREAS = (0.75, 1.3), (1.9, 2.7)  # of the median dot
FREE_PX = 3  # of white around a dot that its centroid looks at
LEAST_AREA_PX = 60
BETWEEN_NODES = 0.3  # pitches off a node; what the marks alone tell of the grid is this good
OFF_NODE = 0.15  # a dot farther than this from its node, in pitches, belongs to no grid


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """Dots of the target. at_px: (N, 2) x and y of their centres, a pixel's centre at whole
    numbers. nodes: (N, 2) u and v."""

    at_px: F64
    nodes: NDArray[np.int64]

    def at_um(self, artefact: Artefact = TARGET) -> F64:
        """(N, 2) where the drawing has them, from the target's centre."""
        return np.asarray(self.nodes * artefact.pitch_um, np.float64)


def find(frame: NDArray[np.uint8], artefact: Artefact = TARGET) -> Dots:
    """The dots in a grey frame (H, W). TargetError when it is clipped, too dark or not there."""
    if frame.ndim != 2 or frame.dtype != np.uint8:
        raise TargetError(f"the target's picture is grey 8 bit, not {frame.dtype} {frame.shape}")
    _check_exposure(frame)
    darkness = _darkness(frame)
    at, area = _blobs(darkness)
    if len(at) < FEWEST_DOTS:
        raise TargetError(f"{len(at)} dots found, {FEWEST_DOTS} are needed: is it the target?")
    share = area / np.median(area)
    dots = at[(share > DOT_AREAS[0]) & (share < DOT_AREAS[1])]
    marks = at[(share > MARK_AREAS[0]) & (share < MARK_AREAS[1])]
    if len(marks) != 3:
        raise TargetError(f"{len(marks)} large dots found, the target has 3: show its middle")
    return _numbered(np.concatenate([marks, dots]), _ordered(marks, artefact), artefact)


def _check_exposure(frame: NDArray[np.uint8]) -> None:
    clipped = float((frame >= CLIPPED_DN).mean())
    if clipped > MOST_CLIPPED:
        raise TargetError(f"{clipped:.0%} of the target's pixels are clipped: expose it less")
    dark, white = np.percentile(frame, [2, 90])
    if white - dark < LEAST_CONTRAST_DN:
        raise TargetError(
            f"the target's white is {white - dark:.0f} DN above its black, at least "
            f"{LEAST_CONTRAST_DN:.0f} are needed: too dark, or no target"
        )


def _darkness(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """0 on the white around, 1 on the darkest; what the light's falloff does is divided out."""
    reach = max(frame.shape) // 12 | 1
    small = cv2.resize(frame, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    white = cv2.dilate(small, np.ones((reach // 4 | 1,) * 2, np.uint8)).astype(np.float32)
    white = cv2.resize(cv2.blur(white, (reach // 4 | 1,) * 2), frame.shape[::-1])
    dark = float(np.percentile(frame, 2))
    return np.asarray(np.clip((white - frame) / np.maximum(white - dark, 1), 0, 1), np.float32)


def _blobs(darkness: NDArray[np.float32]) -> tuple[F64, F64]:
    """Centres (N, 2) and areas (N,) in pixels of round dark blobs that lie within the frame."""
    height, width = darkness.shape
    n, _, stats, _ = cv2.connectedComponentsWithStats((darkness > 0.5).astype(np.uint8))
    at, areas = [], []
    for left, top, w, h, area in stats[1:n].tolist():
        x0, y0, x1, y1 = left - FREE_PX, top - FREE_PX, left + w + FREE_PX, top + h + FREE_PX
        is_whole = x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height
        if area < LEAST_AREA_PX or not is_whole or not 0.8 < w / h < 1.25:
            continue
        weight = darkness[y0:y1, x0:x1]
        moments = cv2.moments(np.where(weight > 0.1, weight, 0).astype(np.float32))
        at.append((x0 + moments["m10"] / moments["m00"], y0 + moments["m01"] / moments["m00"]))
        areas.append(float(area))
    return np.array(at, np.float64).reshape(-1, 2), np.array(areas)


def _ordered(marks: F64, artefact: Artefact) -> F64:
    """The marks in the drawing's order: the L's corner, its long leg's end, its short one's."""

    def misfit(order: F64) -> float:
        long, short = order[1] - order[0], order[2] - order[0]
        return float(abs(long @ short) + abs(long @ long - 4 * (short @ short)))

    best = min((marks[list(p)] for p in permutations(range(3))), key=misfit)
    if misfit(best) > 0.3 * float((best[1] - best[0]) @ (best[1] - best[0])):
        raise TargetError("the three large dots do not lie as the target's do")
    return np.asarray(best, np.float64)


def _numbered(at: F64, marks: F64, artefact: Artefact) -> Dots:
    """Each dot with its node: outwards from the marks, the grid's bend being followed."""
    start = np.array(artefact.marks, np.float64)
    design = np.column_stack([start, np.ones(3)])
    affine = np.linalg.solve(design, marks)
    exact = _exact(at, affine)
    nodes = np.round(exact)
    # a square that is as large as a dot lies half a pitch off, and would bend the grid
    near = (np.hypot(*nodes.T) <= artefact.reach / 2) & (
        np.abs(exact - nodes).max(axis=1) < BETWEEN_NODES
    )
    design = np.column_stack([nodes[near], np.ones(near.sum())])
    affine = np.linalg.lstsq(design, at[near])[0]
    exact = _exact(at, affine)
    nodes = np.round(exact)
    kept = (np.abs(exact - nodes).max(axis=1) < OFF_NODE) & (
        np.abs(nodes).max(axis=1) <= artefact.reach
    )
    unique = np.unique(nodes[kept], axis=0)
    if kept.sum() < FEWEST_DOTS or len(unique) != kept.sum():
        raise TargetError(f"{int(kept.sum())} dots lie on a grid, {FEWEST_DOTS} are needed")
    return Dots(at[kept], nodes[kept].astype(np.int64))


def _exact(at: F64, affine: NDArray[np.floating[Any]]) -> F64:
    return np.asarray((at - affine[2]) @ np.linalg.inv(affine[:2]), np.float64)
