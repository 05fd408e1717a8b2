"""An inertial sensor between epochs: preintegrated on the manifold (Forster et al. 2017).

What 100 samples a second say about the change from one epoch to the next, with its covariance and
its dependence on the biases, so that an estimate over epochs need not look at samples again. The
frame is a local one fixed to the Earth: the Earth's turn is taken off the gyroscope.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.rotation import exponential, right_jacobian, skew
from positioning.jit import compiled

F64 = NDArray[np.float64]

LONGEST_S = 0.5
"""A sample tells of no longer a time before it."""


class Inertial(NamedTuple):
    """time_s: (T,) at the end of each interval. rate_radps, force_mps2: (T, 3), means over the
    interval before, in body axes forward, left, up."""

    time_s: F64
    rate_radps: F64
    force_mps2: F64


class Steps(NamedTuple):
    """Changes over E - 1 intervals, in the body axes at each one's start.

    span_s: (E - 1,). turn: (E - 1, 3, 3). speed, place: (E - 1, 3) m/s, m. bias: (E - 1, 6) that
    they were made with, gyroscope and accelerometer. by_bias: (E - 1, 9, 6) their derivatives in
    the order turn, speed, place. information: (E - 1, 9, 9).
    """

    span_s: F64
    turn: F64
    speed: F64
    place: F64
    bias: F64
    by_bias: F64
    information: F64


@compiled
def _propagate(
    turn: F64, speed: F64, place: F64, jacobian: F64, covariance: F64, rate: F64, force: F64,
    dt: float, noise: tuple[float, float],
) -> None:  # fmt: skip
    """Carry all of an interval, in place, over a sample of dt."""
    step = exponential(rate * dt)
    change = np.zeros((9, 9))
    pushed = -turn @ skew(force)
    change[:3, :3] = step.T
    change[3:6, :3] = pushed * dt
    change[6:, :3] = 0.5 * pushed * dt * dt
    for k in range(3):
        change[3 + k, 3 + k] = 1.0
        change[6 + k, 6 + k] = 1.0
        change[6 + k, 3 + k] = dt
    bent = right_jacobian(rate * dt)
    entering = np.zeros((9, 6))
    entering[:3, :3] = bent * dt
    entering[3:6, 3:] = turn * dt
    entering[6:, 3:] = 0.5 * turn * dt * dt
    jacobian[:] = change @ jacobian - entering
    scaled = entering.copy()
    scaled[:, :3] *= noise[0] / np.sqrt(dt)
    scaled[:, 3:] *= noise[1] / np.sqrt(dt)
    covariance[:] = change @ covariance @ change.T + scaled @ scaled.T
    pushed_by = turn @ force
    place += speed * dt + 0.5 * pushed_by * dt * dt
    speed += pushed_by * dt
    turn[:] = turn @ step


@compiled
def preintegrate(
    record: Inertial, edges_s: F64, bias: F64, earth: F64, noise: tuple[float, float]
) -> Steps:
    """Steps between epochs edges_s (E,); a sample across an edge is shared out.

    bias: (E, 6) to take off. earth: (E, 3) the Earth's turn in body axes at each epoch. noise:
    densities of gyroscope and accelerometer. An interval without samples has span 0.
    """
    count = len(edges_s) - 1
    span, turns = np.zeros(count), np.zeros((count, 3, 3))
    speeds, places = np.zeros((count, 3)), np.zeros((count, 3))
    jacobians, information = np.zeros((count, 9, 6)), np.zeros((count, 9, 9))
    time = record.time_s
    at = np.searchsorted(time, edges_s[0], side="right")
    for e in range(count):
        turn, covariance = np.eye(3), np.zeros((9, 9))
        now = edges_s[e]
        while at < len(time) and now < edges_s[e + 1] - 1e-9:
            until = min(time[at], edges_s[e + 1])
            dt = until - max(now, time[at] - LONGEST_S)
            if dt > 1e-9:
                rate = record.rate_radps[at] - bias[e, :3] - earth[e]
                force = record.force_mps2[at] - bias[e, 3:]
                _propagate(turn, speeds[e], places[e], jacobians[e], covariance, rate, force, dt,
                           noise)  # fmt: skip
                span[e] += dt
            now = max(now, until)
            if time[at] <= edges_s[e + 1] + 1e-9:
                at += 1
        turns[e] = turn
        for k in range(9):
            covariance[k, k] += 1e-10
        information[e] = np.linalg.inv(covariance)
    return Steps(span, turns, speeds, places, bias[:-1].copy(), jacobians, information)
