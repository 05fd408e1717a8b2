"""Uploaded bytes to pixels, the header first.

A direction's route hands the upload's bytes over and gets an array or an `ImageError` (which the
application answers with 400 and its message):

    pixels = decode(await file.read())
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.service.imageheader import ImageError, read_header
from common.types.image import MAX_PIXELS

# Pixel coordinates are the file's own (no EXIF rotation); 8 bits; one channel or three (BGR).
_FLAGS = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The picture as (H, W) or (H, W, 3) uint8, BGR.

    Raises ImageError when it is no complete PNG, JPEG, BMP, TIFF or WebP, has over `max_pixels`,
    or the decoded size is not the header's. The decoder never sees what the header refuses.
    """
    header = read_header(data)
    if header.width_px * header.height_px > max_pixels:
        raise ImageError(
            f"the image has {header.width_px} x {header.height_px} px; "
            f"at most {max_pixels / 1e6:g} Mpx are read"
        )
    pixels = _decode(data)
    if pixels is None:
        raise ImageError(f"the {header.format} data is corrupt")
    if pixels.shape[:2] != (header.height_px, header.width_px):
        raise ImageError(
            f"the {header.format} header says {header.width_px} x {header.height_px} px, "
            f"its data {pixels.shape[1]} x {pixels.shape[0]}"
        )
    return np.ascontiguousarray(pixels)


def _decode(data: bytes) -> NDArray[Any] | None:
    try:
        pixels: NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS)
    except cv2.error:
        return None
    return pixels
