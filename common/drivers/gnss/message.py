"""GnssEpoch as lingnan_msgs/msg/GnssEpoch: ROS 2 has no message for raw observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from common.drivers.gnss.view import octets
from common.drivers.messages import HEADER_DEFINITION, Codec, header
from common.types.gnss import MAX_SIGNALS, SIGNAL, GnssEpoch
from common.types.stamped import Stamped

MAX_FRAMES, MAX_FRAME_BYTES = 1024, 8200
NO_LEAP = -128  # of leap_s: the receiver does not know

_RULE = "=" * 80
DEFINITION = f"""\
std_msgs/Header header
uint16 week
float64 tow_s
int8 leap_s
bool clock_reset
lingnan_msgs/GnssSignal[] signals
lingnan_msgs/GnssFrame[] navigation
{_RULE}
MSG: lingnan_msgs/GnssSignal
string satellite
string signal
float64 code_m
float64 phase_cycles
float64 doppler_hz
float32 cn0_dbhz
float32 lock_s
bool half_cycle
float64 frequency_hz
{_RULE}
MSG: lingnan_msgs/GnssFrame
uint8[] data
{HEADER_DEFINITION}"""

_NAMES = SIGNAL.names or ()


def _encode(sample: Stamped[GnssEpoch]) -> dict[str, Any]:
    epoch = sample.value
    rows = [dict(zip(_NAMES, row, strict=True)) for row in epoch.signals.tolist()]
    for row in rows:
        row["satellite"], row["signal"] = row["satellite"].decode(), row["signal"].decode()
    return {
        "header": header(sample),
        "week": epoch.week,
        "tow_s": epoch.tow_s,
        "leap_s": NO_LEAP if epoch.leap_s is None else epoch.leap_s,
        "clock_reset": epoch.clock_reset,
        "signals": rows,
        "navigation": [{"data": frame} for frame in epoch.navigation],
    }


def _decode(message: Any, attributes: Mapping[str, Any]) -> GnssEpoch:
    if len(message.signals) > MAX_SIGNALS or len(message.navigation) > MAX_FRAMES:
        raise ValueError(f"{len(message.signals)} signals and {len(message.navigation)} frames")
    told = [tuple(getattr(row, name) for name in _NAMES) for row in message.signals]
    navigation = tuple(bytes(frame.data) for frame in message.navigation)
    if any(len(frame) > MAX_FRAME_BYTES for frame in navigation):
        raise ValueError(f"a navigation frame of over {MAX_FRAME_BYTES} bytes")
    return GnssEpoch.make(
        int(message.week),
        float(message.tow_s),
        np.array(told, SIGNAL),
        leap_s=None if message.leap_s == NO_LEAP else int(message.leap_s),
        clock_reset=bool(message.clock_reset),
        navigation=navigation,
    ).padded()


EPOCH: Codec[GnssEpoch] = Codec(
    kind="gnss",
    schema="lingnan_msgs/msg/GnssEpoch",
    definition=DEFINITION,
    encode=_encode,
    decode=_decode,
    attributes=lambda epoch: {},
    view=octets,
)
"""A recorded receiver."""
