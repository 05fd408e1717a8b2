"""An acceptance indicator: what the funding guide asks for, as data."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

Evidence = Literal["simulated", "public-data", "real-hardware"]
Comparator = Literal["<=", "<", ">=", ">", "=="]

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One row of the report before it is measured.

    id: as in REQUIREMENTS.md, with a suffix where one requirement has several rows, e.g.
        "S4-D1-K3" or "S4-D1-R4/metal-scratch"; unique over all directions.
    claim: what is claimed, one English sentence.
    guide: the guide's own Chinese words.
    unit: of `target` and of every value measured, e.g. "fraction", "frames/s", "ms".
    comparator, target: the claim holds where `value comparator target`.
    evidence: what the numbers come from.
    method: how it is measured, one or two sentences.
    """

    id: str
    claim: str
    guide: str
    unit: str
    comparator: Comparator
    target: float
    evidence: Evidence
    method: str

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"indicator id {self.id!r}: letters, digits and . _ / - only")
        if self.comparator not in _HOLDS:
            raise ValueError(f"{self.id}: comparator {self.comparator!r}, not one of {[*_HOLDS]}")
        if self.evidence not in get_args(Evidence):
            raise ValueError(f"{self.id}: evidence {self.evidence!r} not in {get_args(Evidence)}")
        if not math.isfinite(self.target):
            raise ValueError(f"{self.id}: target must be finite, got {self.target}")
        if not (self.claim and self.unit and self.method):
            raise ValueError(f"{self.id}: claim, unit and method must not be empty")

    def holds(self, value: float) -> bool:
        """Whether `value` satisfies the target."""
        return _HOLDS[self.comparator](value, self.target)

    def worse(self, low: float, high: float) -> float:
        """The end of the interval that is further on the failing side of the target."""
        if self.comparator in ("<=", "<"):
            return high
        if self.comparator in (">=", ">"):
            return low
        return max(low, high, key=lambda end: abs(end - self.target))
