"""What S4-D2-R4 promises: the sorting rows before they are measured."""

from __future__ import annotations

from common.acceptance.indicator import Comparator, Indicator
from common.drivers.plc.config import SorterSettings
from inspection.sorting.sorter import GUARD_MM

SETTINGS = SorterSettings()
SPEED_MM_S = 500.0
FIRST_EJECTOR_MS = 1e3 * SETTINGS.lanes_mm[0] / SPEED_MM_S
DEADLINE_MS = 1e3 * (SETTINGS.second_mm - SETTINGS.tolerance_mm - GUARD_MM) / SPEED_MM_S


def _row(
    name: str, claim: str, method: str, unit: str, comparator: Comparator, target: float
) -> Indicator:
    row = f"S4-D2-R4/{name}"
    return Indicator(row, claim, "智能分拣", unit, comparator, target, "simulated", method)


BINS = _row(
    "bins",
    "A part that was decided correctly lands in the bin of its class.",
    "Simulated belt at 0.5 m/s, random gaps, slip, missed and double triggers, parts too close, "
    "late verdicts; decisions of the shipped network on pictures of SMD parts; an ejector's paddle "
    "decides where a part lands. Recheck counts as not landed in its bin.",
    "fraction",
    ">=",
    0.99,
)
STALL = _row(
    "stall",
    "No defective part reaches the good bin when PLC, network or host fail.",
    "PLC stalled or restarted, network cut, heartbeat lost, host hanging, 0.02 to 1 s at random "
    "moments of a shift in simulated time and over sockets; classes are known, so that every "
    "escape is the sorter's.",
    "parts",
    "<=",
    0,
)
NOTICED = _row(
    "stall-noticed",
    "A stalled PLC or a cut network shows as DEGRADED or worse within 0.5 s.",
    "Real sockets on this machine; from the begin of the outage until the driver leaves READY.",
    "fraction",
    ">=",
    0.99,
)
BACK = _row(
    "stall-back",
    "The line runs again within 2 s after the outage, once it is reset.",
    "From the end of the outage until the driver is READY and the belt runs; the operator's reset, "
    "without which nothing moves, comes as soon as it is accepted.",
    "fraction",
    ">=",
    0.99,
)


def _latency(protocol: str, name: str) -> Indicator:
    return _row(
        f"latency-{protocol}",
        f"Over {name} the order is with the PLC before its part is at the second light barrier.",
        "p99 from the camera's trigger to the order in the PLC: status over the socket, picture, "
        f"network, order over the socket. Belt at 0.5 m/s: the last moment is at {DEADLINE_MS:.0f} "
        f"ms, the first ejector at {FIRST_EJECTOR_MS:.0f} ms. PLC and server share the machine.",
        "ms",
        "<",
        round(DEADLINE_MS, 1),
    )


LATENCIES = (_latency("modbus", "Modbus TCP"), _latency("opcua", "OPC UA"))
