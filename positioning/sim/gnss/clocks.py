"""A receiver's oscillator: white frequency noise and a random walk of frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.sim.gnss.city import Array


@dataclass(frozen=True, slots=True)
class Oscillator:
    """offset: frequency at the start, relative. white: Allan deviation at 1 s. walk: of frequency,
    per root of a second. The figures are a temperature-compensated crystal's.

    millisecond_jumps: the receiver keeps its clock within half a millisecond by whole ones.
    """

    offset: float = 3e-7
    white: float = 2e-10
    walk: float = 3e-10
    millisecond_jumps: bool = True


PERFECT = Oscillator(0.0, 0.0, 0.0)


def run(clock: Oscillator, times_s: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """(bias in s, drift in s/s) of the clock over GPS time at evenly spaced times (T,)."""
    dt = float(times_s[1] - times_s[0]) if len(times_s) > 1 else 1.0
    draws = rng.normal(size=(2, len(times_s)))
    start, sign = rng.uniform(-4e-4, 4e-4), rng.choice((-1.0, 1.0))
    drift = sign * clock.offset + clock.walk * np.sqrt(dt) * np.cumsum(draws[0])
    shake = clock.white / np.sqrt(dt) * draws[1]
    bias = np.cumsum((drift + shake) * dt)
    bias += (start if clock.offset else 0.0) - bias[0]
    if clock.millisecond_jumps:
        bias -= 1e-3 * np.round(bias / 1e-3)
    return bias, drift + shake
