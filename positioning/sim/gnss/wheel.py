"""Wheel speed of the rear axle: scale, slip when braking or accelerating, counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.sim.gnss.city import Array
from positioning.sim.gnss.vehicle import Motion


@dataclass(frozen=True, slots=True)
class WheelGrade:
    """scale: RMS of the radius that was assumed, relative. slip: relative, per m/s^2. step_mps: of
    the output. noise_mps."""

    rate_hz: float = 50.0
    scale: float = 0.01
    slip: float = 0.004
    step_mps: float = 0.02
    noise_mps: float = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class WheelRecord:
    """time_s: (T,) from the start. speed_mps: (T,) forward."""

    time_s: Array
    speed_mps: Array


def sense(
    grade: WheelGrade, motion: Motion, duration_s: float, rng: np.random.Generator
) -> WheelRecord:
    """What the wheels tell of a drive."""
    times = np.arange(1, round(duration_s * grade.rate_hz) + 1) / grade.rate_hz
    forward = motion.attitude(times)[:, :, 0]
    speed = np.einsum("ij,ij->i", motion.position(times, 1), forward)
    push = np.einsum("ij,ij->i", motion.position(times, 2), forward)
    scale = 1 + rng.normal(0, grade.scale) + grade.slip * push
    turned = speed * scale + grade.noise_mps * rng.normal(size=len(times)) * (speed > 0.05)
    step = grade.step_mps
    return WheelRecord(times, np.round(turned / step) * step if step > 0 else turned)
