"""The factor graph of a drive as normal equations of a chain of epochs.

An epoch's state: place and velocity of the body's origin in the local frame, attitude, gyroscope
and accelerometer bias, scale of the wheels and their slip under force. Corrections are additive but
the attitude's, which turns on the body's side. Factors: preintegrated inertial steps, wheels with
the non-holonomic constraint, codes, Doppler, phase changes, places from outside (RTK).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.inertial import Steps
from positioning.gnss.coupled.rotation import exponential, logarithm, right_jacobian, skew
from positioning.gnss.coupled.rows import Rows
from positioning.gnss.coupled.satellites import doubt, normal, residuals
from positioning.gnss.coupled.settings import Settings
from positioning.jit import compiled

F64 = NDArray[np.float64]
Seen = tuple[F64, F64, F64, F64, F64]
"""Lines of sight (M, 3); what codes, rates and phases leave (M,), and the phases' sigmas (M,)."""

STANDING_MPS, STANDING_S = 0.1, 50.0
"""Below that speed of the wheels reflections stand with the car, and last for so long."""

STATE = 17
"""Place 0:3, velocity 3:6, attitude 6:9, gyroscope 9:12, accelerometer 12:15, wheels' scale 15 and
slip 16: at small slips a tyre's grows with the force it passes on, so with the acceleration
(Pacejka 2012, Tire and Vehicle Dynamics, ch. 1)."""


class State(NamedTuple):
    """place, velocity: (E, 3). attitude: (E, 3, 3) body to local. bias: (E, 8), the last
    two the wheels' scale and slip, s^2/m."""

    place: F64
    velocity: F64
    attitude: F64
    bias: F64


class Outside(NamedTuple):
    """Places of the antenna from outside: place (E, 3) local, NaN is none; information (E, 3, 3);
    share (E,) that each counts, for neighbours tell of one thing."""

    place: F64
    information: F64
    share: F64


class Prior(NamedTuple):
    """What is known of the first epoch: a state that it is about, information (17, 17) and right
    side (17,) there."""

    state: State
    information: F64
    right: F64


class Weights(NamedTuple):
    """Robust ones, 0 to 1: code, rate, phase (M,), outside (E,), wheels (E,)."""

    code: F64
    rate: F64
    phase: F64
    outside: F64
    wheels: F64


def believed_all(rows: int, epochs: int) -> Weights:
    """Everything believed, to begin with."""
    code, rate, phase = (np.ones(rows) for _ in range(3))
    return Weights(code, rate, phase, np.ones(epochs), np.ones(epochs))


class World(NamedTuple):
    """gravity: (3,) local, of the Earth with its turn. spin: (3,) the Earth's turn, local. lever:
    (3,) of the antenna in the body."""

    gravity: F64
    spin: F64
    lever: F64


@compiled
def antennas(state: State, world: World) -> tuple[F64, F64]:
    """Places (E, 3) of the antenna and velocities of the body; see `swing`."""
    place, speed = state.place.copy(), state.velocity.copy()
    for e in range(len(place)):
        place[e] += state.attitude[e] @ world.lever
    return place, speed


@compiled
def swing(state: State, steps: Steps, speed: F64, world: World) -> None:
    """Add to antenna velocities what the body's turn gives the lever."""
    last = len(steps.span_s) - 1
    for e in range(len(speed)):
        s = min(e, last)
        if s >= 0 and steps.span_s[s] > 0:
            turn = logarithm(steps.turn[s]) / steps.span_s[s]
            speed[e] += state.attitude[e] @ (skew(turn) @ world.lever)


@compiled
def apply(state: State, correction: F64) -> State:
    """The state after a correction (E, 17)."""
    attitude = np.empty_like(state.attitude)
    for e in range(len(correction)):
        attitude[e] = state.attitude[e] @ exponential(correction[e, 6:9])
    return State(
        state.place + correction[:, :3], state.velocity + correction[:, 3:6], attitude,
        state.bias + correction[:, 9:],
    )  # fmt: skip


