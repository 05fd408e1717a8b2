"""How values travel in a recording: ROS 2 messages in CDR, and what those have no field for.

Each sample is two messages: the standard one of its kind on `topic`, which every ROS tool opens,
and a SampleInfo on `topic`/sample_info with the rest of the stamp, so that nothing is lost.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mcap.records import Schema
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap_ros2.decoder import DecoderFactory

from common.drivers.base import ConfigError
from common.drivers.stream import View
from common.types.stamped import Stamped

T = TypeVar("T")

INFO_SUFFIX = "/sample_info"
INFO_SCHEMA = "lingnan_msgs/msg/SampleInfo"
INFO_DEFINITION = """\
uint64 seq
int64 device_time_ns
int64 host_time_ns
uint32 checksum
string attributes_json
"""

_RULE = "=" * 80
HEADER_DEFINITION = f"""\
{_RULE}
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
{_RULE}
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """A kind's value as a ROS 2 message.

    schema, definition: the message's name and its full, concatenated definition.
    encode: sample -> message as nested plain values. decode: (message, attributes) -> value;
    ValueError when they do not hold together. attributes: what the message has no field for, as
    JSON values. view: the value's array.
    """

    kind: str
    schema: str
    definition: str
    encode: Callable[[Stamped[T]], dict[str, Any]]
    decode: Callable[[Any, Mapping[str, Any]], T]
    attributes: Callable[[T], dict[str, Any]]
    view: View[T]


CODECS: dict[str, str] = {
    "camera": "common.drivers.camera.message:IMAGE",
    "gnss": "common.drivers.gnss.message:EPOCH",
    "imu": "common.drivers.imu.message:IMU",
    "radar": "common.drivers.radar.message:POINTS",
}


def codec(kind: str) -> Codec[Any]:
    """The codec of a kind of driver. ConfigError when the kind cannot be recorded yet."""
    if kind not in CODECS:
        raise ConfigError(f"{kind!r} cannot be recorded; can: {', '.join(sorted(CODECS))}")
    module, _, name = CODECS[kind].partition(":")
    found: Codec[Any] = getattr(importlib.import_module(module), name)
    return found


def header(sample: Stamped[Any]) -> dict[str, Any]:
    """A std_msgs/Header: the host's time, so that recordings of several devices line up."""
    sec, nanosec = divmod(sample.host_time_ns, 1_000_000_000)
    return {"stamp": {"sec": sec, "nanosec": nanosec}, "frame_id": sample.frame_id}


def stamp_ns(message: Any) -> int:
    """The time of a message with a header, in nanoseconds."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def decoder(schema: str, definition: str) -> Callable[[bytes], Any]:
    """Reads CDR by our definition of the message; the file's own text is not parsed."""
    record = Schema(id=1, data=definition.encode(), encoding=SchemaEncoding.ROS2, name=schema)
    decode: Callable[[bytes], Any] = DecoderFactory().decoder_for(MessageEncoding.CDR, record)
    return decode
