"""Positioning as a ROS 2 lifecycle node: raw observations in, NavSatFix and Odometry out.

python -m positioning.ros_node --ros-args -p 'receiver:={"type": "serial", "port": "/dev/ttyACM0"}'

On the topic `raw` the observations of an epoch and its navigation frames come as the bytes of the
receiver's UBX frames in a std_msgs/UInt8MultiArray: ROS 2 has no message for raw observations.
On `odometry` the pose is about the base or, without one, the first place, in axes east, north, up;
it stands for base_link where the antenna is. An epoch without a place has no odometry.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from sensor_msgs.msg import NavSatFix, NavSatStatus
from std_msgs.msg import UInt8MultiArray

from common.drivers.base import ConfigError, CorruptSampleError, Driver
from common.drivers.gnss.framing import Framer
from common.drivers.gnss.ubx import UbxDecoder
from common.drivers.registry import create
from common.errors import LingnanError
from common.ros.convert import Codec
from common.ros.errors import MessageError
from common.ros.node import Wiring
from common.ros.ros2 import Odometry as OdometryMessage
from common.ros.ros2 import Time
from common.ros.run import run
from common.types.gnss import GnssEpoch
from common.types.stamped import Stamped
from positioning.gnss import geodesy
from positioning.gnss.formats import detect
from positioning.gnss.solution import Quality
from positioning.odometry import Motion, Odometry
from positioning.pipeline import Base, Pipeline, Place

FRAME = "gnss_antenna"
ODOMETRY_FRAME, CAR_FRAME = "odom", "base_link"
UNTOLD = 1e6  # variance of what is not told: the message has no other word for it
MAX_BYTES = 1 << 16  # of an epoch's frames


class RosConfig(BaseModel):
    """The node's parameters.

    receiver: a GNSS driver's config; empty takes epochs from the topic `raw`.
    nav: navigation files; without any, ephemerides are collected from the receiver's frames.
    base, base_position_m: observations of a base and its place (ECEF); without, single point.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    receiver: dict[str, Any] = Field(default_factory=dict)
    nav: list[str] = Field(default_factory=list)
    base: str = ""
    base_position_m: list[float] = Field(default_factory=list)


def fix_to_message(sample: Stamped[Place]) -> Any:
    """sensor_msgs/NavSatFix; STATUS_NO_FIX where the epoch has no place."""
    place, message = sample.value, NavSatFix()
    sec, nanosec = divmod(sample.host_time_ns, 1_000_000_000)
    message.header.stamp = Time(sec=sec, nanosec=nanosec)
    message.header.frame_id = sample.frame_id
    message.status.service = NavSatStatus.SERVICE_GPS
    message.status.status = _status(place.quality)
    if place.quality is Quality.NONE:
        message.latitude = message.longitude = message.altitude = float("nan")
        return message
    latitude, longitude, height = geodesy.to_geodetic(place.position_m)
    axes = geodesy.enu_axes(latitude, longitude)
    message.latitude, message.longitude = (float(np.degrees(v)) for v in (latitude, longitude))
    message.altitude = float(height)
    message.position_covariance = (axes @ place.covariance_m2 @ axes.T).ravel().tolist()
    message.position_covariance_type = NavSatFix.COVARIANCE_TYPE_KNOWN
    return message


