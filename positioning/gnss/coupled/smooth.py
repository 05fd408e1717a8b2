"""The graph solved over a whole drive: Gauss and Newton by graduated non-convexity.

All bounds of doubt begin wide, where the problem is nearly convex, and narrow round by round
(Yang et al. 2020). The steps of the inertial sensor are preintegrated anew as biases settle.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from positioning.gnss.coupled.graph import (
    F64,
    Outside,
    Prior,
    State,
    Weights,
    World,
    apply,
    assemble,
    believed_all,
    weigh,
)
from positioning.gnss.coupled.inertial import Inertial, Steps, preintegrate
from positioning.gnss.coupled.rows import Rows
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.single.chain import solve

_WIDEST = 15.0
_ROUNDS = 16
_AGAIN = (3, 8)  # rounds before which steps are preintegrated anew


class Problem(NamedTuple):
    """Everything measured: rows, inertial samples, wheels' speed and acceleration (E,), places
    from outside, the world they are in."""

    rows: Rows
    record: Inertial
    wheel: F64
    push: F64
    outside: Outside
    world: World


class Estimate(NamedTuple):
    """state; covariance (E, 17, 17) of the corrections; weights; what the steps were."""

    state: State
    covariance: F64
    weights: Weights
    steps: Steps


def steps_of(problem: Problem, state: State, settings: Settings) -> Steps:
    """The inertial sensor's steps with the state's biases and attitude."""
    earth = np.einsum("eji,j->ei", state.attitude, problem.world.spin)
    noise = (settings.gyro_noise, settings.force_noise)
    bias = np.ascontiguousarray(state.bias[:, :6])
    steps: Steps = preintegrate(problem.record, problem.rows.time_s, bias, earth, noise)
    return steps


def smooth(
    problem: Problem,
    state: State,
    prior: Prior,
    settings: Settings,
    *,
    widest: float = _WIDEST,
    rounds: int = _ROUNDS,
    steps: Steps | None = None,
) -> Estimate:
    """The most likely states of all epochs, beginning at `state`; `steps` saves making them."""
    rows, count = problem.rows, len(problem.rows.code_m)
    epochs = len(rows.time_s)
    weights = believed_all(count, epochs)
    again = _AGAIN if steps is None else ()
    steps = steps_of(problem, state, settings) if steps is None else steps
    covariance = np.empty(0)
    narrowing = max(1, (3 * rounds) // 4)
    for turn in range(rounds):
        if turn in again:
            steps = steps_of(problem, state, settings)
        widened = widest ** (1 - min(1.0, turn / narrowing))
        given = (rows, state, steps, problem.wheel, problem.push, problem.outside, problem.world,
                 settings)  # fmt: skip
        seen = weigh(*given, widened, weights)
        diagonal, upper, right = assemble(*given, prior, weights, seen)
        correction, covariance = solve(diagonal, upper, right, turn == rounds - 1)
        state = apply(state, correction)
    return Estimate(state, covariance, weights, steps)
