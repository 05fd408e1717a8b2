"""From a stamped image to a decision. Pure: no I/O, no clock; one recording, one result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.image import Image
from common.types.stamped import Stamped
from inspection.methods.base import Finding, Method
from inspection.regions.mark import Mark


@dataclass(frozen=True, slots=True)
class Region:
    """Something found: box x0 y0 x1 y1 in pixels (x1, y1 exclusive edges).

    size_um, where the scale is known: as `Mark.size_px` where the method outlines regions, else
    the box's longer edge. u_size_um, u_width_um: standard uncertainties. width_um: of a scratch.
    chance: of the kind. features: what both rest on, for whoever corrects the kind; empty where
    the method does not describe regions.
    """

    kind: str
    score: float
    box_px: tuple[float, float, float, float]
    size_um: float | None
    u_size_um: float | None = None
    width_um: float | None = None
    u_width_um: float | None = None
    chance: float | None = None
    features: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """The decision on one image. score >= threshold rejects the part."""

    is_defective: bool
    score: float
    threshold: float
    regions: tuple[Region, ...]
    finding: Finding


class Pipeline:
    """A taught method on a line: to 8 bit, compare and score, decide, measure in micrometres."""

    def __init__(
        self,
        method: Method,
        reference: NDArray[np.uint8] | None = None,
        um_per_px: float | None = None,
    ) -> None:
        self._method = method
        self._reference = reference
        self._um_per_px = um_per_px

    def step(
        self, sample: Stamped[Image], reference: NDArray[np.uint8] | None = None
    ) -> Stamped[Inspection]:
        """Judge one image. `reference` goes before the pipeline's own, where a source brings one.

        ValueError when the image is not one the method was taught for.
        """
        image = to_8_bit(sample.value)
        golden = self._reference if reference is None else reference
        finding = self._method.inspect(image, golden)
        if finding.threshold is None:
            raise ValueError("the method has no threshold: it was not taught to the end")
        return sample.with_value(
            Inspection(
                is_defective=finding.is_defective,
                score=finding.score,
                threshold=finding.threshold,
                regions=um_regions(finding, sample.value.um_per_px or self._um_per_px),
                finding=finding,
            )
        )


def um_regions(finding: Finding, um_per_px: float | None) -> tuple[Region, ...]:
    """What was found, in micrometres where the scale is known."""
    found = finding.found
    told = zip(found.labels, found.scores, found.boxes_px, finding.found_marks, strict=True)
    return tuple(
        _region(found.names[label], float(score), box, mark, um_per_px)
        for label, score, box, mark in told
    )


def _region(
    kind: str, score: float, box: NDArray[Any], mark: Mark | None, um_per_px: float | None
) -> Region:
    x0, y0, x1, y1 = box.tolist()
    if mark is None or mark.size_px is None:
        told = () if mark is None else mark.features
        return Region(kind, score, (x0, y0, x1, y1), _size(box, um_per_px), features=told)
    return Region(
        kind,
        score,
        (x0, y0, x1, y1),
        size_um=_um(mark.size_px, um_per_px),
        u_size_um=_um(mark.u_size_px, um_per_px),
        width_um=_um(mark.width_px, um_per_px),
        u_width_um=_um(mark.u_width_px, um_per_px),
        chance=mark.chance,
        features=mark.features,
    )


def _um(px: float | None, um_per_px: float | None) -> float | None:
    return None if px is None or um_per_px is None else px * um_per_px


def to_8_bit(image: Image) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) uint8, colours in BGR order. 12 bits of 16 are used, as cameras send;
    what lies above them is as bright as can be."""
    pixels = image.pixels
    if image.encoding == "rgb8":
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)
    if image.encoding == "mono16":
        return np.asarray(np.minimum(pixels >> 4, 255), np.uint8)
    if image.encoding == "32FC1":
        raise ValueError("inspection takes 8- or 16-bit images, not 32FC1")
    return pixels


def _size(box: NDArray[Any], um_per_px: float | None) -> float | None:
    return None if um_per_px is None else float(max(box[2:] - box[:2])) * um_per_px
