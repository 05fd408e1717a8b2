"""What may be set in the radar's chain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RadarSettings(BaseModel):
    """One chain.

    cfar: "ca" averages the training cells, "os" takes one of their order statistics, which holds
    beside other targets. false_alarm_rate: of one cell of the range-Doppler map in noise.
    angle: how two targets in one cell are told apart: "nls" (maximum likelihood of a pair),
    "root-music", "iaa", or "fft", which gives one direction a cell.
    second_source_rate: rate at which one source is taken for two.
    cluster_m, cluster_mps: the distances at which detections are neighbours; cluster_points:
    neighbours, itself included, that make a detection the core of a cluster.
    static_mps: ground speed under which a detection counts as standing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mitigate_interference: bool = True
    cfar: Literal["ca", "os"] = "os"
    false_alarm_rate: Annotated[float, Field(gt=0, lt=0.1)] = 1e-6
    angle: Literal["nls", "root-music", "iaa", "fft"] = "nls"
    second_source_rate: Annotated[float, Field(gt=0, lt=0.5)] = 1e-4
    cluster_m: Positive = 1.8
    cluster_mps: Positive = 1.2
    cluster_points: Annotated[int, Field(ge=1, le=100)] = 2
    static_mps: Positive = 0.5
