"""The detector's graph cut in two: what one side hands to the other.

    jpeg -> input -> maps -> boxes      decoding and shrinking, the network, peaks and suppression

Each cut has a payload of known form, so that nothing but numbers crosses the link.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.detections import Detections
from positioning.video.detector import (
    HEIGHT,
    MOST,
    NAMES,
    STRIDE,
    WIDTH,
    Detector,
    decode,
    network_input,
)

Cut = Literal["jpeg", "input", "maps", "boxes"]
CUTS: tuple[Cut, ...] = get_args(Cut)
PIXELS = (1, 3, HEIGHT, WIDTH)
MAPS = (len(NAMES) + 4, HEIGHT // STRIDE, WIDTH // STRIDE)
ROW = 6  # of a box: four sides, score, label
FLOATS = "<f4"
MOST_BYTES = 4 * 2**20


class PayloadError(LingnanError):
    """What came over the link does not have the form of the cut: both sides need the same cut."""


def before(detector: Detector, jpeg: bytes, cut: Cut) -> bytes:
    """The stages up to the cut, and what they hand over; PictureError for a damaged frame."""
    if cut == "jpeg":
        return jpeg
    pixels = network_input(decode(jpeg))
    if cut == "input":
        return pixels.tobytes()
    maps = detector.maps(pixels)
    if cut == "maps":
        return np.concatenate(maps).astype(FLOATS).tobytes()
    return packed(detector.boxes(*maps))


def after(detector: Detector, payload: bytes, cut: Cut) -> Detections:
    """The stages behind the cut; PayloadError for a payload of another form."""
    if cut == "boxes":
        return unpacked(payload)
    if cut == "jpeg":
        return detector.detect(decode(payload))
    if cut == "input":
        pixels = _array(payload, "u1", PIXELS)
        return detector.boxes(*detector.maps(pixels))
    maps = _array(payload, FLOATS, MAPS)
    if not np.isfinite(maps).all():
        raise PayloadError("the maps are not finite")
    return detector.boxes(maps[: len(NAMES)], maps[len(NAMES) :])


def packed(found: Detections) -> bytes:
    """Six float32 a box."""
    columns = found.boxes_px, found.scores[:, None], found.labels[:, None]
    return np.concatenate(columns, axis=1).astype(FLOATS).tobytes()


def unpacked(payload: bytes) -> Detections:
    """PayloadError for what is no such table."""
    rows, rest = divmod(len(payload), 4 * ROW)
    if rest or rows > MOST:
        raise PayloadError(f"{len(payload)} bytes are not up to {MOST} boxes")
    table = np.frombuffer(payload, FLOATS).reshape(rows, ROW)
    try:
        labels = table[:, 5].astype(np.int64) if np.isfinite(table).all() else np.full(rows, -1)
        return Detections(table[:, :4].copy(), table[:, 4].copy(), labels, NAMES)
    except ValueError as error:
        raise PayloadError(f"the table holds no boxes: {error}") from error


def _array(payload: bytes, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    wanted = int(np.prod(shape)) * np.dtype(kind).itemsize
    if len(payload) != wanted:
        raise PayloadError(f"{len(payload)} bytes where the cut has {wanted}")
    return np.frombuffer(payload, kind).reshape(shape)
