"""A node's health as diagnostic_msgs, as rqt_robot_monitor and Foxglove show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from common.drivers.base import Health, State
from common.ros.ros2 import DiagnosticArray, DiagnosticStatus, KeyValue

TOPIC = "/diagnostics"
PERIOD_S = 1.0

_LEVELS = {
    State.READY: DiagnosticStatus.OK,
    State.DEGRADED: DiagnosticStatus.WARN,
    State.UNAVAILABLE: DiagnosticStatus.ERROR,
}


def diagnostics(name: str, health: Health, facts: Mapping[str, object], stamp: Any) -> Any:
    """A DiagnosticArray of one status; `facts` stand beside the driver's counters."""
    values = asdict(health.counters) | dict(facts)
    status = DiagnosticStatus(
        level=_LEVELS[health.state],
        name=name,
        message=health.reason or health.state.value,
        hardware_id=name,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )
    message = DiagnosticArray(status=[status])
    message.header.stamp = stamp
    return message
