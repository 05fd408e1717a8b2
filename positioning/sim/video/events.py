"""Who came out from behind something during a drive, and whether the tracks said so in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.sim.road.world import World
from positioning.sim.video.detections import Place, clear_share
from positioning.sim.video.trial import EVERY_S, Trial, inside

HIDDEN, SIGHT, NEAR_M, LASTS_S = 0.1, 0.3, 4.0, 0.5


@dataclass(frozen=True, slots=True)
class Events:
    """events: bodies that were hidden and came into sight; told: of those, in time. false: tracks
    without a body that lasted; seconds: judged."""

    events: int
    told: int
    false: int
    seconds: float


def events_of(world: World, trial: Trial, within_s: float) -> Events:
    """An event is judged where there is time left for the answer."""
    times = [time for time, *_ in trial.paths]
    share = np.array([
        clear_share(world, world.truth(t), Place.of(world, t), 1.5) for t in times
    ])  # fmt: skip
    events = told = 0
    last = len(times) - 1
    for a in range(share.shape[1]):
        at = _emerges(share[:, a])
        answer = None if at is None else at + round(within_s / EVERY_S)
        if answer is None or answer > last:
            continue
        where = world.truth(times[answer]).centre_m[a : a + 1, :2]
        if not inside(where, Place.of(world, times[answer]))[0]:
            continue
        tracks = trial.paths[answer][2]
        events += 1
        told += bool(len(tracks)) and bool((np.linalg.norm(tracks - where, axis=1) < NEAR_M).any())
    return Events(events, told, _false(world, trial), len(times) * EVERY_S)


def _emerges(share: np.ndarray) -> int | None:
    """When a body is first in sight after it was hidden."""
    hidden = np.flatnonzero(share < HIDDEN)
    if not len(hidden):
        return None
    after = np.flatnonzero(share[hidden[0] :] >= SIGHT)
    return int(hidden[0] + after[0]) if len(after) else None


def _false(world: World, trial: Trial) -> int:
    """Runs of looks in which a track stands where no body is, followed from look to look."""
    runs: list[tuple[np.ndarray, int]] = []
    count = 0
    for time, _, tracks in trial.paths:
        bodies = world.truth(time).centre_m[:, :2]
        apart = np.linalg.norm(tracks[:, None] - bodies[None], axis=-1).reshape(
            len(tracks), len(bodies)
        )
        alone = tracks[(apart >= NEAR_M).all(1)] if len(bodies) else tracks
        followed = []
        for at in alone:
            before = [n for place, n in runs if np.linalg.norm(place - at) < 3.0]
            n = max(before, default=0) + 1
            count += n == round(LASTS_S / EVERY_S)
            followed.append((at, n))
        runs = followed
    return count
