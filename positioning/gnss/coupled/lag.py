"""The graph in real time: a window of the last epochs, older ones condensed into a prior.

Each epoch enters predicted by the inertial sensor; a few rounds settle the window; what leaves it
is marginalised (Schur complement) onto the epoch that follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from positioning.gnss.coupled.graph import (
    F64,
    STATE,
    Outside,
    Prior,
    State,
    antennas,
    assemble,
    believed_all,
    weigh,
)
from positioning.gnss.coupled.inertial import Inertial, Steps
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import Estimate, Problem, smooth, steps_of
from positioning.gnss.coupled.start import begin, believed

WINDOW = 50
"""Epochs; at 5 Hz 10 s."""

_ROUNDS = 3
_WIDEST = 2.0
_FIRST = (15.0, 12)  # widest and rounds while nothing is known of the attitude
_RECONSIDERED = (60.0, 12)  # the same where a fix may be right that was not believed
_RETRY = 5  # epochs between such
_FAR_M = 1.0  # from where on a place is another one
_MORE = 1.1  # as many codes must speak for another place
_LATELY = 10  # epochs
_OF_FIX = 5.0  # a fix speaks like so many codes
_LOOSE_M = 5.0  # sigma of a place that was moved
_PLAUSIBLE = 10.0  # sigmas of what was known before: codes that err together make it overconfident
_MOVING_MPS = 2.0
_BELIEVED = 0.5
_ANCHORS = 5  # believed fixes after which RTK is told where it may be


Expected = tuple[F64, F64]
"""(3,) where the antenna is expected, and its covariance (3, 3), local."""

Ask = Callable[[int, Expected | None], None]
"""Told of an epoch and where the antenna is expected, None while no fix was believed."""

_FLOOR_M = 0.02


class Followed(NamedTuple):
    """Newest epoch of each window: state (E, ...), covariance (E, 17, 17), how far the epoch's
    place from outside (E,) and the phases (E,) were believed, each when it was the newest."""

    state: State
    covariance: F64
    outside: F64
    phase: F64


def follow(
    problem: Problem,
    near: F64,
    moving: F64,
    lever_m: F64,
    settings: Settings,
    ask: Ask | None = None,
) -> Followed:
    """States of all epochs, each from it and those before.

    near, moving: (E, 3) antenna places and velocities to begin from, themselves causal. ask: is
    told of each epoch before it is entered, and may write what it then knows into near and
    problem.outside.
    """
    epochs = len(near)
    guess = begin(near, moving, lever_m)
    out = Followed(
        State(*(np.empty_like(part) for part in guess)), np.empty((epochs, STATE, STATE)),
        np.zeros(epochs), np.zeros(epochs),
    )  # fmt: skip
    low, aligned, tried, believed_fixes = 0, False, 0, 0
    prior, state = believed(guess, settings), _part(guess, 0, 1)
    steps = _steps(problem, state, 0, settings)
    for e in range(epochs):
        told = None
        if e > low:
            last = _steps(problem, state, e, settings)
            ahead = _predicted(problem, state, last, e, guess)
            if believed_fixes >= _ANCHORS and aligned:
                told = _expected(problem, ahead, out.covariance[e - 1], float(last.span_s[0]))
            state = _joined(state, ahead)
            steps = _appended(steps, last)
        if ask is not None:
            ask(e, told)
        first_move = not aligned and np.hypot(*moving[e, :2]) > _MOVING_MPS
        plan = (_WIDEST, _ROUNDS)
        if first_move or (not aligned and e <= low + 1):
            aligned, plan = bool(first_move), _FIRST
            state = begin(near[low : e + 1], moving[low : e + 1], lever_m)
            prior = believed(state, settings)
            steps = _window_steps(problem, state, low, settings)
        elif e >= tried + _RETRY and _worth_a_thought(problem, state, out, e):
            tried, plan = e, _RECONSIDERED
        window = part(problem, low, e + 1)
        if e % _RETRY == 0 and e > low:
            shift = elsewhere(window, state, near[low : e + 1], steps, settings)
            if shift is not None:
                state, prior = _shifted(state, shift), loosened(prior, shift)
                tried, plan, believed_fixes = e, _RECONSIDERED, 0
        found = smooth(window, state, prior, settings, widest=plan[0], rounds=plan[1], steps=steps)
        state = found.state
        _note(out, e, found, window)
        believed_fixes += int(out.outside[e] > _BELIEVED)
        if e + 1 - low >= WINDOW:
            prior = condensed(window, found, prior, settings)
            low, state = low + 1, _part(state, 1, len(state.place))
            steps = Steps(*(field[1:] for field in steps))
    return out


def _expected(problem: Problem, ahead: State, covariance: F64, dt: float) -> Expected | None:
    """The antenna by the state ahead, (17, 17) the covariance dt before; None without samples."""
    if dt == 0.0:
        return None
    place = ahead.place[0] + ahead.attitude[0] @ problem.world.lever
    onward = np.hstack((np.eye(3), np.eye(3) * dt))
    return place, onward @ covariance[:6, :6] @ onward.T + np.eye(3) * _FLOOR_M**2


def part(problem: Problem, low: int, high: int) -> Problem:
    """Epochs low to high of a problem, with the inertial samples between them."""
    time = problem.rows.time_s
    a, b = np.searchsorted(problem.record.time_s, (time[low] - 1.0, time[high - 1] + 0.1))
    record = Inertial(*(field[a:b] for field in problem.record))
    return Problem(
        problem.rows.epochs(low, high), record, problem.wheel[low:high], problem.push[low:high],
        Outside(*(field[low:high] for field in problem.outside)), problem.world,
    )  # fmt: skip


def condensed(problem: Problem, found: Estimate, prior: Prior, settings: Settings) -> Prior:
    """What the first epoch of a window, and all before it, say about the second."""
    two = part(problem, 0, 2)
    state = _part(found.state, 0, 2)
    count, own = len(two.rows.code_m), int(two.rows.first[1])
    weights = believed_all(count, 2)
    steps = Steps(*(field[:1] for field in found.steps))
    given = (two.rows, state, steps, two.wheel, two.push, two.outside, two.world, settings)
    seen = weigh(*given, 1.0, weights)
    weights.code[own:], weights.rate[own:] = 0.0, 0.0
    weights.outside[1], weights.wheels[1] = 0.0, 0.0
    diagonal, upper, right = assemble(*given, prior, weights, seen)
    through = np.linalg.solve(diagonal[0], np.column_stack((upper[0], right[0])))
    information = diagonal[1] - upper[0].T @ through[:, :-1]
    side = right[1] - upper[0].T @ through[:, -1]
    return Prior(_part(state, 1, 2), (information + information.T) / 2, side)


def elsewhere(
    window: Problem, state: State, near: F64, steps: Steps, settings: Settings
) -> F64 | None:
    """(3,) by which the window as a whole is to be moved, None where it stays.

    Robust weights let go of what lies far out: an estimate that begins tens of metres off would
    disbelieve every satellite for good. So GNSS alone (near, (E, 3) of the antenna), of the window
    or of its end, and fixes may tell of another place, and that counts where more of the window's
    codes and fixes agree.
    """
    place, _ = antennas(state, window.world)
    most, best = _MORE * _believed(window, state, steps, settings), None
    fixes = window.outside.place[np.isfinite(window.outside.place[:, 0])]
    off = near - place
    shifts = [np.median(off, axis=0), np.median(off[-_LATELY:], axis=0)]
    if len(fixes):
        shifts.append(np.nanmedian(window.outside.place - place, axis=0))
    for shift in shifts:
        if np.linalg.norm(shift) < _FAR_M:
            continue
        speaking = _believed(window, _shifted(state, shift), steps, settings)
        if speaking > most:
            most, best = speaking, shift
    return best


def _believed(window: Problem, state: State, steps: Steps, settings: Settings) -> float:
    """How many codes, and fixes as _OF_FIX, agree with a state of the window."""
    weights = believed_all(len(window.rows.code_m), len(window.rows.time_s))
    weigh(window.rows, state, steps, window.wheel, window.push, window.outside, window.world,
          settings, 1.0, weights)  # fmt: skip
    fixes = weights.outside[np.isfinite(window.outside.place[:, 0])]
    return float(weights.code.sum() + _OF_FIX * fixes.sum())


def _shifted(state: State, shift: F64) -> State:
    return state._replace(place=state.place + shift)


def loosened(prior: Prior, shift: F64) -> Prior:
    """What is known of the first epoch, moved, and its place no better known than _LOOSE_M."""
    spread = np.linalg.inv(prior.information + 1e-9 * np.eye(STATE))
    off = spread @ prior.right
    spread[:3, :3] += _LOOSE_M**2 * np.eye(3)
    information = np.linalg.inv(spread)
    return Prior(_shifted(prior.state, shift), information, information @ off)


def _worth_a_thought(problem: Problem, state: State, out: Followed, e: int) -> bool:
    """Whether the epoch before had a fix that was not believed, though not far from likely."""
    if not np.isfinite(problem.outside.place[e - 1, 0]) or out.outside[e - 1] > _BELIEVED:
        return False
    place = out.state.place[e - 1] + out.state.attitude[e - 1] @ problem.world.lever
    off = problem.outside.place[e - 1] - place
    spread = out.covariance[e - 1, :3, :3] + np.linalg.inv(problem.outside.information[e - 1])
    return bool(off @ np.linalg.solve(spread, off) < 3 * _PLAUSIBLE**2)


def _steps(problem: Problem, state: State, e: int, settings: Settings) -> Steps:
    """The step to epoch e with the newest state's bias; none to the first."""
    if e == 0:
        return steps_of(part(problem, 0, 1), _part(state, 0, 1), settings)
    last = _part(state, len(state.place) - 1, len(state.place))
    return steps_of(part(problem, e - 1, e + 1), _joined(last, last), settings)


