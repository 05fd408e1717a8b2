"""What the sorting rows show: classes against bins, a part's way in time, how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from common.acceptance.figures import Picture, Plot, ReferenceLine, Series
from inspection.sorting.bins import KINDS, RECHECK, Bins

if TYPE_CHECKING:
    from inspection.sim.sorting.drill import Drilled

CELL = (150, 64)  # px, width and height
HEAD = 140  # px of the row names
INK = (50, 50, 50)
FONT = cv2.FONT_HERSHEY_SIMPLEX

Took = tuple[float, float, float]  # verdict, order, stroke, in ms after the trigger


def confusion(table: Mapping[tuple[str, str], int], told: str) -> Picture:
    """True class (rows) against the bin it landed in (columns), with counts."""
    names = (*Bins().names, RECHECK)
    width, height = CELL
    canvas = np.full((height * (len(KINDS) + 1), HEAD + width * len(names), 3), 255, np.uint8)
    for column, name in enumerate(names):
        _write(canvas, name, HEAD + column * width + 12, height // 2 + 6)
    for row, kind in enumerate(KINDS, start=1):
        _write(canvas, kind, 12, row * height + height // 2 + 6)
        total = max(sum(table.get((kind, name), 0) for name in names), 1)
        for column, name in enumerate(names):
            count = table.get((kind, name), 0)
            corner = (HEAD + column * width, row * height)
            share = count / total
            colour = _colour(Bins().lane(kind) == column + 1, name == RECHECK, share)
            end = (corner[0] + width - 3, corner[1] + height - 3)
            cv2.rectangle(canvas, corner, end, colour, cv2.FILLED)
            _write(canvas, f"{count}  ({100 * share:.1f} %)", corner[0] + 10, corner[1] + 38)
    _, data = cv2.imencode(".png", canvas)
    return Picture(data.tobytes(), f"True class against the bin it landed in: {told}")


def _colour(own: bool, again: bool, share: float) -> tuple[int, int, int]:
    """Green for the part's own bin, grey for recheck, red for a wrong one with anything in it."""
    if own:
        return (200, 235, 200)
    if again:
        return (230, 230, 230)
    return (170, 170, 245) if share else (248, 248, 248)


def _write(canvas: np.ndarray, text: str, x: int, y: int) -> None:
    cv2.putText(canvas, text, (x, y), FONT, 0.5, INK, 1, cv2.LINE_AA)


def timeline(took: Sequence[Took], deadline_ms: float) -> Plot:
    """Each part's way after its trigger."""
    names = ("verdict", "order in the PLC", "ejector out")
    series = []
    for column, name in enumerate(names):
        points = [(one[column], n) for n, one in enumerate(took) if not np.isnan(one[column])]
        series.append(Series(name, [x for x, _ in points], [y for _, y in points], kind="points"))
    lines = (ReferenceLine("trigger", 0.0, "x"), ReferenceLine("last moment", deadline_ms, "x"))
    return Plot(
        "The way of a part", "time after the trigger [ms]", "part", tuple(series), lines=lines
    )


def latencies(protocol: str, took: Sequence[Took], deadline_ms: float) -> Plot:
    """Share of parts decided, ordered and swept off within a time."""
    series = []
    for column, name in enumerate(("verdict", "order in the PLC", "ejector out")):
        ordered = np.sort([one[column] for one in took if not np.isnan(one[column])])
        share = (np.arange(len(ordered)) + 1) / len(took)
        series.append(Series(f"{name}, n = {len(ordered)}", ordered, share, kind="step"))
    lines = (ReferenceLine("last moment", deadline_ms, "x"),)
    title = f"From trigger to divert over {protocol}"
    return Plot(title, "time after the trigger [ms]", "share of parts", tuple(series), lines=lines)


def outage_times(drilled: Sequence[Drilled], name: str, limit_s: float) -> Plot:
    """Distribution of a time for each protocol and kind of outage."""
    series = []
    for key in sorted({(one.protocol, one.kind) for one in drilled}):
        times = [getattr(one, name) for one in drilled if (one.protocol, one.kind) == key]
        ordered = np.sort([time for time in times if time is not None])
        share = (np.arange(len(ordered)) + 1) / len(times)
        series.append(Series(f"{key[0]}, {key[1]}", ordered, share, kind="step"))
    title = "Until noticed" if name == "noticed_s" else "Until running again"
    lines = (ReferenceLine("limit", limit_s, "x"),)
    return Plot(title, "time [s]", "share of outages", tuple(series), lines=lines)
