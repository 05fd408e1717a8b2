"""Drawn spots, bars and blobs whose size is known, blurred and noisy."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.models.fcn import STRIDE
from inspection.regions.candidates import Candidate, candidates

FINE = 16  # cells a pixel: shapes are drawn fine and averaged


def disc(diameter_px: float, x: float, y: float, side: int = 160) -> NDArray[np.float64]:
    """(side, side) covered share of each pixel by a disc."""
    at = (np.arange(side * FINE) + 0.5) / FINE
    inside = (at[None] - x) ** 2 + (at[:, None] - y) ** 2 <= (diameter_px / 2) ** 2
    return _averaged(inside, side)


def bar(
    length_px: float, width_px: float, turn: float, side: int = 160, x: float = 80, y: float = 80
) -> NDArray[np.float64]:
    """(side, side) covered share of each pixel by a bar about (x, y), turned by `turn` radians."""
    at = (np.arange(side * FINE) + 0.5) / FINE
    dx, dy = at[None] - x, at[:, None] - y
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    return _averaged((np.abs(u) <= length_px / 2) & (np.abs(v) <= width_px / 2), side)


def seen(
    cover: NDArray[np.float64], host: float, contrast: float, noise: float, seed: int = 1
) -> NDArray[np.uint8]:
    """The shape on a plain host through a lens of 0.6 px blur and a noisy sensor."""
    sharp = cv2.GaussianBlur(host + contrast * cover, (0, 0), 0.6)
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(sharp + noise * rng.standard_normal(sharp.shape)), 0, 255).astype(
        np.uint8
    )


def marked(cover: NDArray[np.float64]) -> Candidate:
    """The candidate of a map that is high on the cells that the shape touches."""
    side = cover.shape[0] // STRIDE
    cells = cover.reshape(side, STRIDE, side, STRIDE).max(axis=(1, 3)) > 0
    logits = np.where(cells, np.float32(5), np.float32(-5))
    (found,) = candidates(logits, 0.0)
    return found


def _averaged(inside: NDArray[np.bool_], side: int) -> NDArray[np.float64]:
    return inside.reshape(side, FINE, side, FINE).mean(axis=(1, 3))
