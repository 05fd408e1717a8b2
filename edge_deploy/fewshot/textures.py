"""A whole picture of a surface by its texture, in 65 bytes, for kinds that have no one place.

At each of several scales, each half as large as the one before: uniform local binary patterns that
do not heed direction (Ojala, Pietikainen and Maenpaa, PAMI 2002), as square roots of shares, so
that a squared distance of them is Hellinger's; how strong, how skewed and how peaked the fine
structure is; which way its edges run and how much they agree (the structure tensor); and how evenly
all that is spread over the picture. Light and contrast as such do not count, but their ratios
between scales and places do.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SCALES = 4
PATTERNS = 10  # 0 to 8 brighter neighbours in one run, and all others; the coarsest has none
FEATURES = (SCALES - 1) * (PATTERNS + 4 + 3) + SCALES * 3 + 2
LEAST_PX = 64
VIEWS = 4  # parts of a picture, of 5/8 of its width and height each
BLOCK_PX = 8
_AROUND = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


def _table() -> U8:
    """Of each of 256 codes the pattern."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, 1)).sum(1)
    return np.asarray(np.where(changes <= 2, bits.sum(1), PATTERNS - 1), np.uint8)


_PATTERN = _table()


def describe(image: U8) -> U8:
    """(FEATURES,) bytes of a grey picture (H, W). EdgeError below 64 pixels a side."""
    if image.ndim != 2 or min(image.shape) < LEAST_PX:
        raise EdgeError(f"a texture is a grey picture from {LEAST_PX} px on, got {image.shape}")
    told = []
    for scale in range(SCALES):
        values = image.astype(np.float32)
        told.append(_fine(values))
        if scale == SCALES - 1:
            told.append(_strength(values)[:2])
            break
        told += [np.sqrt(_patterns(image)), _edges(values), _evenness(values)]
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(np.rint(np.clip(np.concatenate(told), 0, 1) * 255), np.uint8)


def views(image: U8) -> U8:
    """(VIEWS, FEATURES): the picture's parts, towards each corner, told by themselves."""
    high, wide = (5 * side // 8 for side in image.shape)
    rows, columns = (slice(high), slice(-high, None)), (slice(wide), slice(-wide, None))
    return np.stack([describe(image[row, column]) for row in rows for column in columns])


def _patterns(image: U8) -> F64:
    """Share of the pixels with each pattern."""
    height, width = image.shape[0] - 2, image.shape[1] - 2
    centre = image[1:-1, 1:-1]
    code = np.zeros((height, width), np.uint8)
    for bit, (y, x) in enumerate(_AROUND):
        code |= (image[y : y + height, x : x + width] >= centre).view(np.uint8) << np.uint8(bit)
    counts = np.bincount(code.ravel(), minlength=256)
    return np.bincount(_PATTERN, counts, PATTERNS) / code.size


def _fine(values: F32) -> F64:
    return _strength(values - cv2.GaussianBlur(values, (0, 0), 1.5))


def _strength(values: F32) -> F64:
    """(3,) spread in octaves, skewness and peakedness, each brought to about 0..1."""
    off = values - values.mean()
    square = off * off
    spread = float(np.sqrt(square.mean())) + 1e-3
    skew = float((square * off).mean()) / spread**3
    peaked = float((square * square).mean()) / spread**4
    return np.array([np.log2(spread + 1) / 8, 0.5 + np.tanh(skew) / 2, np.log2(peaked + 1) / 8])


def _edges(values: F32) -> F64:
    """(4,) of the gradients' second moments: down or across, one diagonal or the other, how much
    the whole picture's agree, how much neighbouring ones do."""
    smooth = cv2.GaussianBlur(values, (0, 0), 1.0)
    dx, dy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    moments = cv2.merge([dx * dx - dy * dy, 2 * dx * dy, dx * dx + dy * dy])
    straight, aslant, whole = (float(one) + 1e-3 for one in cv2.mean(moments)[:3])
    near = cv2.blur(moments, (BLOCK_PX, BLOCK_PX))
    agree = float(cv2.magnitude(near[..., 0], near[..., 1]).sum()) / (float(near[..., 2].sum()) + 1)
    return np.array(
        [
            0.5 + straight / whole / 2,
            0.5 + aslant / whole / 2,
            np.hypot(straight, aslant) / whole,
            agree,
        ]
    )


def _evenness(values: F32) -> F64:
    """(3,) octaves from the calm to the middling and on to the lively blocks, and between their
    mean greys."""
    high, wide = (side // BLOCK_PX for side in values.shape)
    cut = values[: high * BLOCK_PX, : wide * BLOCK_PX]
    blocks = cut.reshape(high, BLOCK_PX, wide, BLOCK_PX).swapaxes(1, 2).reshape(high * wide, -1)
    calm, middling, lively = np.percentile(blocks.std(1), (5, 50, 95)) + 1
    grey = float(blocks.mean(1).std())
    return np.array(
        [np.log2(middling / calm) / 4, np.log2(lively / middling) / 4, np.log2(grey + 1) / 8]
    )
