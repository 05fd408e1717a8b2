"""Our tracker beside Stone Soup's on the same scans of radar and camera, in the same run.

python -m benchmarks fusion [--json]

Drives are simulated at the level of detections. Each condition has its GOSPA, its position RMSE
and the CPU time that tracking took; scans are given in order of time. The peer takes every
detection as a place in metres (benchmarks/stone_soup.py). Ours is run twice: on the very same
places, and on all that a camera's box tells, which is what the product does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import process_time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Size
from common.acceptance.resampling import bootstrap
from common.types.detections import Detections
from positioning.acceptance.fusion import CONDITIONS, world_of
from positioning.fusion.gospa import gospa
from positioning.fusion.scan import REFLECTION, Pose, Scan, camera_scan, near_side, radar_scan
from positioning.fusion.tracker import Tracker
from positioning.fusion.tracks import Tracks
from positioning.sim.road.world import World
from positioning.sim.video.drive import arrivals, odometry
from positioning.sim.video.trial import EVERY_S, WARM_S, visible
from positioning.video.camera import Camera

Floats = NDArray[np.float64]

DRIVES: dict[Size, int] = {"quick": 1, "full": 6}
SECONDS = 4.0
FIRST_SEED = 27_000
RATE_MPS = 40.0  # standard deviation of a range rate that nobody measured


class Follower(Protocol):
    """Takes scans in order of time, and tells where bodies are."""

    def step(self, scan: Scan) -> None:
        """One more scan."""

    def places(self, time_s: float) -> Floats:
        """(T, 2) at a time that is not before the last scan's."""


class Ours:
    """The product's tracker without what aligns clocks and puts late scans in order."""

    def __init__(self) -> None:
        self._tracker, self._tracks = Tracker(), Tracks.none(0.0)

    def step(self, scan: Scan) -> None:
        """One more scan."""
        self._tracks = self._tracker.step(self._tracks, scan).tracks

    def places(self, time_s: float) -> Floats:
        """(T, 2) of the tracks that are told."""
        now = self._tracks.at(time_s, self._tracker.settings.survival_s)
        return self._tracker.told(now).mixture.merged()[0][:, :2]


class OursInMetres(Ours):
    """Ours on a camera's detections as places, without their outlines."""

    def step(self, scan: Scan) -> None:
        """One more scan."""
        super().step(in_metres(scan))


def measure(size: Size) -> dict[str, Any]:
    """All conditions; MissingExtraError where the peer is not installed."""
    from benchmarks.stone_soup import Peer

    makers: dict[str, Callable[[], Follower]] = {
        "ours": Ours, "ours in metres": OursInMetres, "Stone Soup": Peer
    }  # fmt: skip
    found: dict[str, Any] = {"n": DRIVES[size], "seconds": SECONDS, "seed": FIRST_SEED}
    for condition in CONDITIONS:
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in makers}
        for number in range(DRIVES[size]):
            world = world_of(condition, FIRST_SEED + number, SECONDS)
            heard = scans(world, condition, FIRST_SEED + number)
            for name, make in makers.items():
                runs[name].append(followed(world, heard, make()))
        found[condition] = _compared(runs)
    return found


def show(result: dict[str, Any]) -> None:
    """A line a tracker and condition."""
    print(f"{result['n']} drives of {result['seconds']:.0f} s each, simulated")
    for condition in CONDITIONS:
        for name, told in result[condition].items():
            line = (
                f"{condition:10} {name:15} GOSPA {told['gospa_m']:5.2f} m, RMSE "
                f"{told['rmse_m']:5.2f} m, {told['cpu_ms']:6.2f} ms of CPU a scan"
            )
            if "gain_m" in told:
                line += f", GOSPA less the peer's {told['gain_m']:+.2f} m"
                low, high = told["bounds_m"]
                line += f" ({low:+.2f} to {high:+.2f})" if result["n"] > 1 else ""
            print(line)


def scans(world: World, condition: str, seed: int) -> list[Scan]:
    """What both sensors said, by the time at which they measured."""
    camera, found = Camera(), []
    for arrival in arrivals(world, condition, camera, seed):
        pose = Pose(*odometry(world, np.array([arrival.stamp_s]))[0].tolist())
        if isinstance(arrival.value, Detections):
            found.append(camera_scan(arrival.stamp_s, pose, arrival.value, camera))
        else:
            found.append(radar_scan(arrival.stamp_s, pose, arrival.value))
    return sorted(found, key=lambda scan: scan.time_s)


def in_metres(scan: Scan) -> Scan:
    """A camera's scan as distances and bearings of near sides; a radar's as it is."""
    if scan.z.shape[1] == REFLECTION:
        return scan
    near, azimuth, near2, azimuth2 = near_side(scan)
    covariance = np.zeros((len(scan), REFLECTION, REFLECTION))
    for at, variance in enumerate((near2, azimuth2, np.full(len(scan), RATE_MPS**2))):
        covariance[:, at, at] = variance
    z = np.stack([near, azimuth, np.zeros(len(scan))], axis=1)
    return replace(scan, z=z, covariance=covariance)


def followed(world: World, heard: list[Scan], follower: Follower) -> dict[str, Any]:
    """Mean GOSPA, squared errors of pairs and CPU seconds of one drive."""
    values, squares, spent, due = [], [], 0.0, WARM_S
    for scan in heard:
        while scan.time_s > due:
            begun = process_time()
            tracks = follower.places(due)
            spent += process_time() - begun
            bodies, tracks = visible(world, due, tracks)
            score = gospa(bodies, tracks)
            values.append(score.value)
            apart = bodies[score.pairs[:, 0]] - tracks[score.pairs[:, 1]]
            squares += (apart**2).sum(1).tolist()
            due += EVERY_S
        begun = process_time()
        follower.step(scan)
        spent += process_time() - begun
    return {"gospa": float(np.mean(values)), "squares": squares, "cpu_s": spent / len(heard)}


def _compared(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    peer = np.array([run["gospa"] for run in runs["Stone Soup"]])
    told: dict[str, Any] = {}
    for name, mine in runs.items():
        values = np.array([run["gospa"] for run in mine])
        squares = np.concatenate([run["squares"] for run in mine])
        told[name] = {
            "gospa_m": float(values.mean()),
            "rmse_m": float(np.sqrt(squares.mean())) if len(squares) else float("nan"),
            "cpu_ms": 1e3 * float(np.mean([run["cpu_s"] for run in mine])),
        }
        if name != "Stone Soup":
            off = values - peer
            told[name]["gain_m"] = float(off.mean())
            told[name]["bounds_m"] = bootstrap(_mean_of(off), len(off), seed=1)
    return told


def _mean_of(values: Floats) -> Callable[[NDArray[np.int64]], float]:
    return lambda i: float(values[i].mean())
