"""Wheel speed of a driven rear axle: scale, slip when braking or accelerating, counts.

The tyre is a brush (Pacejka, Tyre and Vehicle Dynamics, 2012, ch. 3): slip grows with the force as
the bristles bend, and faster where some of them slide. The rear axle drives alone and brakes with
the front one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.sim.gnss.city import Array
from positioning.sim.gnss.vehicle import Motion

GRAVITY_MPS2 = 9.81
MOST_USED = 0.95  # of the friction there is: beyond it a wheel spins or locks


@dataclass(frozen=True, slots=True)
class WheelGrade:
    """scale: RMS of the radius that was assumed, relative. stiffness: of the tyre, force per load
    and slip. friction: least and most of the road's. load, braking: the axle's share of the weight
    and of the braking force. step_mps: of the output. noise_mps."""

    rate_hz: float = 50.0
    scale: float = 0.01
    stiffness: float = 25.0
    friction: tuple[float, float] = (0.6, 0.9)
    load: float = 0.5
    braking: float = 0.3
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
    scale = 1 + rng.normal(0, grade.scale) + slip(grade, push, rng.uniform(*grade.friction))
    turned = speed * scale + grade.noise_mps * rng.normal(size=len(times)) * (speed > 0.05)
    step = grade.step_mps
    return WheelRecord(times, np.round(turned / step) * step if step > 0 else turned)


def slip(grade: WheelGrade, push_mps2: Array, friction: float) -> Array:
    """(T,) how much faster the tyre turns than it rolls, relative, of accelerations forward."""
    share = np.where(push_mps2 > 0, 1.0, grade.braking) / grade.load
    used = np.minimum(np.abs(push_mps2) / GRAVITY_MPS2 * share / friction, MOST_USED)
    bent = 3 * friction / grade.stiffness * (1 - np.cbrt(1 - used))
    return np.asarray(np.sign(push_mps2) * bent)
