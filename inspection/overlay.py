"""What was found, drawn into the picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.pipeline import Inspection, Region

RED, GREEN, AMBER = (60, 60, 230), (90, 170, 60), (40, 170, 240)  # BGR
HEAT = 0.45  # weight of the score map where it is strongest


def draw(image: NDArray[np.uint8], result: Inspection) -> NDArray[np.uint8]:
    """(H, W, 3) BGR: the score map as warmth, a box with its kind around each region, a frame."""
    canvas = _coloured(image)
    if result.finding.score_map is not None and result.is_defective:
        canvas = _warm(canvas, result.finding.score_map, result.threshold)
    boxes(canvas, result.regions)
    height, width = canvas.shape[:2]
    edge = RED if result.is_defective else GREEN
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), edge, max(2, width // 200))
    return canvas


def boxes(canvas: NDArray[np.uint8], regions: Sequence[Region]) -> None:
    """Draw the regions into a BGR picture, in place."""
    scale = max(0.4, canvas.shape[1] / 1600)
    for region in regions:
        x0, y0, x1, y1 = (round(v) for v in region.box_px)
        cv2.rectangle(canvas, (x0 - 2, y0 - 2), (x1 + 1, y1 + 1), AMBER, max(1, round(scale * 2)))
        told = caption(region)
        where = (x0, y0 - 6 if y0 > 20 else y1 + round(24 * scale))
        cv2.putText(canvas, told, where, cv2.FONT_HERSHEY_SIMPLEX, scale, AMBER, 1, cv2.LINE_AA)


def caption(region: Region) -> str:
    """Its kind and size, with two standard uncertainties: "point 31 +- 4 um"."""
    if region.size_um is None:
        return region.kind
    if region.u_size_um is None:
        return f"{region.kind} {region.size_um:.0f} um"
    size = f"{region.size_um:.0f} +- {2 * region.u_size_um:.0f}"
    if region.width_um is None:
        return f"{region.kind} {size} um"
    return f"{region.kind} {size} x {region.width_um:.0f} um"


def jpeg(canvas: NDArray[np.uint8], quality: int = 85) -> bytes:
    """The picture's JPEG bytes."""
    return cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _coloured(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.ndim == 3:
        return image.copy()
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)


def _warm(
    canvas: NDArray[np.uint8], score_map: NDArray[np.float32], threshold: float
) -> NDArray[np.uint8]:
    top = max(float(score_map.max()), threshold + 1e-6)
    low = float(np.median(score_map))
    weight = np.clip((score_map - low) / (top - low + 1e-9), 0, 1)[..., None] * HEAT
    return np.asarray(canvas * (1 - weight) + np.array(RED, np.float32) * weight, np.uint8)
