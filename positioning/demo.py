"""The running demonstration, all of it simulated: a car in a city with its receiver beside a base,
solved an epoch at a time; the map, the sky above it, its error and how it was solved. Between two
cities a road, seen by camera and radar."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from time import monotonic, perf_counter
from typing import Any

import cv2
import numpy as np

from common.errors import LingnanError
from common.service.demo import DemoFrame
from positioning.gnss.formats.epochs import split
from positioning.gnss.satellite import decode
from positioning.gnss.solution import Quality
from positioning.pipeline import Base, Pipeline, Place
from positioning.replay import stamped
from positioning.road_view import road
from positioning.sim.gnss.scenario import KINDS, Drive, Scenario, simulate
from positioning.sky_map import Panel, colour_of, map_of, sky_of

LAYOUTS = ("avenue", "canyon", "trees", "old-town", "viaduct")
DRIVE_S = 90.0
STEP_S = 0.2  # the receiver's own interval: the demonstration runs in real time


def demo(stop: threading.Event, seed: int = 1) -> Iterator[DemoFrame]:
    """One frame an epoch, one city after the other, until `stop`."""
    turn = 0
    while not stop.is_set():
        layout = LAYOUTS[turn % len(LAYOUTS)]
        scenario = Scenario(layout=layout, seed=1000 * seed + turn, duration_s=DRIVE_S)
        yield from _watch(simulate(scenario), stop)
        for picture, facts in road(stop, turn):
            yield DemoFrame(picture, facts)
        turn += 1


def _watch(drive: Drive, stop: threading.Event) -> Iterator[DemoFrame]:
    base = Base(drive.base, drive.base_position_m)
    pipeline = Pipeline(drive.navigation, base)
    watched = _Watched(drive)
    for sample in stamped(split(drive.rover)):
        if stop.is_set():
            return
        due = monotonic() + STEP_S
        began = perf_counter()
        try:
            place = pipeline.step(sample).value
        except LingnanError as error:
            raise LingnanError(f"the demonstration cannot be solved: {error}") from error
        yield watched.frame(sample.seq, place, (perf_counter() - began) * 1e3)
        stop.wait(max(0.0, due - monotonic()))


class _Watched:
    """What has been told of one drive."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._true_m = drive.place.local(drive.truth.position_m)
        self._told: list[tuple[float, float, tuple[int, int, int]]] = []
        self._tally: Counter[str] = Counter()
        self._errors: list[float] = []

    def frame(self, e: int, place: Place, spent_ms: float) -> DemoFrame:
        """The picture and the facts of epoch e."""
        name = place.quality.name.lower().replace("_", " ")
        self._tally[name] += 1
        error_m = float("nan")
        if place.quality is not Quality.NONE:
            east, north, _ = self._drive.place.local(place.position_m)
            self._told.append((float(east), float(north), colour_of(place.quality)))
            error_m = float(np.hypot(*(np.array([east, north]) - self._true_m[e, :2])))
            self._errors.append(error_m)
        return DemoFrame(self._picture(e, place, error_m), self._facts(e, name, error_m, spent_ms))

    def _facts(self, e: int, name: str, error_m: float, spent_ms: float) -> dict[str, Any]:
        drive = self._drive
        return {
            "caption": f"{drive.scenario.layout}, {e * STEP_S:.0f} s",
            "city": f"{drive.scenario.layout}, seed {drive.scenario.seed}",
            "around": KINDS[drive.kind[e]],
            "solved as": name,
            "horizontal error, m": None if np.isnan(error_m) else round(error_m, 3),
            "counters": {**self._tally, "one step, ms": round(spent_ms, 1)},
            "bars": {"Horizontal error over the drive, m": self._spread()},
            "simulated": True,
        }

    def _spread(self) -> dict[str, float]:
        if not self._errors:
            return {}
        values = np.percentile(self._errors, (50, 68, 95)).tolist()
        return {f"{p} %": round(v, 2) for p, v in zip((50, 68, 95), values, strict=True)}

    def _picture(self, e: int, place: Place, error_m: float) -> bytes:
        drive = self._drive
        low, high = int(drive.rover.first[e]), int(drive.rover.first[e + 1])
        rows = slice(low, high)
        panel = map_of(drive.city, self._true_m[:, :2], e, self._told)
        sky: Panel = sky_of(
            [decode(int(s)) for s in drive.rover.satellite[rows]],
            drive.truth.azimuth_rad[rows],
            drive.truth.elevation_rad[rows],
            drive.rover.cn0_dbhz[rows, 0].astype(np.float64),
            drive.truth.line_of_sight[rows],
        )
        told = "no place" if np.isnan(error_m) else f"{place.quality.name}  {error_m:.2f} m off"
        cv2.putText(sky, told, (10, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.62,
                    colour_of(place.quality), 2, cv2.LINE_AA)  # fmt: skip
        whole = np.hstack([panel, sky])
        return bytes(cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])