@compiled
def _inertial(
    e: int, state: State, steps: Steps, world: World, settings: Settings, diagonal: F64, upper: F64,
    right: F64,
) -> None:  # fmt: skip
    """From epoch e to the next."""
    dt = steps.span_s[e]
    turned, back = state.attitude[e].T @ state.attitude[e + 1], state.attitude[e].T
    off_bias = state.bias[e, :6] - steps.bias[e]
    moved = steps.by_bias[e] @ off_bias
    pull = world.gravity - 2.0 * np.cross(world.spin, state.velocity[e])
    speed = back @ (state.velocity[e + 1] - state.velocity[e] - pull * dt)
    gone = state.place[e + 1] - state.place[e] - state.velocity[e] * dt - 0.5 * pull * dt * dt
    place = back @ gone
    r = np.empty(9)
    r[:3] = logarithm((steps.turn[e] @ exponential(moved[:3])).T @ turned)
    r[3:6] = speed - steps.speed[e] - moved[3:6]
    r[6:] = place - steps.place[e] - moved[6:]
    bent = np.linalg.inv(right_jacobian(r[:3]))
    ji, jj = np.zeros((9, STATE)), np.zeros((9, STATE))
    ji[:3, 6:9], jj[:3, 6:9] = -bent @ turned.T, bent
    ji[3:6, 6:9], ji[6:, 6:9] = skew(speed), skew(place)
    ji[3:6, 3:6], jj[3:6, 3:6] = -back, back
    ji[6:, :3], jj[6:, :3] = -back, back
    ji[6:, 3:6] = -back * dt
    ji[:, 9:15] = -steps.by_bias[e]
    information = steps.information[e]
    wi, wj = ji.T @ information, jj.T @ information
    diagonal[e] += wi @ ji
    upper[e] += wi @ jj
    diagonal[e + 1] += wj @ jj
    right[e] -= wi @ r
    right[e + 1] -= wj @ r
    _walk(e, dt, state, settings, diagonal, upper, right)


@compiled
def _walk(
    e: int, dt: float, state: State, settings: Settings, diagonal: F64, upper: F64, right: F64
) -> None:
    """Biases, scale and slip walk slowly."""
    for k in range(STATE - 9):
        density = settings.scale_walk if k == 6 else settings.slip_walk
        if k < 6:
            density = settings.gyro_walk if k < 3 else settings.force_walk
        w = 1 / (density**2 * dt)
        off = state.bias[e + 1, k] - state.bias[e, k]
        a = 9 + k
        diagonal[e, a, a] += w
        diagonal[e + 1, a, a] += w
        upper[e, a, a] -= w
        right[e, a] += w * off
        right[e + 1, a] -= w * off


@compiled
def _free(e: int, dt: float, diagonal: F64, upper: F64, right: F64, state: State) -> None:
    """Over an interval without inertial samples: hold everything loosely."""
    for a in range(STATE):
        w = 1 / ((3.0 if a < 6 else 0.3 if a < 9 else 1e-3) ** 2 * dt)
        diagonal[e, a, a] += w
        diagonal[e + 1, a, a] += w
        upper[e, a, a] -= w
    off = state.place[e + 1] - state.place[e]
    for a in range(3):
        w = 1 / (9.0 * dt)
        right[e, a] += w * off[a]
        right[e + 1, a] -= w * off[a]


@compiled
def wheel_residual(
    state: State, e: int, wheel_mps: float, push_mps2: float, settings: Settings
) -> tuple[F64, F64]:
    """(3,) what wheels and road leave of the body's velocity, and their sigmas (3,)."""
    body = state.attitude[e].T @ state.velocity[e]
    scale = 1 + state.bias[e, 6] + state.bias[e, 7] * push_mps2
    off = np.array([wheel_mps - scale * body[0], -body[1], -body[2]])
    forward = settings.speed_mps + settings.speed_share * abs(push_mps2)
    sigma = np.array([forward, settings.side_mps, settings.heave_mps])
    if abs(wheel_mps) < settings.still_mps:
        sigma[:] = settings.still_mps
    if np.isnan(wheel_mps):
        off[0], sigma[0] = 0.0, np.inf
    return off, sigma


@compiled
def _wheels(
    e: int, state: State, wheel_mps: float, push_mps2: float, weight: float, settings: Settings,
    block: F64, right: F64,
) -> None:  # fmt: skip
    body = state.attitude[e].T @ state.velocity[e]
    off, sigma = wheel_residual(state, e, wheel_mps, push_mps2, settings)
    j = np.zeros((3, STATE))
    j[:, 3:6], j[:, 6:9] = state.attitude[e].T, skew(body)
    j[0] *= 1 + state.bias[e, 6] + state.bias[e, 7] * push_mps2
    j[0, 15], j[0, 16] = body[0], push_mps2 * body[0]
    w = weight / sigma**2
    scaled = j.T * w
    block += scaled @ j
    right += scaled @ off


@compiled
def _antenna_jacobian(attitude: F64, lever: F64) -> F64:
    j = np.zeros((3, STATE))
    for k in range(3):
        j[k, k] = 1.0
    j[:, 6:9] = -attitude @ skew(lever)
    return j


