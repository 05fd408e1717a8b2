"""How much of a street's traffic the chain's clusters tell, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.stamped import Stamped
from positioning.radar.detections import RadarDetections
from positioning.radar.pipeline import RadarChain
from positioning.sim.radar.radar import SimulatedRadar
from positioning.sim.road.world import Truth, World, corners_m, hidden, turned

Floats = NDArray[np.float64]

FAR_M, ASIDE_RAD = 45.0, 1.0
MARGIN_M = 1.0  # around a road user's box within which a detection is of it


@dataclass(frozen=True, slots=True)
class Seen:
    """One road user in one frame: kind, range and whether a moving or standing detection lies on
    it. It counts where it is in the field of view and not hidden behind another."""

    kind: str
    range_m: float
    is_found: bool


def seen(radar: SimulatedRadar, chain: RadarChain, time_s: float, seed: int) -> Iterator[Seen]:
    """The road users of a frame."""
    rng = np.random.default_rng([seed, round(time_s * 1000)])
    frame = Stamped(0, 0, 0, "radar", radar.frame(time_s, rng))
    found = chain.step(frame, radar.velocity_mps(time_s)).value
    truth = radar.world.truth(time_s)
    ego, yaw = radar.world.ego.position_m(time_s), float(radar.world.ego.heading_rad(time_s))
    place = turned(truth.centre_m[:, :2] - ego, -yaw)
    far, aside = np.hypot(*place.T), np.abs(np.arctan2(place[:, 1], place[:, 0]))
    behind = _behind(radar.world, truth, np.append(ego, radar.mount.z_m))
    shown = (far < FAR_M) & (aside < ASIDE_RAD) & ~behind
    for k in np.flatnonzero(shown):
        yield Seen(truth.kind[k], float(far[k]), _lies_on(truth, int(k), found, place[k], yaw))


def _lies_on(truth: Truth, k: int, found: RadarDetections, place: Floats, yaw: float) -> bool:
    away = np.abs(turned(found.xy_m - place, yaw - truth.yaw_rad[k]))
    half = truth.size_m[k, :2] / 2 + MARGIN_M
    return bool((away < half).all(axis=1).any())


def _behind(world: World, truth: Truth, eye_m: Floats) -> NDArray[np.bool_]:
    """(A,) whether the middle of a road user is hidden by a wall or the box of another."""
    corners = corners_m(truth)
    edges = np.stack([corners, np.roll(corners, -1, axis=1)], axis=2)
    behind: NDArray[np.bool_] = np.zeros(len(truth.number), np.bool_)
    for other in range(len(truth.number)):
        tall = np.full(4, truth.size_m[other, 2])
        met: NDArray[np.bool_] = np.asarray(
            hidden(eye_m, truth.centre_m, edges[other], tall).any(axis=1)
        )
        met[other] = False
        behind |= met
    for wall in (wall for wall in world.walls if wall.is_opaque):
        segment = np.stack([wall.start_m, wall.end_m])[None]
        behind |= hidden(eye_m, truth.centre_m, segment, np.array([wall.height_m]))[:, 0]
    return behind
