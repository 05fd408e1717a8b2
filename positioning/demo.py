"""The running demonstration, all of it simulated: a car in a city with its receiver beside a base,
inertial sensor and wheels; the map, the sky above it, its error and the level that is to hold it.
Before each city a road, seen by camera and radar.

What the map shows is the coupled estimate of the whole drive, worked out before the car sets off:
protection levels are calibrated for that one. Beside it stands what GNSS alone tells, an epoch at a
time in real time.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import count
from time import monotonic, perf_counter
from typing import Any

import cv2
import numpy as np

from common.errors import LingnanError
from common.service.demo import DemoFrame
from positioning.ahead import Ahead
from positioning.gnss.formats.epochs import split
from positioning.gnss.integrity.assess import assess
from positioning.gnss.integrity.simulated import solved
from positioning.gnss.satellite import decode
from positioning.gnss.solution import Quality, Solution
from positioning.gnss.variance.network import unseen
from positioning.level_view import LEVEL, lens, strip
from positioning.pipeline import Base, Pipeline, Place
from positioning.replay import stamped
from positioning.road_view import road
from positioning.sim.gnss.scenario import KINDS, Drive, Scenario, simulate
from positioning.sky_map import Panel, colour_of, map_of, ring, sky_of

LAYOUTS = ("avenue", "canyon", "trees", "old-town", "viaduct")
DRIVE_S = 80.0  # as long as those that levels are calibrated by
STEP_S = 0.2  # the receiver's own interval: the demonstration runs in real time


def demo(stop: threading.Event, seed: int = 1) -> Iterator[DemoFrame]:
    """One frame an epoch, a road and a city in turn, until `stop`: while the road is driven the
    city is worked out."""
    roads = count()
    for turn in count():
        if stop.is_set():
            return
        layout = LAYOUTS[turn % len(LAYOUTS)]
        scenario = Scenario(layout=layout, seed=1000 * seed + turn, duration_s=DRIVE_S)
        coming = Ahead(partial(_watched, scenario), stop)
        while True:
            for picture, facts in road(stop, next(roads)):
                yield DemoFrame(picture, facts)
            if coming.is_done or stop.is_set():
                break
        city = coming.wait()
        if city is not None:
            yield from _watch(city, stop)


def _watched(scenario: Scenario) -> _Watched:
    """A drive and what is estimated of it."""
    drive = simulate(scenario)
    try:
        return _Watched(drive, _assessed(drive))
    except LingnanError as error:
        raise LingnanError(f"the demonstration cannot be solved: {error}") from error


def _watch(watched: _Watched, stop: threading.Event) -> Iterator[DemoFrame]:
    drive = watched.drive
    pipeline = Pipeline(drive.navigation, Base(drive.base, drive.base_position_m))
    for sample in stamped(split(drive.rover)):
        if stop.is_set():
            return
        due = monotonic() + STEP_S
        began = perf_counter()
        place = pipeline.step(sample).value
        yield watched.frame(sample.seq, place, (perf_counter() - began) * 1e3)
        stop.wait(max(0.0, due - monotonic()))


def _assessed(drive: Drive) -> Solution:
    """The coupled estimate with its protection levels, by variances learned in other cities."""
    _, about, coupled = solved(drive, "batch", unseen(drive.scenario.layout))
    return assess(coupled, about)


class _Watched:
    """One drive, what was estimated of it, and what has been told of it."""

    def __init__(self, drive: Drive, estimate: Solution) -> None:
        assert estimate.protection_level_m is not None
        self.drive = drive
        self._level_m = estimate.protection_level_m[:, 0].astype(np.float64)
        self._quality = [Quality(q) for q in estimate.quality.tolist()]
        self._true_m = drive.place.local(drive.truth.position_m)[:, :2]
        self._place_m = drive.place.local(estimate.position_m)[:, :2]
        self._error_m = np.hypot(*(self._place_m - self._true_m).T)
        self._tally: Counter[str] = Counter()

    def frame(self, e: int, place: Place, spent_ms: float) -> DemoFrame:
        """The picture and the facts of epoch e; place: in real time, by GNSS alone."""
        self._tally[_name(self._quality[e])] += 1
        return DemoFrame(self._picture(e), self._facts(e, place, spent_ms))

    def _facts(self, e: int, place: Place, spent_ms: float) -> dict[str, Any]:
        drive = self.drive
        outside = int((self._error_m > self._level_m)[: e + 1].sum())
        return {
            "caption": f"{drive.scenario.layout}, {e * STEP_S:.0f} s",
            "city": f"{drive.scenario.layout}, seed {drive.scenario.seed}",
            "around": KINDS[drive.kind[e]],
            "solved as": _name(self._quality[e]),
            "horizontal error, m": _rounded(self._error_m[e]),
            "horizontal protection level, m": _rounded(self._level_m[e]),
            "estimate": "GNSS, inertial sensor and wheels over the whole drive, known beforehand",
            "GNSS alone in real time": self._alone(e, place),
            "counters": {
                **self._tally, "error over its level": outside, "one step, ms": round(spent_ms, 1),
            },
            "bars": {"Horizontal over the drive, m": self._spread(e)},
            "simulated": True,
        }  # fmt: skip

    def _alone(self, e: int, place: Place) -> str:
        if place.quality is Quality.NONE:
            return "no place"
        off_m = self.drive.place.local(place.position_m)[:2] - self._true_m[e]
        return f"{_name(place.quality)}, {np.hypot(*off_m):.2f} m off"

    def _spread(self, e: int) -> dict[str, float]:
        pairs = (("error", self._error_m), ("level", self._level_m))
        return {
            f"{name} {p} %": round(float(np.nanpercentile(values[: e + 1], p)), 3)
            for name, values in pairs if np.isfinite(values[: e + 1]).any() for p in (50, 95)
        }  # fmt: skip

    def _picture(self, e: int) -> bytes:
        now = slice(0, e + 1)
        panel = self._map(e)
        below = strip(self._error_m[now], self._level_m[now], len(self._error_m))
        whole = np.vstack([np.hstack([panel, self._sky(e)]), below])
        return bytes(cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])

    def _map(self, e: int) -> Panel:
        told = [
            (*self._place_m[k].tolist(), colour_of(self._quality[k]))
            for k in np.flatnonzero(np.isfinite(self._error_m[: e + 1])).tolist()
        ]
        panel = map_of(self.drive.city, self._true_m, e, told)
        if np.isfinite(self._error_m[e]):
            off_m, level_m = self._true_m[e] - self._place_m[e], float(self._level_m[e])
            ring(panel, -off_m, level_m, LEVEL)
            lens(panel, off_m, level_m, colour_of(self._quality[e]))
        return panel

    def _sky(self, e: int) -> Panel:
        drive = self.drive
        rows = slice(int(drive.rover.first[e]), int(drive.rover.first[e + 1]))
        sky = sky_of(
            [decode(int(s)) for s in drive.rover.satellite[rows]],
            drive.truth.azimuth_rad[rows],
            drive.truth.elevation_rad[rows],
            drive.rover.cn0_dbhz[rows, 0].astype(np.float64),
            drive.truth.line_of_sight[rows],
        )
        error_m, level_m, quality = self._error_m[e], self._level_m[e], self._quality[e]
        told = f"{quality.name}  {error_m:.2f} m off, level {level_m:.2f} m"
        cv2.putText(sky, told if np.isfinite(error_m) else "no place", (10, 20),
                    cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour_of(quality), 2, cv2.LINE_AA)  # fmt: skip
        return sky


def _name(quality: Quality) -> str:
    return quality.name.lower().replace("_", " ")


def _rounded(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
