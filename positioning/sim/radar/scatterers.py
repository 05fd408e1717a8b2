"""Scattering centres of a road at a time, as a radar on it sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.sim.road.world import Actor, Wall, World, corners_m, hidden, turned

Floats = NDArray[np.float64]
Place = Callable[[float], Floats]

UNDERBODY = 0.03  # of the power gets past a vehicle that stands in the way: under and around it


@dataclass(frozen=True, slots=True)
class Mount:
    """Where the radar sits on its carrier: x forward, y to the left of its middle, z up."""

    x_m: float = 0.0
    y_m: float = 0.0
    z_m: float = 0.6
    yaw_rad: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scatterers:
    """N centres in the radar's frame. curve: (N, 3, 3), coefficients of t^0, t^1, t^2 from the
    frame's middle. rcs_m2, phase_rad: (N,). may_ghost: (N,), whether walls mirror them.
    """

    curve: Floats
    rcs_m2: Floats
    phase_rad: Floats
    may_ghost: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """The radar's place and heading over time, and the three times that curves are fitted to."""

    world: World
    mount: Mount
    time_s: float
    frame_s: float

    def position_m(self, time_s: float) -> Floats:
        """(3,) in the world."""
        yaw = float(self.world.ego.heading_rad(time_s))
        offset = turned(np.array([self.mount.x_m, self.mount.y_m, self.mount.z_m]), yaw)
        place: Floats = offset + np.append(self.world.ego.position_m(time_s), 0.0)
        return place

    def yaw_rad(self, time_s: float) -> float:
        """Heading in the world."""
        return float(self.world.ego.heading_rad(time_s)) + self.mount.yaw_rad

    def seen(self, points_m: Floats, time_s: float) -> Floats:
        """(N, 3) world points in the radar's frame."""
        return turned(points_m - self.position_m(time_s), -self.yaw_rad(time_s))

    def curve(self, place: Place) -> Floats:
        """(N, 3, 3) parabolas in the radar's frame through the frame's begin, middle and end."""
        half = self.frame_s / 2
        before, now, after = (
            self.seen(place(self.time_s + t), self.time_s + t) for t in (-half, 0.0, half)
        )
        bend = (before + after) / 2 - now
        return np.stack([now, (after - before) / self.frame_s, bend / half**2], axis=1)

    def walls(self) -> tuple[Wall, ...]:
        """The world's walls in the radar's frame."""

        def moved(at: Floats) -> Floats:
            return self.seen(np.append(at, 0.0)[None], self.time_s)[0, :2]

        z = self.mount.z_m
        return tuple(
            Wall(moved(w.start_m), moved(w.end_m), w.height_m - z, w.reflectivity, w.is_opaque)
            for w in self.world.walls
        )


def scatterers(eye: Eye) -> Scatterers:
    """Everything that echoes: road users as far as they are seen, and furniture."""
    groups = [_actor(eye, actor) for actor in eye.world.actors]
    groups.append(_furniture(eye))
    return Scatterers(
        np.concatenate([group.curve for group in groups]),
        np.concatenate([group.rcs_m2 for group in groups]),
        np.concatenate([group.phase_rad for group in groups]),
        np.concatenate([group.may_ghost for group in groups]),
    )


def body_points_m(actor: Actor, time_s: float) -> Floats:
    """(N, 3) centres of one road user in the world, limbs where they are in their cycle."""
    parts = actor.shape.reflectors
    cycle = 2 * np.pi * actor.shape.gait_hz * time_s + parts.phase_rad
    local = parts.position_m + parts.swing_m * np.sin(cycle)[:, None]
    ground = np.append(actor.motion.position_m(time_s), 0.0)
    points: Floats = turned(local, float(actor.motion.heading_rad(time_s))) + ground
    return points


def _actor(eye: Eye, actor: Actor) -> Scatterers:
    parts, time = actor.shape.reflectors, eye.time_s
    points = body_points_m(actor, time)
    to_eye = (eye.position_m(time) - points)[:, :2]
    to_eye /= np.linalg.norm(to_eye, axis=1, keepdims=True)
    normal = turned(parts.normal, float(actor.motion.heading_rad(time)))
    cosine = np.clip((normal * to_eye).sum(axis=1), 0.0, 1.0)
    aspect = np.where((parts.normal == 0).all(axis=1), 1.0, cosine**parts.lobe * (cosine > 0))
    rcs = parts.rcs_m2 * aspect * _visible(eye, points, actor.number)
    keep = rcs > 1e-5
    phase = np.random.default_rng([actor.number, 7]).uniform(0, 2 * np.pi, len(parts))
    curve = eye.curve(lambda t: body_points_m(actor, t)[keep])
    return Scatterers(curve, rcs[keep], phase[keep], np.ones(int(keep.sum()), np.bool_))


def _furniture(eye: Eye) -> Scatterers:
    what = eye.world.furniture
    rcs = what.rcs_m2 * _visible(eye, what.position_m, None)
    keep = (rcs > 1e-5) & (eye.seen(what.position_m, eye.time_s)[:, 0] > 0.5)
    phase = np.random.default_rng(len(rcs)).uniform(0, 2 * np.pi, len(rcs))
    curve = eye.curve(lambda t: what.position_m[keep])
    return Scatterers(curve, rcs[keep], phase[keep], np.zeros(int(keep.sum()), np.bool_))


def _visible(eye: Eye, points_m: Floats, own: int | None) -> Floats:
    """(N,) share of the power that gets past walls (none) and other road users (little)."""
    position = eye.position_m(eye.time_s)
    share = np.ones(len(points_m))
    opaque = [wall for wall in eye.world.walls if wall.is_opaque]
    if opaque:
        segments = np.array([[wall.start_m, wall.end_m] for wall in opaque])
        tall = np.array([wall.height_m for wall in opaque])
        share[hidden(position, points_m, segments, tall).any(axis=1)] = 0.0
    truth = eye.world.truth(eye.time_s)
    others = (
        np.flatnonzero(truth.number != own) if own is not None else np.arange(len(truth.number))
    )
    if len(others):
        corners = corners_m(truth)[others]
        edges = np.stack([corners, np.roll(corners, -1, axis=1)], axis=2).reshape(-1, 2, 2)
        met = hidden(position, points_m, edges, np.repeat(truth.size_m[others, 2], 4))
        share[met.any(axis=1)] *= UNDERBODY
    return share
