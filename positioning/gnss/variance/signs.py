"""Signs of how far off a code and a phase are, from what a receiver tells up to that epoch.

Strength and its loss, elevation, what codes and rates leave beside a rough place, whether codes,
phases and Doppler change alike, and since when the signal is locked. None of them needs a truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.satellite import BANDS, SPEED_OF_LIGHT_MPS
from positioning.gnss.variance.leftovers import Leftovers, leftovers
from positioning.jit import compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SIGNS = (
    "strength", "sine", "below_best", "unsteady", "late", "early", "off", "off_lately",
    "rate_off", "rate_off_lately", "code_beside_phase", "code_beside_phase_lately",
    "phase_beside_rate", "lock", "slip", "epoch_off", "epoch_rate_off", "epoch_strength", "many",
    "band",
)  # fmt: skip
"""Names of the columns."""

_LATELY_S = 4.0
_BEST_DB_PER_S = 0.05
_GAP_S = 2.5  # after which a signal's history is begun anew
_NO_CN0 = 35.0
_MOST_S = 60.0
_SATELLITES = 800


class Watcher:
    """Fed epochs in their order, one or many at a time; what it saw before counts."""

    def __init__(self, orbits: BroadcastOrbits) -> None:
        self._orbits = orbits
        self._near = np.full(3, np.nan)
        self._memory = np.full((_SATELLITES, BANDS, 11), np.nan)

    def signs(self, observations: Observations) -> NDArray[np.float32] | None:
        """(N, BANDS, SIGNS) of all rows, zero where there is no code; None before any place."""
        found = leftovers(observations, self._orbits, self._near) if len(observations) else None
        if found is None:
            return None
        left, self._near = found
        return _signs(observations, left, self._memory)


def _signs(observations: Observations, left: Leftovers, memory: F64) -> NDArray[np.float32]:
    out = np.zeros((*observations.code_m.shape, len(SIGNS)))
    wave = SPEED_OF_LIGHT_MPS / observations.frequency_hz
    told = observations.cn0_dbhz.astype(np.float64)
    seen = np.where(np.isnan(told), _NO_CN0, told)
    time_s = observations.week * 604_800.0 + observations.tow_s
    _fill(observations.first, time_s, observations.satellite, observations.code_m,
          observations.phase_cycles * wave, -observations.doppler_hz * wave, seen,
          observations.slip, observations.half_cycle, left, memory, out)  # fmt: skip
    return out.astype(np.float32)


@compiled
def _of_epoch(low: int, high: int, left: Leftovers, cn0: F64, code: F64) -> F64:
    """(4,) what codes and rates leave in the middle, the middle strength, and how many."""
    here = np.flatnonzero(np.isfinite(code[low:high].copy().ravel()))
    out = np.zeros(4)
    if len(here) == 0:
        return out
    off = np.abs(left.code_m[low:high].copy().ravel()[here])
    rate = np.abs(left.rate_mps[low:high].copy().ravel()[here])
    rate = rate[np.isfinite(rate)]
    out[0] = np.log1p(np.median(off))
    out[1] = np.log1p(np.median(rate) / 0.05) if len(rate) else 0.0
    out[2] = np.median(cn0[low:high].copy().ravel()[here]) / 10 - 4
    out[3] = np.log1p(len(here)) - 3
    return out


@compiled
def _fill(
    first: I64, time_s: F64, satellite: NDArray[np.int16], code: F64, phase: F64, rate: F64,
    cn0: F64, slip: NDArray[np.bool_], half: NDArray[np.bool_], left: Leftovers, memory: F64,
    out: F64,
) -> None:  # fmt: skip
    # memory, of each signal: last time, code, phase, rate, strength, best, locked since, and four
    # running means
    for e in range(len(time_s)):
        epoch = _of_epoch(first[e], first[e + 1], left, cn0, code)
        for n in range(first[e], first[e + 1]):
            for b in range(BANDS):
                if not np.isfinite(code[n, b]):
                    continue
                lost = slip[n, b] or half[n, b]
                now = (time_s[e], code[n, b], phase[n, b], rate[n, b], cn0[n, b])
                late = (left.code_m[n, b], left.rate_mps[n, b])
                row = out[n, b]
                _one(memory[satellite[n], b], now, late, slip[n, b], row)
                row[1], row[14], row[19] = left.sine[n], 1.0 * lost, 1.0 * (b > 0)
                row[15:19] = epoch


@compiled
def _one(
    memory: F64, now: tuple[float, float, float, float, float], late: tuple[float, float],
    slip: bool, row: F64,
) -> None:  # fmt: skip
    """The signs of one signal at one epoch, and its memory after it."""
    time, code, phase, rate, cn0 = now
    gap = time - memory[0]
    if not gap < _GAP_S:
        memory[5], memory[6], memory[7:] = cn0, time, 0.0
        gap = np.nan
    best = max(cn0, memory[5] - _BEST_DB_PER_S * (gap if gap > 0 else 0.0))
    step = abs(cn0 - memory[4]) if gap > 0 else 0.0
    off = np.log1p(abs(late[0]))
    rate_off = np.log1p(abs(late[1]) / 0.05) if np.isfinite(late[1]) else 0.0
    beside, apart = 0.0, 0.0
    moved = phase - memory[2]
    if gap > 0 and np.isfinite(moved) and not slip:
        beside = np.log1p(abs(code - memory[1] - moved) / 0.2)
        apart = moved / gap - (rate + memory[3]) / 2
        apart = np.log1p(abs(apart) / 0.05) if np.isfinite(apart) else 0.0
    if slip or not np.isfinite(moved):
        memory[6] = time
    share = 1 - np.exp(-gap / _LATELY_S) if gap > 0 else 1.0
    new = (step, off, rate_off, beside)
    for k in range(4):
        memory[7 + k] += share * (new[k] - memory[7 + k])
    memory[0], memory[1], memory[2], memory[3], memory[4], memory[5] = (
        time, code, phase, rate, cn0, best,
    )  # fmt: skip
    row[0], row[2], row[3] = cn0 / 10 - 4, (best - cn0) / 10, memory[7]
    row[4], row[5] = np.log1p(max(late[0], 0.0)), np.log1p(max(-late[0], 0.0))
    row[6], row[7], row[8], row[9] = off, memory[8], rate_off, memory[9]
    row[10], row[11], row[12] = beside, memory[10], apart
    row[13] = np.log1p(min(time - memory[6], _MOST_S))
