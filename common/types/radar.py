"""What a radar delivers: raw samples behind its mixers, or the points that it found in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_SAMPLES = 64 * 2**20  # of a cube; bounds what untrusted input may ask for
CAPACITY = 1024  # points of a frame; above any automotive radar here


@dataclass(frozen=True, slots=True, eq=False)
class RadarCube:
    """One frame of intermediate-frequency samples of a chirp-sequence (FMCW) MIMO radar.

    adc: (loops, tx, rx, samples, 2) int16, C-contiguous: the chirps in the order in which they
        were sent, each transmitter once a loop, then receivers, samples of one chirp, I and Q.
    """

    adc: NDArray[np.int16]

    def __post_init__(self) -> None:
        shape = self.adc.shape
        if self.adc.dtype != np.int16 or self.adc.ndim != 5 or shape[-1] != 2:
            raise ValueError(
                f"adc needs int16 (loops, tx, rx, samples, 2), got {self.adc.dtype} {shape}"
            )
        if not 0 < self.adc.size <= MAX_SAMPLES:
            raise ValueError(f"a cube of {shape} is empty or over {MAX_SAMPLES} samples")
        if not self.adc.flags.c_contiguous:
            raise ValueError("adc must be C-contiguous (numpy.ascontiguousarray)")


COLUMNS = ("range_m", "azimuth_rad", "elevation_rad", "radial_velocity_mps", "snr_db")


@dataclass(frozen=True, slots=True, eq=False)
class RadarPoints:
    """The points of one frame in the radar's frame: x forward, y to the left, z up (REP-103).

    table: (CAPACITY, 5) float32, C-contiguous: a point a row in the order of COLUMNS, rows without
        a point NaN and behind the others. Azimuth is positive to the left, elevation positive up,
        radial velocity (range rate) positive where the range grows. A radar without elevation
        gives zeros there; snr_db may be NaN where it is not told.
    """

    table: NDArray[np.float32]

    def __post_init__(self) -> None:
        table = self.table
        if table.dtype != np.float32 or table.shape != (CAPACITY, len(COLUMNS)):
            raise ValueError(
                f"table needs float32 {CAPACITY, len(COLUMNS)}, got {table.dtype} {table.shape}"
            )
        if not table.flags.c_contiguous:
            raise ValueError("table must be C-contiguous (numpy.ascontiguousarray)")
        known, rest = table[: len(self)], table[len(self) :]
        if not np.isfinite(known[:, :4]).all() or np.isinf(known[:, 4]).any():
            raise ValueError("a point needs finite range, angles and radial velocity")
        if not np.isnan(rest).all():
            raise ValueError("rows without a point must be NaN and behind the others")
        if (known[:, 0] < 0).any():
            raise ValueError("range_m must be >= 0")

    @classmethod
    def of(cls, columns: NDArray[np.floating[Any]]) -> RadarPoints:
        """From (N, 5) values; ValueError over CAPACITY points."""
        if columns.ndim != 2 or columns.shape[1] != len(COLUMNS) or len(columns) > CAPACITY:
            raise ValueError(f"points of {columns.shape}, not (up to {CAPACITY}, {len(COLUMNS)})")
        table = np.full((CAPACITY, len(COLUMNS)), np.nan, np.float32)
        table[: len(columns)] = columns
        return cls(table)

    def __len__(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.table[:, 0])))

    def column(self, name: str) -> NDArray[np.float32]:
        """(N,) float32 of one of COLUMNS."""
        return self.table[: len(self), COLUMNS.index(name)]

    @property
    def xyz_m(self) -> NDArray[np.float32]:
        """(N, 3) float32, positions in the radar's frame."""
        radius, azimuth, elevation = self.table[: len(self), :3].T
        level = radius * np.cos(elevation)
        columns = level * np.cos(azimuth), level * np.sin(azimuth), radius * np.sin(elevation)
        return np.stack(columns, axis=1)