def fix_from_message(message: Any, seq: int) -> Stamped[Place]:
    """A place without its GPS time and velocity, which the message has no field for."""
    values = np.array([message.latitude, message.longitude, message.altitude])
    if not np.isfinite(values).all() or abs(values[0]) > 90 or abs(values[1]) > 360:
        raise MessageError(f"sensor_msgs/NavSatFix: {values.tolist()} is no place")
    latitude, longitude = np.radians(values[0]), np.radians(values[1])
    axes = geodesy.enu_axes(latitude, longitude)
    local = np.array(message.position_covariance, np.float64).reshape(3, 3)
    ecef = geodesy.to_ecef(latitude, longitude, values[2])
    quality = Quality.DGPS if message.status.status >= NavSatStatus.STATUS_GBAS_FIX else (
        Quality.SINGLE
    )  # fmt: skip
    place = Place(0, 0.0, ecef, axes.T @ local @ axes, np.full(3, np.nan), quality, 0)
    stamp = message.header.stamp
    time_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
    return Stamped(seq, time_ns, time_ns, message.header.frame_id or FRAME, place)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is published of an epoch; motion is None where there is no place."""

    place: Place
    motion: Motion | None


def told_to_fix(sample: Stamped[Told]) -> Any:
    """sensor_msgs/NavSatFix."""
    return fix_to_message(sample.with_value(sample.value.place))


def told_from_fix(message: Any, seq: int) -> Stamped[Told]:
    """The place alone."""
    sample = fix_from_message(message, seq)
    return sample.with_value(Told(sample.value, None))


def told_to_odometry(sample: Stamped[Told]) -> Any:
    """nav_msgs/Odometry, None without a place. Variance UNTOLD of attitude and velocity where they
    are not told, and of turning always."""
    motion = sample.value.motion
    if motion is None:
        return None
    message = OdometryMessage()
    sec, nanosec = divmod(sample.host_time_ns, 1_000_000_000)
    message.header.stamp = Time(sec=sec, nanosec=nanosec)
    message.header.frame_id, message.child_frame_id = ODOMETRY_FRAME, CAR_FRAME
    _set_pose(message.pose, motion)
    _set_twist(message.twist, motion)
    return message


def _set_pose(told: Any, motion: Motion) -> None:
    _set(told.pose.position, motion.position_m)
    covariance = np.eye(6) * UNTOLD
    covariance[:3, :3] = motion.covariance_m2
    if np.isfinite(motion.yaw_rad):
        covariance[5, 5] = motion.yaw_rad2
        told.pose.orientation.z = float(np.sin(motion.yaw_rad / 2))
        told.pose.orientation.w = float(np.cos(motion.yaw_rad / 2))
    told.covariance = covariance.ravel().tolist()


def _set_twist(told: Any, motion: Motion) -> None:
    covariance = np.eye(6) * UNTOLD
    if np.isfinite(motion.velocity_mps).all():
        _set(told.twist.linear, motion.velocity_mps)
        covariance[:3, :3] = motion.velocity_covariance
    told.covariance = covariance.ravel().tolist()


def told_from_odometry(message: Any, seq: int) -> Stamped[Told]:
    """Odometry is told here, not taken: it does not say where its origin is."""
    raise MessageError("odometry is not taken for a place")


def epoch_to_message(sample: Stamped[GnssEpoch]) -> Any:
    """Raw observations are taken here, not sent."""
    raise MessageError("raw observations are not published")


def epoch_from_message(message: Any, seq: int) -> Stamped[GnssEpoch]:
    """The one epoch in a message's UBX frames. MessageError where there is none, or two."""
    if len(message.data) > MAX_BYTES:
        raise MessageError(f"{len(message.data)} bytes of an epoch, over {MAX_BYTES}")
    framer, decoder, epochs = Framer(), UbxDecoder(), []
    try:
        for frame in framer.feed(bytes(message.data)):
            epochs += decoder.decode(frame)
    except CorruptSampleError as error:
        raise MessageError(f"raw observations: {error}") from None
    if len(epochs) != 1:
        raise MessageError(f"{len(epochs)} epochs of RXM-RAWX in one message, not 1")
    time_ns = epochs[0].time_ns
    return Stamped(seq, time_ns, time_ns, FRAME, epochs[0])


RAW: Codec[GnssEpoch] = Codec(UInt8MultiArray, epoch_to_message, epoch_from_message)
FIX: Codec[Told] = Codec(NavSatFix, told_to_fix, told_from_fix)
ODOMETRY: Codec[Told] = Codec(OdometryMessage, told_to_odometry, told_from_odometry)

Step = Callable[[Stamped[GnssEpoch]], Stamped[Told]]


@contextmanager
def open_pipeline(current: Callable[[], RosConfig]) -> Iterator[Step]:
    """The step; LingnanError when a file that the parameters name cannot be read."""
    config = current()
    paths = [Path(name) for name in config.nav]
    messages = detect.read_navigation(paths) if paths else None
    base = _base(config)
    pipeline, odometry = Pipeline(messages, base), Odometry(base.position_m if base else None)

    def step(sample: Stamped[GnssEpoch]) -> Stamped[Told]:
        place = pipeline.step(sample)
        return place.with_value(Told(place.value, odometry.step(place.value)))

    yield step


def _base(config: RosConfig) -> Base | None:
    if not config.base:
        return None
    if len(config.base_position_m) != 3:
        raise ConfigError("a base needs its place: -p base_position_m:=[X,Y,Z] in m (ECEF)")
    return Base(detect.read_observations(Path(config.base)), np.array(config.base_position_m))


def open_receiver(config: RosConfig) -> Driver[GnssEpoch] | None:
    """The receiver that the parameters name, not open yet."""
    return create({**config.receiver, "kind": "gnss"}) if config.receiver else None


def _set(vector: Any, values: NDArray[np.float64]) -> None:
    """x, y, z of a Point or a Vector3."""
    vector.x, vector.y, vector.z = (float(v) for v in values)


def _status(quality: Quality) -> int:
    if quality in (Quality.FIX, Quality.FLOAT, Quality.DGPS):
        return int(NavSatStatus.STATUS_GBAS_FIX)
    solved = quality is not Quality.NONE
    return int(NavSatStatus.STATUS_FIX if solved else NavSatStatus.STATUS_NO_FIX)


WIRING = Wiring(
    name="positioning",
    config=RosConfig(),
    pipeline=open_pipeline,
    subscribes=(RAW, "raw"),
    publishes=(FIX, "fix"),
    driver=open_receiver,
    also=((ODOMETRY, "odometry"),),
)


def main() -> None:
    """Configure, activate and spin."""
    try:
        run(WIRING, autostart=True, arguments=sys.argv[1:])
    except LingnanError as error:
        sys.exit(f"positioning: {error}")


if __name__ == "__main__":
    main()
