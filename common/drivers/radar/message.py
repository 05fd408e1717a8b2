"""RadarPoints as sensor_msgs/msg/PointCloud2: x, y, z for every viewer, and what a radar adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from common.drivers.messages import HEADER_DEFINITION, Codec, header
from common.drivers.radar.sim import table
from common.types.radar import CAPACITY, COLUMNS, RadarPoints
from common.types.stamped import Stamped

_RULE = "=" * 80
DEFINITION = f"""\
std_msgs/Header header
uint32 height
uint32 width
sensor_msgs/PointField[] fields
bool is_bigendian
uint32 point_step
uint32 row_step
uint8[] data
bool is_dense
{_RULE}
MSG: sensor_msgs/PointField
string name
uint32 offset
uint8 datatype
uint32 count
{HEADER_DEFINITION}"""

PLACE = ("x", "y", "z")
FLOAT32 = 7  # sensor_msgs/msg/PointField.FLOAT32
MAX_FIELDS, MAX_STEP = 64, 1024


def _encode(sample: Stamped[RadarPoints]) -> dict[str, Any]:
    points = sample.value
    columns = np.hstack([points.xyz_m, points.table[: len(points)]]).astype("<f4")
    names = (*PLACE, *COLUMNS)
    fields = [
        {"name": name, "offset": 4 * k, "datatype": FLOAT32, "count": 1}
        for k, name in enumerate(names)
    ]
    return {
        "header": header(sample),
        "height": 1,
        "width": len(points),
        "fields": fields,
        "is_bigendian": False,
        "point_step": 4 * len(names),
        "row_step": 4 * len(names) * len(points),
        "data": columns.tobytes(),
        "is_dense": False,
    }


def _decode(message: Any, attributes: Mapping[str, Any]) -> RadarPoints:
    """Range, angles, range rate and SNR where they are told; else range and angles from x, y, z
    and the range rate from a field "velocity" or "doppler". ValueError when neither is there."""
    offsets = _offsets(message)
    rows = _rows(message)

    def column(name: str) -> Any:
        at = offsets[name]
        return np.ascontiguousarray(rows[:, at : at + 4]).view("<f4")[:, 0]

    if all(name in offsets for name in COLUMNS):
        return RadarPoints.of(np.stack([column(name) for name in COLUMNS], axis=1))
    rate = next((name for name in ("velocity", "doppler") if name in offsets), None)
    if rate is None or not all(name in offsets for name in PLACE):
        raise ValueError(f"fields {sorted(offsets)} tell no place and range rate")
    x, y, z = (column(name).astype(np.float64) for name in PLACE)
    level = np.hypot(x, y)
    snr = column("snr") if "snr" in offsets else np.full(len(x), np.nan)
    columns = np.hypot(level, z), np.arctan2(y, x), np.arctan2(z, level), column(rate), snr
    return RadarPoints.of(np.stack(columns, axis=1))


def _offsets(message: Any) -> dict[str, int]:
    """Where each float32 field lies in a point. ValueError when one reaches over the point."""
    step = int(message.point_step)
    if len(message.fields) > MAX_FIELDS or not 0 < step <= MAX_STEP:
        raise ValueError(f"{len(message.fields)} fields in points of {step} bytes")
    offsets = {
        str(field.name): int(field.offset)
        for field in message.fields
        if field.datatype == FLOAT32 and field.count == 1
    }
    if any(offset + 4 > step for offset in offsets.values()):
        raise ValueError(f"a field reaches over its point of {step} bytes")
    return offsets


def _rows(message: Any) -> Any:
    """(N, point_step) bytes. ValueError when the sizes do not agree; they are checked first."""
    count, step = int(message.height) * int(message.width), int(message.point_step)
    if message.is_bigendian:
        raise ValueError("big-endian points")
    if count > CAPACITY:
        raise ValueError(f"{count} points are over {CAPACITY}")
    if message.height > 1 and message.row_step != int(message.width) * step:
        raise ValueError("rows of points with gaps between them")
    if len(message.data) != count * step:
        raise ValueError(f"{len(message.data)} bytes are not {count} points of {step}")
    return np.frombuffer(message.data, np.uint8).reshape(count, step)


def _attributes(points: RadarPoints) -> dict[str, Any]:
    return {}


POINTS: Codec[RadarPoints] = Codec(
    kind="radar",
    schema="sensor_msgs/msg/PointCloud2",
    definition=DEFINITION,
    encode=_encode,
    decode=_decode,
    attributes=_attributes,
    view=table,
)
