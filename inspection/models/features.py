"""The ONNX feature net's near side: any image in, features on a grid of 4 x 4 pixel cells out."""

from __future__ import annotations

from functools import cached_property
from math import sqrt
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.runtime.session import Session
from inspection.models.lean import Lean

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
SHIPPED = "surface_features"
STRIDE = 4
MULTIPLE = 16  # what both sides of the net's input are a multiple of
SMALLEST_PX = 64
PIXELS = 3 << 14  # larger images are scaled down to about this many

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


class FeatureBank:
    """Features of a surface at several octaves by a fixed net: `inspection.train.features`."""

    def __init__(self, payload: bytes, threads: int = 1) -> None:
        self.payload = payload
        self._session = Session(payload, threads=threads, warmup=0)
        self._input = self._session.inputs[0].name
        self._cells, *rest = (one.name for one in self._session.outputs)
        self._image = rest[0] if rest else None

    def __call__(self, canonical: U8) -> F32:
        """(H, W) of `canonical_size` -> (H / 4, W / 4, C) features."""
        return self.lean(canonical).whole()

    def lean(self, canonical: U8) -> Lean:
        """(H, W) of `canonical_size` -> its features without repetition."""
        outputs = self._session.run({self._input: canonical.astype(np.float32)[None, None]})
        image = np.empty(0, np.float32) if self._image is None else outputs[self._image][0]
        return Lean(outputs[self._cells][0], image)

    @cached_property
    def depth(self) -> int:
        """C, how many features a cell has."""
        return int(self(np.zeros((SMALLEST_PX, SMALLEST_PX), np.uint8)).shape[2])


def grey_of(image: U8) -> U8:
    """(H, W) from (H, W) or (H, W, 3)."""
    return (
        image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    )


def canonical_size(
    shape: tuple[int, int], stretch: tuple[float, float] = (1, 1), pixels: int = PIXELS
) -> tuple[int, int]:
    """(height, width) that an image is inspected at: its own, or less for a large one.

    stretch: factors on height and width, for variants at teaching. pixels: about how many an image
    has at most, before it is stretched.
    """
    scale = min(1.0, sqrt(pixels / (shape[0] * shape[1])))
    height, width = (
        max(SMALLEST_PX, round(side * scale * factor / MULTIPLE) * MULTIPLE)
        for side, factor in zip(shape, stretch, strict=True)
    )
    return height, width


def canonical(grey: U8, stretch: tuple[float, float] = (1, 1), pixels: int = PIXELS) -> U8:
    """The image at `canonical_size`."""
    height, width = canonical_size((grey.shape[0], grey.shape[1]), stretch, pixels)
    shrinks = height * width < 0.8 * grey.size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, (width, height), interpolation=method), np.uint8)


def share_of_cells(mask: NDArray[np.bool_] | F32, size: tuple[int, int]) -> F32:
    """(H, W) mask -> share of each cell that it covers, on the grid of an image of `size`."""
    grid = (size[1] // STRIDE, size[0] // STRIDE)
    return np.asarray(cv2.resize(mask.astype(np.float32), grid, interpolation=cv2.INTER_AREA))
