"""A sheet of the good surface, what was asked, what each method made of it, and the real thing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Picture
from inspection.generate.canvas import Maker
from inspection.generate.learned import shipped
from inspection.generate.pairs import WARES, Pair, pairs
from inspection.generate.patches import PATCH_PX
from inspection.generate.procedural import Procedural
from inspection.generate.request import DefectRequest
from inspection.overlay import AMBER, jpeg

ZOOM, GAP_PX = 2, 4
SHEET_SEED = 40  # of the station's parts that are shown
SHOWN_EACH = 3  # of a kind

U8 = NDArray[np.uint8]


def sheet(seed: int) -> Picture:
    """On the simulated station's parts of the judging regime; the last row is rendered there."""
    makers: tuple[Maker, ...] = (Procedural(), shipped())
    columns = [_column(pair, makers, [seed, i]) for i, pair in enumerate(_shown(seed))]
    caption = (
        "From above: good surface, asked for (smallest circle), procedural, learned, and the "
        "defect that the simulated station renders there: pits, scratches, stains"
    )
    return Picture(jpeg(np.hstack(columns)), caption)


def circle(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """x, y and diameter of the smallest circle around a mask, in pixels."""
    (x, y), radius = cv2.minEnclosingCircle(np.argwhere(mask)[:, ::-1].astype(np.float32))
    return float(x), float(y), 2 * float(radius) + 1


def asked_like(
    kind: str, mask: NDArray[np.bool_], severity: float, shape: tuple[int, ...]
) -> DefectRequest:
    """An order for a defect as large as `mask` and where it is, as far as `shape` has room."""
    x, y, size = circle(mask)
    size = min(max(size, 4.0), min(shape[:2]) - 3)
    height, width = shape[:2]
    x = float(np.clip(x, size / 2, width - 1 - size / 2))
    y = float(np.clip(y, size / 2, height - 1 - size / 2))
    return DefectRequest.of(kind=kind, x_px=x, y_px=y, size_px=size, severity=severity)


def _shown(seed: int) -> list[Pair]:
    """Some of each kind, on different materials."""
    found = list(pairs("judge", SHEET_SEED + seed, 1))
    chosen = []
    for number in range(len(WARES)):
        of_kind = [pair for pair in found if pair.number == number]
        chosen += of_kind[:: max(1, len(of_kind) // SHOWN_EACH)][:SHOWN_EACH]
    return chosen


def _column(pair: Pair, makers: tuple[Maker, ...], seed: list[int]) -> U8:
    good, real = pair.norm.to_dn(pair.good), pair.norm.to_dn(pair.bad)
    request = asked_like(WARES[pair.number].kind, pair.mask, 0.5, good.shape)
    made = [maker.make(good, request, np.random.default_rng(seed)).image for maker in makers]
    tiles = [_tile(view) for view in (good, good, *made, real)]
    x, y, size = circle(pair.mask)
    middle = (round((x + 0.5) * ZOOM), round((y + 0.5) * ZOOM))
    cv2.circle(tiles[1], middle, round(size / 2 * ZOOM), AMBER, 1, cv2.LINE_AA)
    return np.vstack(tiles)


def _tile(view: U8) -> U8:
    side = PATCH_PX * ZOOM
    large = cv2.resize(view, (side, side), interpolation=cv2.INTER_NEAREST)
    framed = np.full((side + GAP_PX, side + GAP_PX, 3), 255, np.uint8)
    framed[:side, :side] = large[..., None]
    return framed
