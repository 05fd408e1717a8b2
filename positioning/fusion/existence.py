"""Whether there is something, whether it is a body, and how far a camera sees today.

Existence as in integrated probabilistic data association (Musicki, Evans and Stankovic, IEEE
Trans. Automatic Control 39:1237, 1994). A radar's mirror ghost exists as well as a body does, scan
after scan: only a sensor that ought to see it, and does not, tells the two apart. How far that
sensor sees depends on the weather, so it is learned from the tracks themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.ghosts import DOUBT
from positioning.fusion.observe import outline, wrap
from positioning.fusion.scan import REFLECTION, Pose

Floats = NDArray[np.float64]

NEWS = 2.3  # one detection says at most this much (log ratio): clutter is less even than assumed
RUNS = 0.12  # misses come in runs: one more says less than if it were independent
OUTSIDE = 0.02  # probability to be detected where the sensor does not look
COVERED = 0.15  # probability that an optical sensor detects what stands behind another body
STRAY = 0.05  # probability that a camera's detection falls on a ghost
BODY = np.array([0.75, 0.95])  # share of bodies among what lasts, of radar and camera
REACHES_M = np.arange(20.0, 111.0, 10.0)  # ranges at which a camera may miss every other body
FADES_M = 6.0
NEAREST_M = 4.0  # of whom the whole outline is in the picture


@dataclass(frozen=True, slots=True)
class Sensing:
    """What the tracker assumes of a sensor. detection: probability within its field.
    clutter: false detections a scan. birth: probability that a detection that belongs to no track
    is somebody new. half_field_rad, reach_m: the field. optical: whether bodies hide each other
    from it, and weather takes of its reach."""

    detection: float = 0.8
    clutter: float = 1.5
    birth: float = 0.15
    half_field_rad: float = np.pi / 3
    reach_m: float = 80.0
    optical: bool = False


RADAR = Sensing(0.75, 2.5, 0.12)
CAMERA = Sensing(0.85, 0.4, 0.2, half_field_rad=0.58, reach_m=120.0, optical=True)


def density(sensing: Sensing, size: int) -> float:
    """False detections a unit of measurement space: of a radar m rad m/s over 40 m/s; of a camera
    rad/m from the horizon down to NEAREST_M, and outlines up to 0.3 rad wide and high."""
    space = sensing.reach_m * 40.0 if size == REFLECTION else 0.3 * 0.3 / NEAREST_M
    return sensing.clutter / (space * 2 * sensing.half_field_rad)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Of T tracks: chance (T,) that a sensor detects each. open (T,): in its field and behind
    nobody. distance_m (T,)."""

    chance: Floats
    open: NDArray[np.bool_]
    distance_m: Floats


def view(
    mean: Floats, solid: NDArray[np.bool_], pose: Pose, sensing: Sensing, reach: Floats
) -> View:
    """Of states (T, 8), of which those that are `solid` (T,) hide others; reach (G,): weights of
    REACHES_M."""
    to = mean[:, :2] - [pose.x_m, pose.y_m]
    r = np.linalg.norm(to, axis=1)
    off = wrap(np.arctan2(to[:, 1], to[:, 0]) - pose.yaw_rad)
    inside = (np.abs(off) < sensing.half_field_rad) & (r < sensing.reach_m)
    if not sensing.optical:
        chance = np.where(inside, sensing.detection, OUTSIDE)
        return View(chance, inside, r)
    chance = sensing.detection * (_seen(r) @ reach)
    behind = _covered(mean, pose, r, solid)
    chance = np.where(behind, np.minimum(chance, COVERED), chance)
    chance = np.where(inside, np.maximum(chance, OUTSIDE), OUTSIDE)
    return View(chance, inside & ~behind, r)


def _seen(distance_m: Floats) -> Floats:
    """(T, G) by which share a camera of each reach finds less at a distance."""
    share: Floats = 1 / (1 + np.exp((distance_m[:, None] - REACHES_M) / FADES_M))
    return share


def _covered(mean: Floats, pose: Pose, r: Floats, solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T,) whether the outline of a body before it hides more than half of each body."""
    left, right = outline(mean, pose)
    width = np.maximum(wrap(left - right), 1e-4)
    first = wrap(left[None] - left[:, None])  # of the others from one's own left edge
    high = np.minimum(first, 0.0)
    low = np.maximum(wrap(right[None] - left[:, None]), -width[:, None])
    share = np.maximum(high - low, 0.0) / width[:, None]
    before = solid[None] & (r[None] < r[:, None] - 1.0)
    hidden: NDArray[np.bool_] = (before & (share > 0.5)).any(1)
    return hidden


def missed(existence: Floats, chance: Floats) -> Floats:
    """Existence after one more miss."""
    less = RUNS * chance
    faded: Floats = existence * (1 - less) / (1 - existence * less)
    return faded


def found(existence: Floats, chance: Floats, log_ratio: Floats) -> Floats:
    """Existence after a detection whose likelihood over clutter's is exp(`log_ratio`)."""
    ratio = np.exp(np.clip(log_ratio, -12, NEWS)) * chance
    grown = existence * ratio / np.maximum(1 - existence + existence * ratio, 1e-12)
    return np.clip(grown, 0, 0.999)


def body(real: Floats, seen: View, hit: NDArray[np.bool_]) -> Floats:
    """Probability to be a body and no ghost, after a look of an optical sensor."""
    ratio = np.where(hit, np.maximum(seen.chance, 0.1) / STRAY, 1 - RUNS * seen.chance)
    ratio = np.where(seen.open, np.minimum(ratio, np.exp(NEWS)), 1.0)
    return np.clip(real * ratio / (1 - real + real * ratio), 1e-4, 0.999)


def doubted(real: Floats, image: NDArray[np.bool_]) -> Floats:
    """Probability to be a body, after a look of a radar that hears an image of another."""
    ratio = np.where(image, DOUBT, 1.0)
    return np.clip(real * ratio / (1 - real + real * ratio), 1e-4, 0.999)


def learned(
    reach: Floats, seen: View, hit: NDArray[np.bool_], real: Floats, sensing: Sensing
) -> Floats:
    """The weights of REACHES_M after a look at tracks that are there: each is a body that was
    found or not, or else a ghost that never is."""
    some = seen.open
    if not some.any():
        return reach
    of_body = sensing.detection * _seen(seen.distance_m[some])
    mine, sure = hit[some, None], real[some, None]
    likely = sure * np.where(mine, of_body, 1 - of_body) + (1 - sure) * np.where(mine, STRAY, 1.0)
    weight = reach * np.exp(RUNS * np.log(likely).sum(0)) + 1e-5
    told: Floats = weight / weight.sum()
    return told
