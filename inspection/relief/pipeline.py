"""A height map in, a decision out: pose, form removal, finds, sizes, kinds, tolerances.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.relief.classify import Kinds, describe, from_edge
from inspection.relief.find import Candidate, find
from inspection.relief.form import Form, FormError, fit
from inspection.relief.lateral import UNKNOWN, Lateral
from inspection.relief.measure import Size, measure
from inspection.relief.pose import Pose, footprint, locate
from inspection.relief.recipes import Bump, Recipe, Region

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

# A flaw is refused where it may be too deep: ISO 14253-1, one side at 95 % of the depth's noise.
# How a blur is undone is as uncertain upwards as downwards, and no reason against a part.
GUARD = 1.645
THERE = 3.0  # standard uncertainties that a find exceeds before GUARD is held against a part
MOST_FINDS = 200  # a map with more is no part with flaws


@dataclass(frozen=True, slots=True, eq=False)
class Flaw:
    """A find on a region with its size, its kind and whether the recipe refuses it.

    chances: probability by kind, as the classifier was taught. size: in the map's own frame.
    """

    region: str
    kind: str
    chances: dict[str, float]
    size: Size
    snr: float
    refused: bool


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A region as it was seen: window and mask in the map, the residual in the window, the median
    height over the stage, the share seen, the form."""

    region: Region
    window: tuple[slice, slice]
    mask: Mask
    residual_um: F32
    level_um: float
    seen: float
    form: Form


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What is known of a part. reasons: why it is refused, empty where it is good."""

    pose: Pose
    faces: tuple[Face, ...]
    flaws: tuple[Flaw, ...]
    bumps_um: dict[str, float]
    reasons: tuple[str, ...]

    @property
    def is_defective(self) -> bool:
        """Whether any reason speaks against the part."""
        return bool(self.reasons)


def inspect(seen: HeightMap, recipe: Recipe, kinds: Kinds, lateral: Lateral = UNKNOWN) -> Result:
    """Judge a part. NoPartError where the map does not show one.

    lateral: the sensor's blur and rim, as its user measured them.
    """
    pose = locate(seen, recipe, lateral.rim_px)
    faces: list[Face] = []
    flaws: list[Flaw] = []
    heights: dict[str, float] = {}
    reasons = list(_outline(pose, recipe))
    for region in recipe.regions:
        bumps = [bump for bump in recipe.bumps if bump.region == region.name]
        try:
            face = flatten(seen, pose, region, bumps)
        except FormError as error:
            reasons.append(f"{region.name}: {error}")
            continue
        faces.append(face)
        flaws.extend(judge(face, flaws_of(face, seen, lateral), kinds, seen.um_per_px, recipe))
        heights.update({b.name: _bump_um(b, face, pose, seen.um_per_px) for b in bumps})
    reasons.extend(_levels(faces, recipe))
    reasons.extend(_wrong_bumps(recipe, heights))
    reasons.extend(_told(flaw) for flaw in flaws if flaw.refused)
    return Result(pose, tuple(faces), tuple(flaws), heights, tuple(reasons))


def flatten(seen: HeightMap, pose: Pose, region: Region, bumps: list[Bump]) -> Face:
    """A region without its form. FormError where too little of it was seen."""
    window, mask = footprint(pose, region, seen.um_per_px, seen.height_um.shape)
    for bump in bumps:
        row, column = pose.pixel(bump.x_um, bump.y_um, seen.um_per_px)
        middle = (round(column) - window[1].start, round(row) - window[0].start)
        radius = round(1.4 * bump.radius_um / seen.um_per_px) + 1
        cv2.circle(mask.view(np.uint8), middle, radius, 0, -1)
    height = np.ascontiguousarray(seen.height_um[window])
    form = fit(
        region.model,
        height,
        seen.um_per_px,
        mask,
        axis_rad=pose.turn_rad,
        radius_um=region.radius_um,
    )
    known = mask & np.isfinite(height)
    level = float(np.median(height[::3, ::3][known[::3, ::3]])) - pose.stage_um
    share = np.count_nonzero(known) / np.count_nonzero(mask)
    residual = form.residual(height, seen.um_per_px)
    return Face(region, window, mask, residual, level, share, form)


def flaws_of(
    face: Face, seen: HeightMap, lateral: Lateral = UNKNOWN
) -> list[tuple[Candidate, Size]]:
    """What is found on a face, with sizes in the face's window."""
    found = find(face.residual_um, face.mask)[:MOST_FINDS]
    taken = np.zeros(face.mask.shape, np.bool_)
    for candidate in found:
        x0, y0, x1, y1 = candidate.box_px
        taken[y0:y1, x0:x1] |= candidate.mask
    inside = np.full(face.mask.shape, np.nan, np.float32)
    cv2.copyTo(face.residual_um, face.mask.view(np.uint8), inside)
    height = seen.height_um[face.window]
    sizes = []
    for candidate in found:
        x0, y0, x1, y1 = candidate.box_px
        of_form = face.form.sigma_um((y0 + y1) / 2, (x0 + x1) / 2, seen.um_per_px)
        here = lateral.at(_level(height[y0:y1, x0:x1]))
        sizes.append(measure(inside, seen.um_per_px, candidate, taken, of_form, here))
    return list(zip(found, sizes, strict=True))


