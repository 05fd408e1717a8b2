"""ImuSample as sensor_msgs/msg/Imu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.drivers.imu.view import measured
from common.drivers.messages import HEADER_DEFINITION, Codec, header
from common.types.imu import ImuSample
from common.types.stamped import Stamped

_RULE = "=" * 80
DEFINITION = f"""\
std_msgs/Header header
geometry_msgs/Quaternion orientation
float64[9] orientation_covariance
geometry_msgs/Vector3 angular_velocity
float64[9] angular_velocity_covariance
geometry_msgs/Vector3 linear_acceleration
float64[9] linear_acceleration_covariance
{_RULE}
MSG: geometry_msgs/Quaternion
float64 x
float64 y
float64 z
float64 w
{_RULE}
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
{HEADER_DEFINITION}"""

_NOT_MEASURED = [-1.0, *[0.0] * 8]  # as the message defines it for orientation
_UNKNOWN = [0.0] * 9


def _encode(sample: Stamped[ImuSample]) -> dict[str, Any]:
    turn, force = sample.value.measured.tolist()
    return {
        "header": header(sample),
        "orientation": {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0},
        "orientation_covariance": _NOT_MEASURED,
        "angular_velocity": dict(zip("xyz", turn, strict=True)),
        "angular_velocity_covariance": _UNKNOWN,
        "linear_acceleration": dict(zip("xyz", force, strict=True)),
        "linear_acceleration_covariance": _UNKNOWN,
    }


def _decode(message: Any, attributes: Mapping[str, Any]) -> ImuSample:
    turn, force = (
        [float(getattr(vector, axis)) for axis in "xyz"]
        for vector in (message.angular_velocity, message.linear_acceleration)
    )
    temperature_c = attributes.get("temperature_c")
    if not isinstance(temperature_c, float | int | None):
        raise ValueError(f"temperature_c is {temperature_c!r}")
    return ImuSample.of(turn, force, temperature_c)


IMU: Codec[ImuSample] = Codec(
    kind="imu",
    schema="sensor_msgs/msg/Imu",
    definition=DEFINITION,
    encode=_encode,
    decode=_decode,
    attributes=lambda sample: {"temperature_c": sample.temperature_c},
    view=measured,
)
"""A recorded IMU."""
