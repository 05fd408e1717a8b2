"""The filter's states from one epoch to the next: which stay, which begin, which are forgotten.

Key of a state: negative for the position and the zenith delay, a difference's key for its
ambiguity, and IONOSPHERE + satellite for a satellite's slant delay.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.rtk.arrays import CORE, F64, I64, Differences, Flags, State
from positioning.gnss.rtk.tuning import Tuning
from positioning.jit import compiled

ZENITH = -CORE - 1
IONOSPHERE = 1 << 50
REFUSALS = 2  # in a row, after which an ambiguity is taken to have slipped unseen


@compiled
def positions_of(keys: I64, wanted: I64) -> I64:
    """Where each wanted key stands among the keys; -1 where it does not."""
    order = np.argsort(keys)
    ordered = keys[order]
    at = np.searchsorted(ordered, wanted)
    found = np.full(len(wanted), -1, np.int64)
    for m in range(len(wanted)):
        if at[m] < len(keys) and ordered[at[m]] == wanted[m]:
            found[m] = order[at[m]]
    return found


@compiled
def _kept(state: State, differences: Differences, slipped: Flags, time_s: float, t: Tuning) -> I64:
    """Indices of the states that live on."""
    keep = np.ones(len(state.key), np.bool_)
    for i in range(CORE, len(keep)):
        stale = time_s - state.seen_s[i] > t.longest_gap_s
        if state.key[i] >= 0 and (stale or state.refused[i] >= REFUSALS):
            keep[i] = False
    at = positions_of(state.key, differences.key)
    for m in range(len(at)):
        if at[m] >= 0 and (slipped[m] or differences.half[m] != state.half[at[m]]):
            keep[at[m]] = False
    return np.flatnonzero(keep)


@compiled
def _began(kept: I64, differences: Differences, baseline_km: float, tuning: Tuning) -> I64:
    """Keys of the states to begin."""
    keys = [np.int64(0) for _ in range(0)]
    slanted = baseline_km >= tuning.slant_from_km
    if baseline_km >= tuning.zenith_from_km and not np.any(kept == ZENITH):
        keys.append(np.int64(ZENITH))
    have = positions_of(kept, differences.key)
    slant = positions_of(kept, IONOSPHERE + differences.satellite)
    last = np.int64(-1)
    for m in range(len(have)):
        satellite = differences.satellite[m]
        if slanted and slant[m] < 0 and satellite != last:
            keys.append(np.int64(IONOSPHERE + satellite))
        last = satellite
        if have[m] < 0 and np.isfinite(differences.phase_m[m]):
            keys.append(differences.key[m])
    return np.array(keys)


@compiled
def carry(
    state: State,
    differences: Differences,
    slipped: Flags,
    time_s: float,
    baseline_km: float,
    tuning: Tuning,
) -> State:
    """The state of this epoch before its observations: kept, begun and grown by process noise.

    A begun ambiguity has NaN for its value: its first phase tells it (updates.phase_update).
    One place is left at the end of x and p for the receiver clock.
    """
    kept = _kept(state, differences, slipped, time_s, tuning)
    begun = _began(state.key[kept], differences, baseline_km, tuning)
    old, n = len(kept), len(kept) + len(begun)
    x, p = np.zeros(n + 1), np.zeros((n + 1, n + 1))
    key, seen = np.zeros(n, np.int64), np.full(n, time_s)
    locked, refused = np.zeros(n, np.int64), np.zeros(n, np.int64)
    half, resolved = np.zeros(n, np.bool_), np.full(n, np.nan)
    elapsed = time_s - state.time_s if np.isfinite(state.time_s) else 0.0
    for i in range(old):
        x[i], key[i], seen[i] = state.x[kept[i]], state.key[kept[i]], state.seen_s[kept[i]]
        locked[i], refused[i] = state.locked[kept[i]], state.refused[kept[i]]
        half[i], resolved[i] = state.half[kept[i]], state.resolved[kept[i]]
        for j in range(old):
            p[i, j] = 0.5 * (state.p[kept[i], kept[j]] + state.p[kept[j], kept[i]])
        p[i, i] += _walk(key[i], elapsed, tuning)
    for i in range(len(begun)):
        key[old + i] = begun[i]
        _begin_one(x, p, old + i, begun[i], baseline_km, tuning)
    return State(
        state.position_m, x, p, key, seen, locked, refused, half,
        state.before_key, state.before_m, resolved, state.streak, time_s,
    )  # fmt: skip


@compiled
def _walk(key: int, elapsed_s: float, tuning: Tuning) -> float:
    """Variance that a state gains."""
    if key == ZENITH:
        return float(tuning.zenith_walk_m**2 * elapsed_s / 3600.0)
    if key >= IONOSPHERE:
        return float(tuning.slant_walk_m**2 * elapsed_s)
    return float(tuning.drift_cycles**2 * elapsed_s) if key >= 0 else 0.0


@compiled
def _begin_one(x: F64, p: F64, at: int, key: int, baseline_km: float, tuning: Tuning) -> None:
    """What is known of a state before anything was observed."""
    if key == ZENITH:
        p[at, at] = (tuning.zenith_per_km * baseline_km) ** 2
    elif key >= IONOSPHERE:
        p[at, at] = (tuning.slant_per_km * baseline_km) ** 2
    else:
        x[at] = np.nan


@compiled
def forget_position(p: F64, diffuse_m: float) -> None:
    """Make the position unknown, as it is in every epoch of a rover that moves."""
    p[:CORE, :] = 0.0
    p[:, :CORE] = 0.0
    for axis in range(CORE):
        p[axis, axis] = diffuse_m**2
