"""One epoch of RTK, compiled: slips, time update, codes, phases, fix."""

from __future__ import annotations

import numpy as np

from positioning.gnss.rtk.arrays import CORE, F64, I64, Differences, Flags, State
from positioning.gnss.rtk.coarse import agreeing, coarse_position, doubts_at, places
from positioning.gnss.rtk.fixing import atmosphere as atmosphere_of
from positioning.gnss.rtk.fixing import contradicts, fix, misfit
from positioning.gnss.rtk.holding import hold
from positioning.gnss.rtk.slips import find_slips
from positioning.gnss.rtk.states import carry, forget_position
from positioning.gnss.rtk.tuning import Tuning
from positioning.gnss.rtk.updates import code_update, layout, phase_update
from positioning.jit import compiled

UNSOLVED, FLOATED, FIXED = 0, 1, 2
LONGEST_STREAK = 10  # what it takes as many contradictions to undo
NUMBERS = 15
"""ratio, success, fixed, ambiguities, phase RMS m, chi-square per degree of freedom, codes used,
phases used, phases refused, slips found, codes' error over the model's, satellites used,
ambiguities' chi-square per degree of freedom, streak, 1 where the integers were held."""
_TOLD_SHARE = 0.5  # of the codes that agree on any place
_TOLD_MEMORY_S = 5.0  # for so long the errors of a told place last
SATELLITES, APART, STREAK, HELD = 11, 12, 13, 14


@compiled
def _slipped(
    state: State,
    differences: Differences,
    model: tuple[F64, F64],
    time_s: float,
    still: bool,
    tuning: Tuning,
) -> tuple[Flags, int]:
    """Told and found slips (M,), and how many were found that were not told."""
    slipped = differences.slip.copy()
    elapsed = time_s - state.time_s
    if not elapsed <= tuning.longest_gap_s:  # also where there was no epoch before
        return slipped, 0
    now_m = differences.phase_m - model[0]
    now_m[slipped] = np.nan
    before = (state.before_key, state.before_m, elapsed)
    found = find_slips(differences, now_m, model[1], before, still, tuning.slip_gate)
    return slipped | found, int(np.sum(found))


@compiled
def _seen(state: State, ambiguity: I64, used: Flags, refused: Flags, half: Flags) -> None:
    """Write down which ambiguities were observed."""
    for m in range(len(used)):
        at = ambiguity[m]
        if at < 0:
            continue
        if used[m]:
            state.seen_s[at], state.refused[at] = state.time_s, 0
            state.locked[at] += 1
            state.half[at] = half[m]
        elif refused[m]:
            state.refused[at] += 1


@compiled
def _linearised_at(
    state: State, differences: Differences, still: bool, told_m: F64
) -> tuple[bool, F64, float, F64, bool]:
    """Where to linearise, the codes' error over the model's, how doubtful each code is (M,), and
    whether it is at told_m (3,): there if codes allow, unless clearly more agree on another place.
    """
    known = np.isfinite(state.position_m[0])
    start = state.position_m.copy()
    good, coarse, scale, doubt = coarse_position(differences, start)
    if np.isfinite(told_m[0]):
        own_scale, own = doubts_at(differences, told_m)
        if not good or agreeing(own_scale * own) >= _TOLD_SHARE * agreeing(scale * doubt):
            return True, told_m.copy(), own_scale, own, True
    if still and known and len(state.x) > CORE:
        return True, start, scale, doubt, False
    return good, coarse, scale, doubt, False


