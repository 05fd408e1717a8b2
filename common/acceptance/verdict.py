"""The one rule that turns a measurement into a verdict."""

from __future__ import annotations

from typing import Literal

from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement

Verdict = Literal["met", "on track", "not met", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("met", "on track", "not met", "not measured")


def judge(indicator: Indicator, measurement: Measurement) -> Verdict:
    """`met` where the 95 % bound on the worse side holds the target.

    `on track` where the value alone holds it and n is too small for the bound, or for any.
    """
    if measurement.value is None:
        return "not measured"
    low, high = measurement.low, measurement.high
    if low is not None and high is not None and indicator.holds(indicator.worse(low, high)):
        return "met"
    return "on track" if indicator.holds(measurement.value) else "not met"
