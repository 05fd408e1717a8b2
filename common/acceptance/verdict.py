"""The one rule that turns a measurement into a verdict."""

from __future__ import annotations

from typing import Literal

from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement

Verdict = Literal["met", "on track", "not met", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("met", "on track", "not met", "not measured")


def judge(indicator: Indicator, measurement: Measurement) -> Verdict:
    """`met` where the 95 % bound on the worse side holds the target.

    `on track` where the value alone holds it and n is too small for the bound.
    """
    if measurement.value is None:
        return "not measured"
    if measurement.low is None or measurement.high is None:
        raise ValueError(f"{indicator.id}: a measured value needs its bounds")
    if indicator.holds(indicator.worse(measurement.low, measurement.high)):
        return "met"
    return "on track" if indicator.holds(measurement.value) else "not met"