@compiled
def advance(
    state: State,
    differences: Differences,
    start: F64,
    time_s: float,
    baseline_km: float,
    still: bool,
    told: tuple[F64, F64],
    tuning: Tuning,
) -> tuple[int, F64, F64, F64, State]:
    """One epoch: UNSOLVED, FLOATED or FIXED; position; covariance; NUMBERS; the state after.

    start: (3,) where the rover may be, while the state does not know. still: it does not move.
    told: (3,) where other sensors expect it and the covariance (3, 3), NaN for nowhere.
    """  # fmt: skip
    numbers = np.zeros(NUMBERS)
    nowhere = (np.full(3, np.nan), np.full((3, 3), np.nan), numbers)
    if not np.isfinite(state.position_m[0]):
        state.position_m[:] = start
    first = not np.isfinite(state.time_s)
    good, origin, scale, doubt, is_told = _linearised_at(
        state, differences, still and not first, told[0]
    )
    numbers[10] = scale
    if not good:
        return (UNSOLVED, *nowhere, state)
    state.position_m[:] = origin
    ranges, directions, mapped = places(differences, origin)
    slipped, numbers[9] = _slipped(state, differences, (ranges, directions), time_s, still, tuning)
    after = carry(state, differences, slipped, time_s, baseline_km, tuning)
    x, p = after.x, after.p
    x[:CORE] = 0.0
    if first or not still:
        forget_position(p, tuning.diffuse_m)
        if is_told:
            p[:CORE, :CORE] = told[1] * _told_growth(time_s - state.time_s)
    model = (ranges, directions, mapped)
    indices = layout(after.key, differences)
    fresh = _code_growth(time_s - state.time_s, tuning)
    quality = (scale * fresh, doubt)
    numbers[6] = code_update(x, p, differences, model, indices, quality, tuning.code_gate)
    used, refused = phase_update(x, p, differences, model, indices, tuning.phase_gate)
    numbers[7], numbers[8] = np.sum(used), np.sum(refused)
    numbers[SATELLITES] = len(np.unique(differences.satellite[used]))
    _seen(after, indices[0], used, refused, differences.half)
    fixed, best, covariance, about = fix(x, p, differences, model, indices, used, tuning)
    streak = after.streak
    if fixed:
        fixed, streak = _agrees(after, best, differences, indices[0], used)
    if not fixed and streak >= tuning.hold_streak:
        fixed, best, covariance, held_about = hold(
            x, p, differences, model, indices, after.resolved, used, tuning
        )
        if fixed:
            about, numbers[HELD] = held_about, 1.0
    numbers[:6], numbers[APART], numbers[STREAK] = about[:6], about[6], streak
    fixed = fixed and (streak >= tuning.least_streak or about[2] >= tuning.many_fixed)
    if not fixed:
        best, covariance = x, p[:CORE, :CORE].copy()
        through = ranges + atmosphere_of(x, differences, mapped, indices)
        numbers[4], numbers[5], _ = misfit(x, differences, through, directions, indices[0], used)
    return (
        FIXED if fixed else FLOATED, origin + best[:CORE], covariance, numbers,
        _remembered(after, differences, origin + x[:CORE], streak),
    )  # fmt: skip


@compiled
def _told_growth(elapsed_s: float) -> float:
    """What a told place's variance grows by, as the next one errs alike."""
    if not elapsed_s < _TOLD_MEMORY_S:
        return 1.0
    return _TOLD_MEMORY_S / max(elapsed_s, 0.01)


@compiled
def _code_growth(elapsed_s: float, tuning: Tuning) -> float:
    """What codes' sigma grows by because their errors last: so much less is new in each epoch."""
    if not elapsed_s < tuning.code_memory_s:  # also where there was no epoch before
        return 1.0
    return float(np.sqrt(tuning.code_memory_s / max(elapsed_s, 0.01)))


@compiled
def _agrees(
    after: State, fixed: F64, differences: Differences, ambiguity: I64, used: Flags
) -> tuple[bool, int]:
    """Whether a fix is to stand beside the fixes before it, and the streak with it.

    Integers do not change without a slip. A fix that says they did is not believed while more
    fixes spoke for the old ones than, since, against them.
    """
    other, compared = contradicts(fixed, differences, ambiguity, after.resolved, used)
    if 2 * other > compared and after.streak > 1:
        return False, min(after.streak, LONGEST_STREAK) - 1
    streak = 1 if 2 * other > compared else min(after.streak + 1, LONGEST_STREAK)
    for m in range(len(used)):
        if used[m]:
            after.resolved[ambiguity[m]] = fixed[ambiguity[m]]
    return True, streak


@compiled
def _remembered(after: State, differences: Differences, position: F64, streak: int) -> State:
    """The state as the next epoch wants it: no clock, phases less ranges from its position."""
    n = len(after.key)
    ranges, _, _ = places(differences, position)
    return State(
        position, after.x[:n].copy(), after.p[:n, :n].copy(), after.key, after.seen_s,
        after.locked, after.refused, after.half,
        differences.key, differences.phase_m - ranges, after.resolved, streak, after.time_s,
    )  # fmt: skip
