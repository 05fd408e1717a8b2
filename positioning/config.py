"""What a solution is asked for, as one model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["single", "static", "kinematic"]
Estimator = Literal["epoch", "realtime", "batch"]
Form = Literal["geodetic", "ecef"]


class SolveConfig(BaseModel):
    """How observations become positions.

    mode: single point without a base; static or kinematic RTK with one.
    estimator: of single point: each epoch by itself, from those before, or from all of them.
    form: coordinates in the .pos file.
    base_position_m: ECEF of the base; None takes the one that its file tells.
    lever_m: of the antenna from the inertial sensor, body axes forward, left, up.
    week: GPS week of RTCM files that do not tell it.
    wide_lanes: of RTK, tell an epoch that is not fixed by its wide lanes where these are believed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = "kinematic"
    estimator: Estimator = "batch"
    form: Form = "geodetic"
    base_position_m: tuple[float, float, float] | None = None
    lever_m: tuple[float, float, float] | None = None
    week: Annotated[int, Field(gt=0, lt=10_000)] | None = None
    wide_lanes: bool = False