def _window_steps(problem: Problem, state: State, low: int, settings: Settings) -> Steps:
    return steps_of(part(problem, low, low + len(state.place)), state, settings)


def _appended(steps: Steps, last: Steps) -> Steps:
    return Steps(*(np.concatenate(pair) for pair in zip(steps, last, strict=True)))


def _predicted(problem: Problem, state: State, steps: Steps, e: int, guess: State) -> State:
    """Epoch e from the last of the states by the inertial sensor; without samples, as guessed."""
    last = _part(state, len(state.place) - 1, len(state.place))
    dt = float(steps.span_s[0])
    if dt == 0.0:
        return _part(guess, e, e + 1)._replace(attitude=last.attitude, bias=last.bias)
    attitude, pull = last.attitude[0], problem.world.gravity
    velocity = last.velocity[0] + pull * dt + attitude @ steps.speed[0]
    gone = last.velocity[0] * dt + pull * dt**2 / 2 + attitude @ steps.place[0]
    turned = (attitude @ steps.turn[0])[None]
    return State((last.place[0] + gone)[None], velocity[None], turned, last.bias)


def _note(out: Followed, e: int, found: Estimate, window: Problem) -> None:
    for kept, new in zip(out.state, found.state, strict=True):
        kept[e] = new[-1]
    out.covariance[e] = found.covariance[-1]
    has = np.isfinite(window.outside.place[-1, 0])
    out.outside[e] = found.weights.outside[-1] if has else 0.0
    own = slice(int(window.rows.first[-2]), int(window.rows.first[-1]))
    out.phase[e] = found.weights.phase[own][window.rows.before[own] >= 0].sum()


def _part(state: State, low: int, high: int) -> State:
    return State(*(field[low:high] for field in state))


def _joined(first: State, second: State) -> State:
    return State(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))
