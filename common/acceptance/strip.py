"""A row's value, its bounds and its target on one small line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIDTH, HEIGHT, MARGIN = 120.0, 14.0, 6.0


def strip(row: Mapping[str, Any]) -> str:
    """An inline SVG: whisker from low to high, dot at the value, the failing side shaded.

    Purely an aid to the eye: the numbers stand beside it, so it is hidden from screen readers.
    """
    if row["value"] is None or row["comparator"] == "==":
        return ""
    low, high = (row["value"] if row[name] is None else row[name] for name in ("low", "high"))
    points = [float(value) for value in (low, row["value"], high, row["target"])]
    start, end = min(points), max(points)
    if start == end:
        start, end = start - 1, end + 1

    def at(value: float) -> float:
        return MARGIN + (value - start) / (end - start) * (WIDTH - 2 * MARGIN)

    low, value, high, target = map(at, points)
    failing = (target, WIDTH) if row["comparator"] in ("<=", "<") else (0.0, target)
    middle = HEIGHT / 2
    return (
        f'<svg class="strip" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" aria-hidden="true">'
        f'<rect class="failing" x="{failing[0]:.1f}" y="0" '
        f'width="{failing[1] - failing[0]:.1f}" height="{HEIGHT:g}"/>'
        f'<path class="target" d="M{target:.1f} 0V{HEIGHT:g}"/>'
        f'<path class="whisker" d="M{low:.1f} {middle:g}H{high:.1f}"/>'
        f'<circle cx="{value:.1f}" cy="{middle:g}" r="3"/></svg>'
    )
