"""Indicators and rows for these tests."""

from __future__ import annotations

from typing import Any

from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator

DATA = content_hash("data")


def indicator(**other: Any) -> Indicator:
    """An indicator with a rate's target, changed where the test says."""
    given: dict[str, Any] = {
        "id": "T-1",
        "claim": "It misses little",
        "guide": "漏检率不高于0.3%",
        "unit": "fraction",
        "comparator": "<=",
        "target": 0.003,
        "evidence": "simulated",
        "method": "Counting",
    }
    return Indicator(**{**given, **other})
