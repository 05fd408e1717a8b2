"""What a row shows: pictures, and plots as data; how a plot is drawn is the report's business."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind = Literal["line", "points", "step"]
MEDIA_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def _floats(name: str, values: Iterable[float]) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"series {name!r} holds a value that is not finite")
    return numbers


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded PNG or JPEG with what it shows; keep it under a few hundred kilobytes."""

    data: bytes
    caption: str

    def __post_init__(self) -> None:
        if not any(self.data.startswith(magic) for magic in MEDIA_TYPES):
            raise ValueError(f"picture {self.caption!r} is neither PNG nor JPEG")

    @property
    def media_type(self) -> str:
        """The media type, image/png or image/jpeg."""
        return next(kind for magic, kind in MEDIA_TYPES.items() if self.data.startswith(magic))


@dataclass(frozen=True, slots=True)
class Series:
    """One curve or point set; `low` and `high` draw a band (line, step) or error bars (points)."""

    name: str
    x: Iterable[float]
    y: Iterable[float]
    low: Iterable[float] | None = None
    high: Iterable[float] | None = None
    kind: Kind = "line"

    def __post_init__(self) -> None:
        for field in ("x", "y", "low", "high"):
            values = getattr(self, field)
            if values is not None:
                object.__setattr__(self, field, _floats(self.name, values))
        lengths = {len(tuple(v)) for v in (self.x, self.y, self.low, self.high) if v is not None}
        if len(lengths) != 1:
            raise ValueError(f"series {self.name!r}: x, y, low and high differ in length")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"series {self.name!r}: give low and high together")
        if self.kind not in ("line", "points", "step"):
            raise ValueError(f"series {self.name!r}: unknown kind {self.kind!r}")


@dataclass(frozen=True, slots=True)
class ReferenceLine:
    """A straight line across the plot, such as the target; `axis` is the one it crosses."""

    name: str
    value: float
    axis: Literal["x", "y"] = "y"


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves on one pair of axes; labels carry their units, e.g. "defect size [um]"."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_log: bool = False
    y_log: bool = False
    lines: tuple[ReferenceLine, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", tuple(self.series))
        object.__setattr__(self, "lines", tuple(self.lines))


Figure: TypeAlias = Picture | Plot
