"""The radar as a ROS 2 lifecycle node: raw samples or a sensor in, sensor_msgs/PointCloud2 out.

python -m positioning.radar.ros_node --ros-args -p 'radar:={"kind": "radar", "type": "ti", ...}'

On the topic `samples` a frame comes as std_msgs/Int16MultiArray with the layout (loops,
transmitters, receivers, samples, 2), I and Q last. A point has x ahead, y to the left and z up in
metres (REP-103), its range rate in m/s and its signal to noise in dB, all float32.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from common.drivers.base import ConfigError, Driver
from common.drivers.registry import create
from common.errors import LingnanError
from common.ros.convert import Codec
from common.ros.errors import MessageError
from common.ros.node import Wiring
from common.ros.ros2 import Int16MultiArray, MultiArrayDimension, PointCloud2, PointField, Time
from common.ros.run import run
from common.types.radar import CAPACITY, MAX_SAMPLES, RadarCube, RadarPoints
from common.types.stamped import Stamped
from positioning.radar.pipeline import RadarChain

FRAME = "radar"
KINDS = ("radar", "radar_if")
AXES = ("loops", "transmitters", "receivers", "samples", "iq")
FIELDS = ("x", "y", "z", "radial_velocity", "snr")
POINT_BYTES = 4 * len(FIELDS)

Frame = RadarCube | RadarPoints
Step = Callable[[Stamped[Frame]], Stamped[RadarPoints]]


class RadarRosConfig(BaseModel):
    """The node's parameters.

    radar: a driver's config of kind `radar` (points) or `radar_if` (samples); empty takes samples
        from the topic.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    radar: dict[str, Any] = Field(default_factory=dict)


def cube_to_message(sample: Stamped[Frame]) -> Any:
    """std_msgs/Int16MultiArray; the message has no stamp."""
    if not isinstance(sample.value, RadarCube):
        raise MessageError("points are not samples")
    adc, message = sample.value.adc, Int16MultiArray()
    for name, size, stride in zip(AXES, adc.shape, np.array(adc.strides) // 2, strict=True):
        span = int(size * stride)
        message.layout.dim.append(MultiArrayDimension(label=name, size=size, stride=span))
    message.data.frombytes(adc.data.cast("B"))
    return message


def cube_from_message(message: Any, seq: int) -> Stamped[Frame]:
    """A frame without a time of its own. MessageError where layout and data do not agree."""
    shape = tuple(int(axis.size) for axis in message.layout.dim)
    count = len(message.data)
    if count > MAX_SAMPLES or int(message.layout.data_offset):
        raise MessageError(f"a frame of {count} numbers, over {MAX_SAMPLES}, or one with an offset")
    if len(shape) != len(AXES) or int(np.prod(shape, dtype=object)) != count:
        raise MessageError(f"a layout of {shape} for {count} numbers, not {AXES}")
    try:
        cube = RadarCube(np.array(message.data, np.int16).reshape(shape))
    except ValueError as error:
        raise MessageError(f"a frame of samples: {error}") from None
    return Stamped(seq, 0, 0, FRAME, cube)


def points_to_message(sample: Stamped[RadarPoints]) -> Any:
    """sensor_msgs/PointCloud2 of one row."""
    points, message = sample.value, PointCloud2()
    sec, nanosec = divmod(sample.host_time_ns, 1_000_000_000)
    message.header.stamp = Time(sec=sec, nanosec=nanosec)
    message.header.frame_id = sample.frame_id
    message.height, message.width = 1, len(points)
    message.fields = [
        PointField(name=name, offset=4 * at, datatype=PointField.FLOAT32, count=1)
        for at, name in enumerate(FIELDS)
    ]
    message.is_bigendian, message.point_step = False, POINT_BYTES
    message.row_step = POINT_BYTES * len(points)
    message.is_dense = bool(np.isfinite(points.column("snr_db")).all())
    rest = [points.column("radial_velocity_mps"), points.column("snr_db")]
    table = np.column_stack([points.xyz_m, *rest]).astype("<f4")
    message.data.frombytes(table.tobytes())
    return message


def points_from_message(message: Any, seq: int) -> Stamped[RadarPoints]:
    """MessageError for a cloud of other fields or sizes."""
    names = tuple(field.name for field in message.fields)
    count = int(message.width) * int(message.height)
    if names != FIELDS or int(message.point_step) != POINT_BYTES or message.is_bigendian:
        raise MessageError(f"sensor_msgs/PointCloud2: fields {names}, not {FIELDS} as float32")
    if count > CAPACITY or len(message.data) != count * POINT_BYTES:
        raise MessageError(f"sensor_msgs/PointCloud2: {count} points, {len(message.data)} bytes")
    table = np.frombuffer(bytes(message.data), "<f4").reshape(-1, len(FIELDS)).astype(np.float64)
    x, y, z, rate, snr = table.T
    level = np.hypot(x, y)
    polar = [np.hypot(level, z), np.arctan2(y, x), np.arctan2(z, level), rate, snr]
    try:
        points = RadarPoints.of(np.stack(polar, axis=1))
    except ValueError as error:
        raise MessageError(f"sensor_msgs/PointCloud2: {error}") from None
    stamp = message.header.stamp
    time_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
    return Stamped(seq, time_ns, time_ns, message.header.frame_id or FRAME, points)


SAMPLES: Codec[Frame] = Codec(Int16MultiArray, cube_to_message, cube_from_message)
POINTS: Codec[RadarPoints] = Codec(PointCloud2, points_to_message, points_from_message)


@contextmanager
def open_chain(_: Callable[[], RadarRosConfig]) -> Iterator[Step]:
    """The chain on samples; points of a sensor that has a chain of its own go as they are."""
    chain = RadarChain()

    def step(sample: Stamped[Frame]) -> Stamped[RadarPoints]:
        value = sample.value
        if isinstance(value, RadarPoints):
            return sample.with_value(value)
        return sample.with_value(chain.step(sample.with_value(value)).value.points())

    yield step


def open_radar(config: RadarRosConfig) -> Driver[Frame] | None:
    """The radar that the parameters name, not open yet."""
    if not config.radar:
        return None
    if config.radar.get("kind") not in KINDS:
        raise ConfigError(f"radar: kind is one of {', '.join(KINDS)}")
    return create(config.radar)


WIRING = Wiring(
    name="radar",
    config=RadarRosConfig(),
    pipeline=open_chain,
    subscribes=(SAMPLES, "samples"),
    publishes=(POINTS, "points"),
    driver=open_radar,
)


def main() -> None:
    """Configure, activate and spin."""
    try:
        run(WIRING, autostart=True, arguments=sys.argv[1:])
    except LingnanError as error:
        sys.exit(f"radar: {error}")


if __name__ == "__main__":
    main()
