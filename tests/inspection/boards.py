"""Etched boards drawn by the test: traces on a ground, a golden image, defects of the six kinds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
SIDE = 256
MARGIN = 10  # what the boxes leave around a defect
NUMBERS = {"open": 1, "short": 2, "mousebite": 3, "spur": 4, "copper": 5, "pin-hole": 6}


def golden() -> U8:
    """Traces 20 px wide, 40 px apart, copper dark, and a large pad."""
    board = np.full((SIDE, SIDE), 255, np.uint8)
    for x in range(20, 140, 40):
        board[10:-10, x : x + 20] = 0
    board[60:180, 160:240] = 0
    return board


# what each kind does: x0, y0, x1, y1 and the level that is painted
_MARKS: dict[str, tuple[int, int, int, int, int]] = {
    "open": (20, 100, 40, 108, 255),
    "short": (80, 40, 100, 46, 0),
    "mousebite": (60, 150, 68, 162, 255),
    "spur": (120, 190, 129, 198, 0),
    "copper": (190, 20, 202, 30, 0),
    "pin-hole": (196, 110, 206, 120, 255),
}


def defective(kinds: tuple[str, ...], rng: np.random.Generator) -> tuple[U8, list[str]]:
    """A board with these defects, a pixel or two out of place, and its label lines."""
    board, lines = golden(), []
    for kind in kinds:
        x0, y0, x1, y1, level = _MARKS[kind]
        down = int(rng.integers(-12, 13))
        board[y0 + down : y1 + down, x0:x1] = level
        box = (x0 - MARGIN, y0 + down - MARGIN, x1 + MARGIN, y1 + down + MARGIN)
        lines.append(" ".join(map(str, (*(max(0, v) for v in box), NUMBERS[kind]))))
    shift = rng.integers(-2, 3, 2)
    moved = cv2.warpAffine(
        board,
        np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32),
        (SIDE, SIDE),
        borderMode=cv2.BORDER_REPLICATE,
    )
    ragged = cv2.GaussianBlur(moved, (0, 0), 1.0) + rng.normal(0, 25, board.shape)
    return np.where(ragged < 128, 0, 255).astype(np.uint8), lines


def write(root: Path, boards: int = 4, images: int = 4, seed: int = 3) -> None:
    """A folder in the layout of DeepPCB; boxes are right to the shift of a pixel or two."""
    rng = np.random.default_rng(seed)
    kinds = tuple(_MARKS)
    for board in range(boards):
        for image in range(images):
            chosen = tuple(rng.permutation(kinds)[:3])
            pixels, lines = defective(chosen, rng)
            stem = f"{board:05d}{image:03d}"
            cv2.imwrite(str(root / f"{stem}_test.jpg"), pixels)
            cv2.imwrite(str(root / f"{stem}_temp.jpg"), golden())
            (root / f"{stem}.txt").write_text("\n".join(lines) + "\n")
