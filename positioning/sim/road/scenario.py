"""Seeded scenarios: a street, a junction with a blind spot, a pedestrian from behind a parked van.

One seed gives one world, the same on every machine with the same numpy.
"""

from __future__ import annotations

import numpy as np

from positioning.sim.road.motion import Motion
from positioning.sim.road.shapes import Kind, shape
from positioning.sim.road.world import Actor, Furniture, Wall, World

LANE_M = 3.5
TRAFFIC: tuple[Kind, ...] = ("car", "car", "van", "truck")
Rng = np.random.Generator


def street(seed: int, *, vehicles: int = 4, ego_mps: float = 10.0, seconds: float = 10.0) -> World:
    """Two lanes between a facade and a guard rail; traffic both ways, a cyclist, a pedestrian."""
    rng = np.random.default_rng([seed, 1])
    actors = [_in_lane(number, rng, ego_mps) for number in range(vehicles)]
    actors.append(_moving(vehicles, "cyclist", rng, (rng.uniform(12, 40), -5.0), (4.5, 0.0)))
    crossing = (rng.uniform(15, 35), rng.uniform(4, 7)), (0.0, -1.3)
    actors.append(_moving(vehicles + 1, "pedestrian", rng, *crossing))
    walls = (
        Wall(np.array([-20.0, 9.0]), np.array([160.0, 9.0]), 8.0, 0.3),
        Wall(np.array([-20.0, -7.5]), np.array([160.0, -7.5]), 0.8, 0.5, is_opaque=False),
    )
    ego = Motion.straight((0.0, -LANE_M / 2), (ego_mps, 0.0))
    return World(ego, tuple(actors), walls, roadside(rng, 160.0), seconds)


def junction(seed: int, *, seconds: float = 8.0) -> World:
    """A roadside unit at a crossing: a car comes out from behind a corner house."""
    rng = np.random.default_rng([seed, 2])
    meets_s = rng.uniform(2.5, 5.0)
    speed = rng.uniform(6, 12)
    hidden_car = (25.0, 6.0 + speed * meets_s), (0.0, -speed)
    straight = (60.0, LANE_M / 2), (-rng.uniform(8, 13), 0.0)
    actors = (
        _moving(0, "car", rng, *hidden_car),
        _moving(1, "car", rng, *straight),
        _moving(2, "truck", rng, (45.0, -LANE_M / 2), (rng.uniform(5, 9), 0.0)),
    )
    walls = (
        Wall(np.array([4.0, 8.0]), np.array([20.0, 8.0]), 10.0, 0.3),
        Wall(np.array([20.0, 8.0]), np.array([20.0, 60.0]), 10.0, 0.3),
    )
    ego = Motion.straight((0.0, 0.0), (0.0, 0.0))
    return World(ego, actors, walls, roadside(rng, 70.0), seconds)


def crossing(seed: int, *, ego_mps: float = 8.0, seconds: float = 5.0) -> World:
    """A vulnerable road user: a pedestrian steps out from behind a parked van."""
    rng = np.random.default_rng([seed, 3])
    step_out_m = rng.uniform(25, 40)
    waits_s = rng.uniform(0.5, 2.0)
    walk = rng.uniform(1.0, 1.8)
    times = np.array([0.0, waits_s, waits_s + 0.5, waits_s + 8.0])
    across = np.array([-4.6, -4.6, -4.6 + 0.25 * walk, -4.6 + 7.75 * walk])
    body = shape("pedestrian", rng)
    walker = Actor(
        1, body, Motion(times, np.column_stack([np.full(4, step_out_m), across]), np.pi / 2)
    )
    van = Motion.straight((step_out_m - 4.0, -LANE_M), (0.0, 0.0))
    parked = Actor(0, shape("van", rng), van)
    oncoming = _moving(2, "car", rng, (rng.uniform(50, 70), LANE_M / 2), (-rng.uniform(7, 12), 0.0))
    ego = Motion.straight((0.0, -LANE_M / 2 + 0.6), (ego_mps, 0.0))
    return World(ego, (parked, walker, oncoming), (), roadside(rng, 90.0), seconds)


def roadside(rng: Rng, length_m: float) -> Furniture:
    """Lamp posts, sign posts and rough ground along a road that runs in x."""
    poles = np.arange(8.0, length_m, 17.0) + rng.uniform(-2, 2, len(np.arange(8.0, length_m, 17.0)))
    at = [(x, side * rng.uniform(6.0, 6.8), 1.0) for x in poles for side in (1, -1)]
    post_rcs = 10 ** (rng.normal(-2.0, 2.0, len(at)) / 10)
    patches = int(1.5 * length_m)
    ground = np.column_stack(
        [rng.uniform(3, length_m, patches), rng.uniform(-12, 12, patches), np.zeros(patches)]
    )
    ground_rcs = rng.exponential(10**-2.7, patches)
    return Furniture(np.concatenate([np.array(at), ground]), np.concatenate([post_rcs, ground_rcs]))


def _in_lane(number: int, rng: Rng, ego_mps: float) -> Actor:
    """Ahead in the own lane or against it."""
    kind = TRAFFIC[int(rng.integers(len(TRAFFIC)))]
    ahead = 14.0 + 15.0 * number + rng.uniform(0, 5)
    if number % 2 == 0:
        velocity = (max(ego_mps + rng.normal(0, 2), 1.0), 0.0)
        return _moving(number, kind, rng, (ahead, -LANE_M / 2), velocity)
    return _moving(number, kind, rng, (ahead, LANE_M / 2), (-rng.uniform(7, 13), 0.0))


def _moving(
    number: int,
    kind: Kind,
    rng: Rng,
    start: tuple[float, float],
    velocity: tuple[float, float],
) -> Actor:
    return Actor(number, shape(kind, rng), Motion.straight(start, velocity))
