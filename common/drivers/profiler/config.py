"""What a three-dimensional sensor can be, as data. Imports no driver."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.drivers.base import Delivery
from common.drivers.fields import Fraction, Positive, Side
from common.drivers.simulated.clock import ClockModel
from common.types.image import MAX_PIXELS


class SimProfilerConfig(BaseModel):
    """A simulated sensor that looks at a scene (`common.drivers.profiler.scenes`).

    scene: "module:factory" among the allowed ones or the name of a `lingnan.scenes` entry point;
        the factory is called with `parameters` and returns a HeightScene.
    trigger: "free" runs at rate_hz; "hardware" measures when `trigger()` is called.
    realtime: False makes samples as fast as they are read, at the times rate_hz gives them.
    drop_rate: fraction of samples that the sensor itself loses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["profiler"] = "profiler"
    type: Literal["sim"] = "sim"
    frame_id: str = Field(default="profiler", min_length=1, max_length=200)
    scene: str = Field(default="common.drivers.profiler.scenes:steps", max_length=300)
    parameters: dict[str, Any] = Field(default_factory=dict)
    um_per_px: Positive = 5.0
    height_px: Side = 1024
    width_px: Side = 1024
    rate_hz: Annotated[float, Field(gt=0, le=1000)] = 10.0
    trigger: Literal["free", "hardware"] = "free"
    realtime: bool = True
    clock: ClockModel = ClockModel()
    drop_rate: Fraction = 0.0
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits_a_map(self) -> Self:
        if self.height_px * self.width_px > MAX_PIXELS:
            raise ValueError(f"{self.height_px} x {self.width_px} points is over {MAX_PIXELS}")
        return self

    @property
    def delivery(self) -> Delivery:
        """A free-running live sensor keeps the newest; every other sample was asked for."""
        return "newest" if self.realtime and self.trigger == "free" else "every"
