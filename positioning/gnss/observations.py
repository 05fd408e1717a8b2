"""What a receiver observed, as arrays over a whole file: the form that every method works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import DTypeLike, NDArray

from positioning.gnss.satellite import BANDS

_ROW_FIELDS: dict[str, DTypeLike] = {
    "satellite": np.int16,
    "code_m": np.float64,
    "phase_cycles": np.float64,
    "doppler_hz": np.float32,
    "cn0_dbhz": np.float32,
    "slip": np.bool_,
    "half_cycle": np.bool_,
    "signal": np.dtype("S2"),
    "frequency_hz": np.float64,
}


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Epochs E of rows N (one satellite at one epoch) of BANDS slots; NaN is not observed.

    week, tow_s: (E,) int32, float64, receive time by the receiver's clock, GPS time scale.
    first: (E + 1,) int64, the rows of epoch e are first[e]:first[e + 1], by rising satellite.
    satellite: (N,) int16, see positioning.gnss.satellite.
    code_m, phase_cycles: (N, BANDS) float64; phase grows with range (RINEX sign).
    doppler_hz: (N, BANDS) float32, positive when the satellite approaches (RINEX sign).
    cn0_dbhz: (N, BANDS) float32.
    slip: (N, BANDS) bool, lost lock since the last epoch (LLI bit 0).
    half_cycle: (N, BANDS) bool, half-cycle ambiguity not resolved (LLI bit 1).
    signal: (N, BANDS) S2, RINEX band digit and tracking attribute, b"1C"; b"" is none.
    frequency_hz: (N, BANDS) float64, carrier; NaN where there is no signal.
    approx_position_m: (3,) float64, ECEF from the file's header, or None.
    """

    week: NDArray[np.int32]
    tow_s: NDArray[np.float64]
    first: NDArray[np.int64]
    satellite: NDArray[np.int16]
    code_m: NDArray[np.float64]
    phase_cycles: NDArray[np.float64]
    doppler_hz: NDArray[np.float32]
    cn0_dbhz: NDArray[np.float32]
    slip: NDArray[np.bool_]
    half_cycle: NDArray[np.bool_]
    signal: NDArray[np.bytes_]
    frequency_hz: NDArray[np.float64]
    approx_position_m: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        epochs, rows = len(self.tow_s), len(self.satellite)
        if self.week.shape != (epochs,) or self.first.shape != (epochs + 1,):
            raise ValueError("week, tow_s and first must tell of the same epochs")
        if self.first[0] != 0 or self.first[-1] != rows or np.any(np.diff(self.first) < 0):
            raise ValueError("first must rise from 0 to the number of rows")
        for name, dtype in _ROW_FIELDS.items():
            array = getattr(self, name)
            shape = (rows,) if name == "satellite" else (rows, BANDS)
            if array.shape != shape or array.dtype != dtype:
                told = f"{array.dtype} {array.shape}"
                raise ValueError(f"{name} must be {np.dtype(dtype)} {shape}, got {told}")

    def __len__(self) -> int:
        """Epochs."""
        return len(self.tow_s)

    @property
    def epoch_of_row(self) -> NDArray[np.int64]:
        """(N,) the epoch that each row belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def epochs(self, start: int, stop: int) -> Observations:
        """Epochs start to stop as views of the same arrays."""
        low, high = int(self.first[start]), int(self.first[stop])
        rows = {name: getattr(self, name)[low:high] for name in _ROW_FIELDS}
        return Observations(
            week=self.week[start:stop],
            tow_s=self.tow_s[start:stop],
            first=self.first[start : stop + 1] - low,
            approx_position_m=self.approx_position_m,
            **rows,
        )

    def __iter__(self) -> Iterator[Observations]:
        """One epoch after the other, for what works in real time."""
        return (self.epochs(e, e + 1) for e in range(len(self)))

    def where(self, keep: NDArray[np.bool_]) -> Observations:
        """Only the rows (N,) that are to be kept; epochs stay, even empty ones."""
        kept_before = np.concatenate(([0], np.cumsum(keep)))
        rows = {name: getattr(self, name)[keep] for name in _ROW_FIELDS}
        return Observations(
            week=self.week,
            tow_s=self.tow_s,
            first=kept_before[self.first].astype(np.int64),
            approx_position_m=self.approx_position_m,
            **rows,
        )


def join(parts: list[Observations]) -> Observations:
    """Epochs of several in their order, e.g. what a driver gave one at a time."""
    if not parts:
        raise ValueError("nothing to join")
    offsets = np.cumsum([0] + [len(p.satellite) for p in parts[:-1]])
    first = [p.first[:-1] + o for p, o in zip(parts, offsets, strict=True)]
    total = sum(len(p.satellite) for p in parts)
    together = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts])
        for f in fields(Observations)
        if f.name not in ("first", "approx_position_m")
    }
    return Observations(
        first=np.append(np.concatenate(first), total).astype(np.int64),
        approx_position_m=parts[0].approx_position_m,
        **together,
    )
