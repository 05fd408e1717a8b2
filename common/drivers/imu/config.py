"""What an IMU can be, as data: one model a type, told apart by `type`. Imports no driver."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from common.drivers.base import ConfigError, Delivery
from common.drivers.fields import NonNegative, Positive
from common.drivers.simulated.clock import ClockModel
from common.drivers.validation import explain


class _Imu(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["imu"] = "imu"
    frame_id: str = Field(default="imu_link", min_length=1, max_length=200)
    rate_hz: Annotated[float, Field(gt=0, le=4000)] = 100.0


class AxisModel(BaseModel):
    """One kind of axis, in the terms of IEEE 952: SI units, of rad/s or m/s^2.

    noise_density: white noise, per root hertz. bias_sigma: turn-on bias, drawn once a connection.
    bias_walk: random walk of the bias, per root second. full_scale: beyond it the axis saturates.
    resolution: size of a digit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    noise_density: NonNegative
    bias_sigma: NonNegative
    bias_walk: NonNegative
    full_scale: Positive
    resolution: Positive


GYRO = AxisModel(
    noise_density=1.2e-4, bias_sigma=3e-3, bias_walk=2e-5, full_scale=34.9, resolution=1.07e-3
)
ACCELEROMETER = AxisModel(
    noise_density=1.8e-3, bias_sigma=0.05, bias_walk=2e-4, full_scale=157.0, resolution=4.8e-3
)
"""Of a consumer's MEMS, 2000 deg/s and 16 g in 16 bits."""


class SimImuConfig(_Imu):
    """A simulated IMU in a scene (`common.drivers.imu.scenes`).

    scene: "module:factory" among the allowed ones or the name of a `lingnan.scenes` entry point;
        the factory is called with `parameters` and returns a MotionScene.
    realtime: False makes samples as fast as they are read, at the times rate_hz gives them.
    drop_rate: fraction of samples that the sensor itself loses.
    """

    type: Literal["sim"] = "sim"
    scene: str = Field(default="common.drivers.imu.scenes:still", max_length=300)
    parameters: dict[str, Any] = Field(default_factory=dict)
    realtime: bool = True
    gyro: AxisModel = GYRO
    accelerometer: AxisModel = ACCELEROMETER
    temperature_c: Annotated[float, Field(ge=-60, le=150)] = 31.0
    clock: ClockModel = ClockModel(offset_s=5.0, drift_ppm=30.0)
    drop_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def delivery(self) -> Delivery:
        """A live sensor keeps the newest."""
        return "newest" if self.realtime else "every"


class ReplayImuConfig(_Imu):
    """A recorded IMU: an MCAP file with sensor_msgs/msg/Imu.

    topic: "" takes the only one. pace: "recorded" keeps the intervals, "fast" waits not.
    """

    type: Literal["replay"] = "replay"
    path: Path
    topic: str = Field(default="", max_length=500)
    pace: Literal["recorded", "fast"] = "recorded"


class SerialImuConfig(_Imu):
    """An IMU on a serial line that speaks WitMotion's standard protocol (WT901, HWT905, JY901).

    port: /dev/ttyUSB0, COM3 or a URL that pyserial knows. rate_hz: as the sensor is set.
    """

    type: Literal["serial"] = "serial"
    port: str = Field(min_length=1, max_length=500)
    baud: Annotated[int, Field(ge=4800, le=4_000_000)] = 115_200


AnyImuConfig = SimImuConfig | ReplayImuConfig | SerialImuConfig
ImuConfig = Annotated[AnyImuConfig, Field(discriminator="type")]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(ImuConfig)


def parse(values: Mapping[str, Any]) -> AnyImuConfig:
    """An IMU's config from plain values. ConfigError names the field that is wrong."""
    try:
        config: AnyImuConfig = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"imu config: {explain(error)}") from error
    return config
