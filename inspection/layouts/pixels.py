"""Decoding an image or a mask, after its header has been looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.layouts.base import LayoutError
from inspection.layouts.files import require_size
from inspection.layouts.imagesize import image_size

Channels = Literal["stored", "grey", "colour"]

_FLAGS: dict[Channels, int] = {
    "stored": cv2.IMREAD_ANYCOLOR,
    "grey": cv2.IMREAD_GRAYSCALE,
    "colour": cv2.IMREAD_COLOR,
}


def read_image(path: Path, channels: Channels = "stored") -> NDArray[np.uint8]:
    """(H, W) uint8 of a grey image, (H, W, 3) BGR of a coloured one; as stored, or as told.

    Alpha is dropped, 16 bits become 8, the orientation tag is ignored: boxes and masks are drawn
    on the stored pixels. LayoutError names the file.
    """
    return _decode(path, channels)


def read_mask(path: Path, width_px: int, height_px: int) -> NDArray[np.bool_]:
    """(H, W) bool, True on the defect: over half of the mask's largest value.

    Half, because some public masks were saved with smoothed or compressed edges.
    """
    require_size(path, width_px, height_px)
    grey = _decode(path, "grey")
    return np.asarray(grey > int(grey.max()) // 2, dtype=np.bool_)


def _decode(path: Path, channels: Channels) -> NDArray[np.uint8]:
    width, height = image_size(path)
    flags = _FLAGS[channels] | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    except (OSError, cv2.error) as error:
        raise LayoutError(path, f"cannot be decoded: {error}") from None
    if image is None:
        raise LayoutError(path, "cannot be decoded: the image is broken")
    if image.shape[:2] != (height, width):
        raise LayoutError(path, f"decodes to {image.shape[:2]}, its header says {height, width}")
    return np.asarray(image, np.uint8)
