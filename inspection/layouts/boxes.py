"""Label files of boxes: their lines, and boxes checked against the image."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from inspection.layouts.base import LabelledBox, LayoutError

Corners = tuple[float, float, float, float]
Parse = Callable[[Sequence[float]], tuple[Corners, str]]

MAX_LABEL_BYTES = 1_000_000
_ROUNDING_PX = 0.5  # labels written as rounded fractions may pass the edge by less than this


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a label file that are not empty, with their numbers from 1."""
    try:
        if path.stat().st_size > MAX_LABEL_BYTES:
            raise LayoutError(path, f"over {MAX_LABEL_BYTES} bytes is no label file")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutError(path, f"cannot be read: {error}") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line.strip()


def read_boxes(path: Path, parse: Parse, width_px: int, height_px: int) -> tuple[LabelledBox, ...]:
    """Each line is five numbers; `parse` makes corners in pixels and a kind of them.

    LayoutError names the line that is broken or whose box is empty or outside the image. `parse`
    may raise ValueError with the reason.
    """
    found = []
    for number, line in read_lines(path):
        try:
            corners, kind = parse(_five(line))
            found.append(LabelledBox(_inside(corners, width_px, height_px), kind))
        except ValueError as error:
            raise LayoutError(path, f"line {number}: {error}") from None
    return tuple(found)


def kind_of(boxes: Sequence[LabelledBox]) -> str:
    """The kind of an image: that of most of its boxes, the first by name of equals, or "good"."""
    counts = Counter(box.kind for box in boxes)
    return min(counts, key=lambda kind: (-counts[kind], kind), default="good")


def _five(line: str) -> list[float]:
    words = line.replace(",", " ").split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise ValueError(f"{line[:60]!r} is not numbers") from None
    if len(numbers) != 5 or not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{line[:60]!r} is not five finite numbers")
    return numbers


def _inside(corners: Corners, width_px: int, height_px: int) -> Corners:
    x0, y0, x1, y1 = corners
    slack = _ROUNDING_PX
    if min(x0, y0) < -slack or x1 > width_px + slack or y1 > height_px + slack:
        raise ValueError(f"the box {_show(corners)} leaves the image of {width_px} x {height_px}")
    clipped = max(x0, 0.0), max(y0, 0.0), min(x1, float(width_px)), min(y1, float(height_px))
    if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
        raise ValueError(f"the box {_show(corners)} is empty")
    return clipped


def _show(corners: Corners) -> str:
    return " ".join(f"{value:g}" for value in corners)
