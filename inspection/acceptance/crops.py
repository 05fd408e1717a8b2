"""Pictures of what was found, missed and falsely found, cut from the judged frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Picture
from inspection.overlay import AMBER, GREEN, RED

if TYPE_CHECKING:
    from inspection.sim.trial import Judged, Lot

CROP_PX = 64
ZOOM = 3
FOUND_EACH, MOST = 4, 12
GAP_PX = 4

Tile = NDArray[np.uint8]


@dataclass(slots=True)
class Crops:
    """The first few of each outcome; tiles by (outcome, kind of defect)."""

    tiles: dict[tuple[str, str], list[Tile]] = field(default_factory=dict)

    def keep(self, lot: Lot, part: Judged, threshold: float) -> None:
        """Cut the part's defects; of a good part or beside the defects, the false find."""
        for defect, score in zip(part.defects, part.scores, strict=True):
            outcome, limit = ("found", FOUND_EACH) if score >= threshold else ("missed", MOST)
            colour = GREEN if outcome == "found" else RED
            at = (defect.x_um / part.um_per_px, defect.y_um / part.um_per_px)
            self._add((outcome, defect.kind), limit, part.frame, at, colour)
        if part.beside >= threshold:
            self._add(("false", lot.kind), MOST, part.frame, part.beside_at, AMBER)

    def figures(self, kind: str | None = None) -> tuple[Picture, ...]:
        """A strip for each outcome, of one kind or of points."""
        names = {
            "found": "Found",
            "missed": "Missed",
            "false": "Falsely found",
        }
        wanted = kind or "point"
        return tuple(
            Picture(strip(self.tiles[outcome, wanted]), f"{name}: {wanted}, 640 um wide each")
            for outcome, name in names.items()
            if (outcome, wanted) in self.tiles
        )

    def _add(
        self,
        key: tuple[str, str],
        limit: int,
        frame: NDArray[np.uint8],
        at: tuple[float, float],
        colour: tuple[int, int, int],
    ) -> None:
        kept = self.tiles.setdefault(key, [])
        if len(kept) < limit:
            kept.append(cut(frame, at, colour))


def cut(frame: NDArray[np.uint8], at: tuple[float, float], colour: tuple[int, int, int]) -> Tile:
    """A square around (x, y) px, contrast stretched, enlarged, in a coloured frame."""
    side = min(CROP_PX, *frame.shape)
    x, y = (
        int(np.clip(v - side / 2, 0, n - side)) for v, n in zip(at, frame.shape[::-1], strict=True)
    )
    tile = frame[y : y + side, x : x + side]
    low, high = np.percentile(tile, [0.5, 99.5])
    stretched = np.clip((tile - low) / max(high - low, 20.0) * 255, 0, 255).astype(np.uint8)
    large = cv2.resize(stretched, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
    shown = cv2.cvtColor(large, cv2.COLOR_GRAY2BGR)
    cv2.rectangle(shown, (0, 0), (shown.shape[1] - 1, shown.shape[0] - 1), colour, 2)
    return np.asarray(shown, np.uint8)


def strip(tiles: list[Tile]) -> bytes:
    """Tiles side by side, four a row, as JPEG bytes."""
    columns = min(4, len(tiles))
    rows = -(-len(tiles) // columns)
    side = max(tile.shape[0] for tile in tiles) + GAP_PX
    canvas = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        y, x = (i // columns) * side, (i % columns) * side
        canvas[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return bytes(cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])
