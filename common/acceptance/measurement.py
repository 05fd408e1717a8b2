"""What an experiment found for one indicator."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from common.acceptance.figures import Figure
from common.acceptance.statistics import rate_bounds

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value with the bounds that the verdict is taken on.

    value: in the indicator's unit; None where nothing was measured.
    low, high: one-sided 95 % bounds each (`statistics.rate_bounds` for a rate,
        `resampling.bootstrap` else); equal to `value` where it is exact; both None where the
        independent samples are too few for any.
    n: independent samples behind the value (parts, frames, injected faults).
    data_sha256: `Context.data_hash(files)` for files, `hashing.content_hash(...)` for what a
        simulation produced.
    note: what a reader must know; the reason where value is None.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    data_sha256: str
    note: str = ""
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", tuple(self.figures))
        if self.value is None:
            if not self.note:
                raise ValueError("what is not measured needs its reason")
            return
        object.__setattr__(self, "value", float(self.value))
        if self.n < 1:
            raise ValueError(f"a measured value needs n >= 1, got {self.n}")
        if not _SHA256.fullmatch(self.data_sha256):
            raise ValueError(f"data_sha256 must be 64 hexadecimal digits, got {self.data_sha256!r}")
        if self.low is None and self.high is None and math.isfinite(self.value):
            return
        if self.low is None or self.high is None:
            raise ValueError("a measured value needs its bounds low and high, both or neither")
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise ValueError(f"not finite: {self.low}, {self.value}, {self.high}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"value {self.value} outside its bounds {self.low} to {self.high}")


def rate(
    k: int, n: int, data_sha256: str, note: str = "", figures: tuple[Figure, ...] = ()
) -> Measurement:
    """k events in n independent trials, with one-sided 95 % Clopper-Pearson bounds."""
    low, high = rate_bounds(k, n)
    return Measurement(k / n, low, high, n, data_sha256, note, figures)


LEAST_DRAWN = 5  # of drives, parts, scenes: fewer say nothing of how far they spread


def resampled(
    value: float,
    bounds: tuple[float, float],
    n: int,
    data_sha256: str,
    note: str = "",
    figures: tuple[Figure, ...] = (),
) -> Measurement:
    """A value with the bounds that `resampling.bootstrap` gave by drawing n units again and again;
    without them where n is under LEAST_DRAWN."""
    if n < LEAST_DRAWN:
        told = f"{note}; " if note else ""
        return Measurement(
            value, None, None, n, data_sha256, f"{told}n = {n} is too few for bounds", figures
        )
    low, high = bounds
    return Measurement(value, min(low, value), max(high, value), n, data_sha256, note, figures)


def exact(
    value: float, n: int, data_sha256: str, note: str = "", figures: tuple[Figure, ...] = ()
) -> Measurement:
    """A value without sampling error, e.g. a count over a whole fixed check set of n."""
    return Measurement(value, value, value, n, data_sha256, note, figures)


def not_measured(reason: str, figures: tuple[Figure, ...] = ()) -> Measurement:
    """The row of an indicator that cannot be honestly measured here."""
    return Measurement(None, None, None, 0, "", reason, figures)