def _level(height_um: F32) -> float:
    """Median of what is known; NaN where nothing is."""
    known = height_um[np.isfinite(height_um)]
    return float(np.median(known)) if known.size else float("nan")


def judge(
    face: Face,
    found: list[tuple[Candidate, Size]],
    kinds: Kinds,
    um_per_px: float,
    recipe: Recipe,
) -> Iterator[Flaw]:
    """Kinds by the classifier, refusals by the recipe's tolerances; sizes move to the map."""
    rows, columns = face.window[0].start, face.window[1].start
    for candidate, size in found:
        edge_px = from_edge(face.mask, candidate)
        chances = kinds.chances(describe(size, edge_px, um_per_px))
        kind = max(chances, key=lambda name: chances[name])
        limit = recipe.scratch_um if kind == "scratch" else recipe.depth_um
        guard = GUARD * size.depth_um / size.clear if size.clear > THERE else 0.0
        refused = size.depth_um + guard > limit
        moved = size.moved(rows, columns, um_per_px)
        yield Flaw(face.region.name, kind, chances, moved, candidate.snr, refused)


def _bump_um(bump: Bump, face: Face, pose: Pose, um_per_px: float) -> float:
    """Height of a bump's top over the face; NaN where it was not seen."""
    row, column = pose.pixel(bump.x_um, bump.y_um, um_per_px)
    half = max(1, round(0.3 * bump.radius_um / um_per_px))
    r, c = round(row) - face.window[0].start, round(column) - face.window[1].start
    top = face.residual_um[max(r - half, 0) : r + half + 1, max(c - half, 0) : c + half + 1]
    known = np.sort(top[np.isfinite(top)])
    return float(known[-1 - known.size // 5]) if known.size >= 3 else float("nan")


def _outline(pose: Pose, recipe: Recipe) -> Iterator[str]:
    told = (("width", pose.width_um, recipe.width_um), ("height", pose.height_um, recipe.height_um))
    for name, is_um, should_um in told:
        if abs(is_um - should_um) > recipe.size_tolerance_um:  # inf - inf is nan: no outline
            yield f"outline: {name} {is_um:.0f} um, should be {should_um:.0f}"


def _levels(faces: list[Face], recipe: Recipe) -> Iterator[str]:
    for face in faces:
        region = face.region
        if abs(face.level_um - region.level_um) > region.level_tolerance_um:
            yield (
                f"{region.name}: {face.level_um:.0f} um over the stage, should be "
                f"{region.level_um:.0f}"
            )
        if face.seen < recipe.seen:
            yield f"{region.name}: only {face.seen:.0%} of it was seen"


def _wrong_bumps(recipe: Recipe, heights: dict[str, float]) -> Iterator[str]:
    for bump in recipe.bumps:
        height = heights.get(bump.name, float("nan"))
        if not abs(height - bump.height_um) <= bump.tolerance_um:
            yield f"{bump.name}: {height:.0f} um high, should be {bump.height_um:.0f}"


def _told(flaw: Flaw) -> str:
    size, way = flaw.size, "high" if flaw.size.sign > 0 else "deep"
    return (
        f"{flaw.region}: {flaw.kind}, {size.width_um:.0f} x {size.length_um:.0f} um, "
        f"{size.depth_um:.1f} +- {size.u_depth_um:.1f} um {way}"
    )
