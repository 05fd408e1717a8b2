"""The array of an image, for the checks that every driver's samples pass."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from common.types.image import Image


def pixels(image: Image) -> NDArray[Any]:
    """The pixels, (H, W) or (H, W, 3)."""
    return image.pixels
