"""Small pictures of what was found, cut from the frame it was found in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from common.service.demo import DemoFrame

_EDGE_PX = 72
_MOST = 6  # a frame; the rest are counted, not shown
_MARGIN = 0.6  # of the box's longer side, so that the surroundings are seen


def with_thumbnails(frame: DemoFrame) -> DemoFrame:
    """The frame with a `thumbnail` (data: address of a JPEG) in each of its first findings."""
    findings = frame.facts.get("findings") or []
    if not findings:
        return frame
    pixels = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("the demonstration gave a frame that is no JPEG")
    shown = [{**f, "thumbnail": _thumbnail(pixels, f)} for f in findings[:_MOST]]
    return replace(frame, facts={**frame.facts, "findings": [*shown, *findings[_MOST:]]})


def _thumbnail(pixels: NDArray[Any], finding: Mapping[str, Any]) -> str:
    x0, y0, x1, y1 = (float(v) for v in finding["box_px"])
    half = max(x1 - x0, y1 - y0, 8.0) * (0.5 + _MARGIN)
    centre = ((x0 + x1) / 2, (y0 + y1) / 2)
    edge = max(round(2 * half), 1)
    crop = cv2.getRectSubPix(
        pixels, (min(edge, pixels.shape[1]), min(edge, pixels.shape[0])), centre
    )
    small = cv2.resize(crop, (_EDGE_PX, _EDGE_PX), interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, 80))[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
