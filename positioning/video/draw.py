"""Boxes drawn over a picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

COLOURS = ((90, 220, 90), (255, 170, 60), (80, 110, 255))  # BGR of vehicle, cyclist, pedestrian
WHITE = (255, 255, 255)


def draw(
    picture: NDArray[np.uint8],
    boxes_px: NDArray[np.floating],
    labels: NDArray[np.int64] | None,
    words: Sequence[str] = (),
) -> None:
    """In place: boxes (N, 4) in the picture's pixels, thin and white where no label is given."""
    for i, (x0, y0, x1, y1) in enumerate(np.round(boxes_px).astype(int).tolist()):
        colour = WHITE if labels is None else COLOURS[int(labels[i])]
        cv2.rectangle(picture, (x0, y0), (x1, y1), colour, 1 if labels is None else 2)
        if i < len(words):
            at = (x0, max(y0 - 5, 12))
            cv2.putText(picture, words[i], at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3)
            cv2.putText(picture, words[i], at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1)


def jpeg(picture: NDArray[np.uint8], quality: int = 82) -> bytes:
    """Of a BGR picture."""
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
