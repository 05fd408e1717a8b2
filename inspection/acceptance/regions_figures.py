"""Plots and pictures of what is said of regions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Figure, Picture, Plot, Series
from inspection.overlay import boxes, jpeg
from inspection.pipeline import Region
from inspection.regions.classify import OTHER

if TYPE_CHECKING:
    from inspection.acceptance.regions import Judged

Triples = Sequence[tuple[float, float, float]]
CELL_PX = (96, 44)
LENGTHS: dict[str, Callable[[Judged], Triples]] = {
    "point, diameter": lambda j: j.lengths if j.defect.kind == "point" else (),
    "stain, diameter": lambda j: j.lengths if j.defect.kind == "stain" else (),
    "scratch, length": lambda j: j.lengths[:1] if j.defect.kind == "scratch" else (),
    "scratch, width": lambda j: j.lengths[1:] if j.defect.kind == "scratch" else (),
}


def sample(frame: NDArray[np.uint8], regions: Sequence[Region], what: str) -> Figure:
    """A part with what is said of its regions, two standard uncertainties beside each size."""
    canvas = np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), np.uint8)
    large = np.asarray(cv2.resize(canvas, None, fx=2, fy=2), np.uint8)
    doubled = [_doubled(region) for region in regions]
    boxes(large, doubled)
    return Picture(jpeg(large), f"{what}: kinds and sizes as stated (simulated)")


def _doubled(region: Region) -> Region:
    x0, y0, x1, y1 = (2 * v for v in region.box_px)
    return Region(
        region.kind, region.score, (x0, y0, x1, y1), region.size_um, region.u_size_um,
        region.width_um, region.u_width_um,
    )  # fmt: skip


def lengths(judged: Sequence[Judged]) -> Figure:
    """Stated against true length, with two standard uncertainties."""
    curves = []
    for name, pick in LENGTHS.items():
        some = np.array([one for j in judged for one in pick(j)])
        if len(some):
            true, stated, u = some.T
            low, high = np.maximum(stated - 2 * u, 1.0), stated + 2 * u
            curves.append(Series(name, true, stated, low, high, kind="points"))
    curves.append(Series("as it should be", [20.0, 1200.0], [20.0, 1200.0]))
    title = "Stated size against truth, with two standard uncertainties (simulated)"
    axes = ("true length [um]", "stated length [um]")
    return Plot(title, *axes, tuple(curves), x_log=True, y_log=True)


def confusion(table: Mapping[str, Sequence[str]]) -> Figure:
    """True kinds down, stated kinds across."""
    names = (*table, OTHER)
    wide, high = CELL_PX
    canvas = np.full(((len(table) + 1) * high, (len(names) + 1) * wide, 3), 255, np.uint8)
    for j, name in enumerate(names):
        _write(canvas, name, (j + 1) * wide, 0)
    for i, (kind, stated) in enumerate(table.items(), 1):
        _write(canvas, kind, 0, i * high)
        for j, name in enumerate(names, 1):
            n = sum(one == name for one in stated)
            share = 0.7 * n / max(len(stated), 1)
            tint = np.array((90, 170, 60) if name == kind else (60, 60, 230))
            cell = canvas[i * high : (i + 1) * high - 3, j * wide : (j + 1) * wide - 3]
            cell[:] = (255 - (255 - tint) * share).astype(np.uint8)
            _write(canvas, str(n), j * wide, i * high)
    data = bytes(cv2.imencode(".png", canvas)[1])
    return Picture(data, "Confusion matrix: true kinds down, stated kinds across (simulated)")


def _write(canvas: NDArray[np.uint8], text: str, x: int, y: int) -> None:
    at = (x + 8, y + CELL_PX[1] // 2 + 5)
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
