"""One epoch of raw GNSS observations, as a receiver hands it over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

WEEK_S = 604_800
MAX_SIGNALS = 256
"""Signals of one epoch: above any receiver here; bounds what untrusted input may ask for."""

SIGNAL = np.dtype([
    ("satellite", "S3"), ("signal", "S2"),
    ("code_m", "f8"), ("phase_cycles", "f8"), ("doppler_hz", "f8"), ("cn0_dbhz", "f4"),
    ("lock_s", "f4"), ("half_cycle", "?"), ("frequency_hz", "f8"),
])  # fmt: skip
"""One signal of one satellite; NaN is not observed.

satellite: RINEX name, b"G07". signal: RINEX band digit and tracking attribute, b"1C".
phase_cycles grows with range, doppler_hz is positive when the satellite approaches (RINEX signs).
lock_s: how long the phase has been tracked without loss; it falls when lock was lost.
half_cycle: half-cycle ambiguity not resolved. frequency_hz: carrier, of a GLONASS channel its own.
"""

_SYSTEMS = np.frombuffer(b"GRECJSI", "S1")


@dataclass(frozen=True, slots=True, eq=False)
class GnssEpoch:
    """What one receiver observed at one time, and what satellites told since the epoch before.

    week, tow_s: receive time by the receiver's clock in GPS time; week 0 while it is not known.
    table: (N <= MAX_SIGNALS,) of SIGNAL, of which the first `count` rows are observed.
    leap_s: GPS time less UTC, None where the receiver does not know it.
    clock_reset: the receiver's clock was set since the epoch before: phases may have jumped.
    navigation: frames with broadcast messages and the station's place (UBX RXM-SFRBX, RTCM 1005,
        1019, ...), whole as received.
    """

    week: int
    tow_s: float
    table: NDArray[Any]
    count: int
    leap_s: int | None = None
    clock_reset: bool = False
    navigation: tuple[bytes, ...] = ()

    @classmethod
    def make(cls, week: int, tow_s: float, signals: NDArray[Any], **more: Any) -> Self:
        """From (N,) of SIGNAL, N up to MAX_SIGNALS; ValueError when they are no such rows."""
        return cls(week, tow_s, signals, len(signals), **more)

    def __post_init__(self) -> None:
        if self.table.ndim != 1 or len(self.table) > MAX_SIGNALS or self.table.dtype != SIGNAL:
            told = f"{self.table.dtype} {self.table.shape}"
            raise ValueError(f"table must be (N <= {MAX_SIGNALS},) of SIGNAL, got {told}")
        if not 0 <= self.count <= len(self.table):
            raise ValueError(f"count must be within 0..{len(self.table)}, got {self.count}")
        if not (0 <= self.week < 1 << 16 and 0 <= self.tow_s <= WEEK_S):
            raise ValueError(f"week {self.week}, second {self.tow_s} is no GPS time")
        if not np.isin(self.signals["satellite"].astype("S1"), _SYSTEMS).all():
            raise ValueError("a satellite's name does not begin with G, R, E, C, J, S or I")

    def padded(self) -> Self:
        """The same epoch with a table of MAX_SIGNALS rows, the form in which drivers hand it over:
        every sample then has the shape that was declared."""
        table = np.zeros(MAX_SIGNALS, SIGNAL)
        table[: self.count] = self.signals
        return replace(self, table=table)

    @property
    def signals(self) -> NDArray[Any]:
        """(count,) of SIGNAL, what was observed."""
        return self.table[: self.count]

    @property
    def time_ns(self) -> int:
        """Nanoseconds of GPS time, since 1980-01-06."""
        return self.week * WEEK_S * 1_000_000_000 + round(self.tow_s * 1e9)