@compiled
def weigh(
    rows: Rows, state: State, steps: Steps, wheel: F64, push: F64, outside: Outside, world: World,
    settings: Settings, widened: float, weights: Weights,
) -> Seen:  # fmt: skip
    """Fill the robust weights; what the satellites leave is returned for `assemble`."""
    place, speed = antennas(state, world)
    swing(state, steps, speed, world)
    count, groups = len(rows.code_m), 1
    if count:
        groups = int(rows.group.max()) + 1
    los, code, rate = np.empty((count, 3)), np.empty(count), np.empty(count)
    phase, phase_sigma = np.empty(count), np.empty(count)
    residuals(rows, place, speed, los, code, rate, phase, phase_sigma)
    one = np.zeros(count, np.int64)
    s = settings
    for e in range(len(rows.time_s)):
        a, b = rows.first[e], rows.first[e + 1]
        doubt(
            code, rows.code_sigma, rows.group, a, b, groups, s.late, s.early, widened, weights.code
        )
        doubt(
            rate, rows.rate_sigma, one, a, b, 1, s.rate_doubt, s.rate_doubt, widened, weights.rate
        )
        doubt(phase, phase_sigma, one, a, b, 1, s.phase_doubt, s.phase_doubt, widened**1.7,
              weights.phase)  # fmt: skip
        off = outside.place[e] - place[e]
        if np.isfinite(off[0]):
            square = off @ (outside.information[e] @ off) / (s.fix_doubt * widened) ** 2
            weights.outside[e] = 1 / (1 + square) ** 2
        left, sigma = wheel_residual(state, e, wheel[e], push[e], settings)
        square = np.sum((left / sigma) ** 2) / (3.0 * widened) ** 2
        weights.wheels[e] = 1 / (1 + square)
    return los, code, rate, phase, phase_sigma


@compiled
def assemble(
    rows: Rows, state: State, steps: Steps, wheel: F64, push: F64, outside: Outside, world: World,
    settings: Settings, prior: Prior, weights: Weights, seen: Seen,
) -> tuple[F64, F64, F64]:  # fmt: skip
    """Normal equations (diagonal, upper, right) of the correction to the state."""
    los, code, rate, phase, phase_sigma = seen
    epochs = len(state.place)
    diagonal, right = np.zeros((epochs, STATE, STATE)), np.zeros((epochs, STATE))
    upper = np.zeros((epochs - 1, STATE, STATE))
    _begin(state, prior, diagonal, right)
    place, _ = antennas(state, world)
    groups = int(rows.group.max()) + 1 if len(rows.group) else 1
    one = np.zeros(len(code), np.int64)
    old = np.zeros((3, STATE))
    for e in range(epochs):
        a, b = rows.first[e], rows.first[e + 1]
        gap = rows.time_s[e] - rows.time_s[e - 1] if e > 0 else settings.correlation_s
        stands = abs(wheel[e]) < STANDING_MPS
        share = min(1.0, gap / (STANDING_S if stands else settings.correlation_s))
        for k in range(STATE):
            diagonal[e, k, k] += 1e-9
        block, side = np.zeros((3, 3)), np.zeros(3)
        normal(
            los, code, rows.code_sigma, weights.code, rows.group, a, b, groups, share, block, side
        )
        if np.isfinite(outside.place[e, 0]):
            w = weights.outside[e] * outside.share[e]
            block += w * outside.information[e]
            side += w * (outside.information[e] @ (outside.place[e] - place[e]))
        j = _antenna_jacobian(state.attitude[e], world.lever)
        diagonal[e] += j.T @ block @ j
        right[e] += j.T @ side
        block, side = np.zeros((3, 3)), np.zeros(3)
        normal(los, rate, rows.rate_sigma, weights.rate, one, a, b, 1, 1.0, block, side)
        diagonal[e, 3:6, 3:6] += block
        right[e, 3:6] += side
        _wheels(e, state, wheel[e], push[e], weights.wheels[e], settings, diagonal[e], right[e])
        if e > 0:
            block, side = np.zeros((3, 3)), np.zeros(3)
            normal(los, phase, phase_sigma, weights.phase, one, a, b, 1, 1.0, block, side)
            diagonal[e] += j.T @ block @ j
            diagonal[e - 1] += old.T @ block @ old
            upper[e - 1] -= old.T @ block @ j
            right[e] += j.T @ side
            right[e - 1] -= old.T @ side
            if steps.span_s[e - 1] > 0.5 * gap:
                _inertial(e - 1, state, steps, world, settings, diagonal, upper, right)
            else:
                _free(e - 1, gap, diagonal, upper, right, state)
        old = j
    return diagonal, upper, right


@compiled
def _begin(state: State, prior: Prior, diagonal: F64, right: F64) -> None:
    off = np.empty(STATE)
    off[:3] = prior.state.place[0] - state.place[0]
    off[3:6] = prior.state.velocity[0] - state.velocity[0]
    off[6:9] = logarithm(state.attitude[0].T @ prior.state.attitude[0])
    off[9:] = prior.state.bias[0] - state.bias[0]
    diagonal[0] += prior.information
    right[0] += prior.information @ off + prior.right
