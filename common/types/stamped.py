"""A value with its sequence number, its two clocks and its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Stamped(Generic[T]):
    """A sample as a driver hands it over.

    seq: counts samples of one opened stream, strictly increasing; a gap is a lost sample.
    device_time_ns: the device's own clock at the start of exposure or measurement; it may drift.
    host_time_ns: the host's Unix clock when the sample arrived.
    frame_id: the coordinate frame of the value (REP-103, REP-105), e.g. "camera_optical".
    """

    seq: int
    device_time_ns: int
    host_time_ns: int
    frame_id: str
    value: T

    def __post_init__(self) -> None:
        if self.seq < 0:
            raise ValueError(f"seq must be >= 0, got {self.seq}")
        if self.device_time_ns < 0 or self.host_time_ns < 0:
            raise ValueError("device_time_ns and host_time_ns must be >= 0")
        if not self.frame_id:
            raise ValueError("frame_id must not be empty")

    def with_value(self, value: Any) -> Stamped[Any]:
        """The same stamp on another value, for results derived from this sample."""
        return Stamped(self.seq, self.device_time_ns, self.host_time_ns, self.frame_id, value)
