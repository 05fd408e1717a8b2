"""Plots and pictures of the relief rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Figure, Picture, Plot, ReferenceLine, Series
from common.acceptance.statistics import clopper_pearson
from inspection.relief.classify import KINDS

if TYPE_CHECKING:
    from inspection.acceptance.relief import Judged

CELL_PX = 84


def pod(grid: list[Judged]) -> Figure:
    """Probability of detection over the width, a curve a depth, with two-sided 95 % bands."""
    curves = []
    for depth in sorted({j.flaw.depth_um for j in grid}):
        of_depth = [j for j in grid if j.flaw.depth_um == depth]
        widths = sorted({j.flaw.width_um for j in of_depth})
        cells = [[j for j in of_depth if j.flaw.width_um == width] for width in widths]
        counts = [(sum(j.found is not None for j in cell), len(cell)) for cell in cells]
        bands = [clopper_pearson(k, n) for k, n in counts]
        curves.append(
            Series(
                f"{depth:.0f} um deep, n = {min(n for _, n in counts)} a width",
                widths,
                [k / n for k, n in counts],
                [low for low, _ in bands],
                [high for _, high in bands],
            )
        )
    lines = (ReferenceLine("30 um", 30.0, "x"), ReferenceLine("99 %", 0.99))
    title = "Probability of detection of pits on a die (simulated)"
    return Plot(title, "width [um]", "share found", tuple(curves), lines=lines)


def depths(flaws: list[Judged]) -> Figure:
    """Measured against true depth, with two standard uncertainties."""
    curves = []
    for kind in KINDS:
        pairs = [(j.flaw.depth_um, j.found.size) for j in flaws if j.found and j.flaw.kind == kind]
        if pairs:
            measured = np.array([size.depth_um for _, size in pairs])
            u = 2 * np.array([size.u_depth_um for _, size in pairs])
            true = [depth for depth, _ in pairs]
            curves.append(Series(kind, true, measured, measured - u, measured + u, kind="points"))
    top = max((j.flaw.depth_um for j in flaws), default=1.0)
    curves.append(Series("as it should be", [0, top], [0, top]))
    title = "Depth against truth, with two standard uncertainties (simulated)"
    return Plot(title, "true depth [um]", "measured depth [um]", tuple(curves))


def confusion(flaws: list[Judged]) -> Figure:
    """Kinds as they are down, as they were called across; the last column was not found."""
    names = (*KINDS, "none")
    table = np.zeros((len(KINDS), len(names)), int)
    for judged in flaws:
        called = "none" if judged.found is None else judged.found.kind
        table[KINDS.index(judged.flaw.kind), names.index(called)] += 1
    canvas = np.full(
        ((len(KINDS) + 1) * CELL_PX // 2, (len(names) + 1) * CELL_PX, 3), 255, np.uint8
    )
    for i, row in enumerate(table):
        for j, n in enumerate(row):
            share = n / max(row.sum(), 1)
            x, y = (j + 1) * CELL_PX, (i + 1) * CELL_PX // 2
            tint = (90, 170, 60) if i == j else (60, 60, 230)
            shade = tuple(int(255 - (255 - c) * 0.7 * share) for c in tint)
            cv2.rectangle(canvas, (x, y), (x + CELL_PX - 3, y + CELL_PX // 2 - 3), shade, -1)
            _write(canvas, str(n), x, y)
    for j, name in enumerate(names):
        _write(canvas, name, (j + 1) * CELL_PX, 0)
    for i, name in enumerate(KINDS):
        _write(canvas, name, 0, (i + 1) * CELL_PX // 2)
    data = bytes(cv2.imencode(".png", canvas)[1])
    return Picture(data, "Confusion matrix: kinds down, what they were called across (simulated)")


def _write(canvas: NDArray[np.uint8], text: str, x: int, y: int) -> None:
    at = (x + 8, y + CELL_PX // 4 + 5)
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
