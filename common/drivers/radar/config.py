"""What a radar can be, as data. Imports no driver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.drivers.base import Delivery
from common.drivers.fields import Fraction
from common.drivers.simulated.clock import ClockModel
from common.types.radar import MAX_SAMPLES

Rate = Annotated[float, Field(gt=0, le=1000)]
Count = Annotated[int, Field(gt=0, le=65_536)]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Radar(_Config):
    kind: Literal["radar"] = "radar"
    frame_id: str = Field(default="radar", min_length=1, max_length=200)


class _Simulated(_Config):
    """scene: "module:factory" among the allowed ones or the name of a `lingnan.scenes` entry
    point; the factory is called with `parameters` and returns a RadarScene. realtime: False makes
    frames as fast as they are read, at the times rate_hz gives them. drop_rate: fraction of frames
    that the radar itself loses.
    """

    type: Literal["sim"] = "sim"
    scene: str = Field(default="common.drivers.radar.scenes:passing", max_length=300)
    parameters: dict[str, Any] = Field(default_factory=dict)
    rate_hz: Rate = 20.0
    realtime: bool = True
    clock: ClockModel = ClockModel()
    drop_rate: Fraction = 0.0
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def delivery(self) -> Delivery:
        """A live radar keeps the newest; every other frame was asked for."""
        return "newest" if self.realtime else "every"


class SimRadarConfig(_Radar, _Simulated):
    """A simulated radar that finds points itself, as an automotive radar does."""


class SimRadarIfConfig(_Simulated):
    """A simulated radar whose raw samples are read out, as through a capture card.

    shape: (loops, transmitters, receivers, samples) of the scene's frames.
    """

    kind: Literal["radar_if"] = "radar_if"
    frame_id: str = Field(default="radar", min_length=1, max_length=200)
    scene: str = Field(default="common.drivers.radar.scenes:tone", max_length=300)
    shape: tuple[Count, Count, Count, Count] = (128, 3, 4, 256)

    @model_validator(mode="after")
    def _fits_a_cube(self) -> Self:
        loops, transmitters, receivers, samples = self.shape
        if 2 * loops * transmitters * receivers * samples > MAX_SAMPLES:
            raise ValueError(f"a cube of {self.shape} is over {MAX_SAMPLES} samples")
        return self


class ReplayRadarConfig(_Radar):
    """A recorded radar: an MCAP file with sensor_msgs/msg/PointCloud2.

    topic: "" takes the only one. pace: "recorded" keeps the intervals, "fast" waits not.
    """

    type: Literal["replay"] = "replay"
    path: Path
    topic: str = Field(default="", max_length=500)
    pace: Literal["recorded", "fast"] = "recorded"


class TiRadarConfig(_Radar):
    """A TI mmWave sensor (AWR/IWR 14xx to 68xx) that runs the SDK's out-of-box demonstration.

    data_port, data_baud: the serial port on which its frames come. cli_port, commands: where given,
    the lines of the sensor's profile are sent there, one by one, whenever it is connected.
    clock_hz: of the cycle counter that stamps its frames.
    """

    type: Literal["ti"] = "ti"
    data_port: str = Field(min_length=1, max_length=500)
    data_baud: Annotated[int, Field(ge=9600, le=10_000_000)] = 921_600
    cli_port: str = Field(default="", max_length=500)
    cli_baud: Annotated[int, Field(ge=9600, le=10_000_000)] = 115_200
    commands: tuple[Annotated[str, Field(pattern=r"^[ -~]{1,256}$")], ...] = Field(
        default=(), max_length=200
    )
    rate_hz: Rate = 10.0
    clock_hz: Annotated[float, Field(gt=0, le=10e9)] = 200e6
