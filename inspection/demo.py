"""The running demonstration, all of it simulated: a belt of parts before the camera, the shipped
network, the sorter with its PLC, and beside the belt a bench that measures heights.

A part is looked at at a pace that a person can follow; the belt moves on in its own time, so that
how far the sorter is with each part is as on a line at full speed.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from time import monotonic, perf_counter
from typing import Any

from common.drivers.base import DriverTimeoutError
from common.drivers.camera.config import SimCameraConfig
from common.drivers.camera.sim import SimCamera
from common.service.demo import DemoFrame
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.methods.segment import station_method
from inspection.models.shipped import flat
from inspection.overlay import draw, jpeg
from inspection.pipeline import Inspection, Pipeline, to_8_bit
from inspection.relief import coloured
from inspection.relief.recipes import recipe
from inspection.sim.belt import belt
from inspection.sim.relief.bench import PRODUCT, Bench, Measured
from inspection.sim.scene import EXPOSURE_US, PIXEL_UM
from inspection.sim.sorting.watched import Watched
from inspection.sorting.bins import Kind, kind_of
from inspection.sorting.eye import TriggeredCamera
from inspection.sorting.tracker import State, Tracked

PART_EVERY_S = 0.8  # a pace at which a person can follow
WAIT_S = 0.2
PICTURE_S = 20.0  # a picture that takes longer is lost, and its part goes to recheck
HEIGHTS_EVERY = 4  # parts on the belt for one on the bench
SHOWN = 6  # parts whose way is told
LIGHT = "inspect"
MARKS = {
    State.WAITING: "waiting",
    State.READY: "active",
    State.ORDERED: "active",
    State.DIVERTED: "done",
    State.GIVEN_UP: "failed",
}


def demo(stop: threading.Event, seed: int = 1) -> Iterator[DemoFrame]:
    """One frame a part, until `stop`. What is shown is simulated, and the truth is told beside."""
    with SimCamera(_camera(seed)) as camera, Bench(seed) as bench:
        station = Station(camera, seed, stop)
        line = Watched(station.look, seed)
        while not stop.is_set():
            due = monotonic() + PART_EVERY_S
            line.next_part()
            if station.part % HEIGHTS_EVERY == HEIGHTS_EVERY - 1:
                bench.ask()
            if station.picture:
                facts = {**station.facts, **_sorting(line), "pictures": [_heights(bench.latest)]}
                facts["drivers"] = {"camera": camera.health.state.name}
                yield DemoFrame(station.picture, facts)
            stop.wait(max(0.0, due - monotonic()))


def _camera(seed: int) -> SimCameraConfig:
    return SimCameraConfig(
        scene="inspection.sim.belt:belt",
        parameters={"seed": seed},
        trigger="hardware",
        lights=(LIGHT,),
        um_per_px=PIXEL_UM,
        exposure_us=EXPOSURE_US,
        seed=seed,
    )


class Station:
    """Camera and network. part, picture, facts: of the last look; picture is empty without one."""

    def __init__(self, camera: TriggeredCamera, seed: int, stop: threading.Event) -> None:
        self.part, self.picture = -1, b""
        self.facts: dict[str, Any] = {}
        self._stop = stop
        self._camera, self._truth = camera, belt(seed=seed)
        self._recipes = {material: Pipeline(station_method(material)) for material in flat()}
        self._tally: Counter[str] = Counter()

    def look(self) -> Kind | None:
        """The class of the part at the camera; None where its picture was lost."""
        self.part, self.picture = self._camera.trigger(LIGHT), b""
        sample = self._taken()
        if sample is None:
            self._tally["pictures lost"] += 1
            return None
        return kind_of(self._judge(sample))

    def _taken(self) -> Stamped[Image] | None:
        """The picture of this part; an older one that came after all is passed over."""
        until = monotonic() + PICTURE_S
        while monotonic() < until and not self._stop.is_set():
            try:
                sample = self._camera.read(WAIT_S)
            except DriverTimeoutError:
                continue
            if sample.value.trigger == self.part:
                return sample
        return None

    def _judge(self, sample: Stamped[Image]) -> Inspection:
        material = self._truth.material(self.part)
        began = perf_counter()
        result = self._recipes[material].step(sample).value
        spent_ms = (perf_counter() - began) * 1e3
        is_bad = bool(self._truth.truth(self.part).defects)
        self._tally["parts"] += 1
        self._tally[_outcome(is_bad, result.is_defective)] += 1
        self.picture = jpeg(draw(to_8_bit(sample.value), result))
        self.facts = {
            "part": f"{self.part} ({material})",
            "verdict": "defect" if result.is_defective else "good",
            "findings": _findings(result),
            "counters": {**self._tally, "inspection, ms": round(spent_ms, 1)},
            "simulated": True,
        }
        return result


def _outcome(is_bad: bool, is_rejected: bool) -> str:
    if is_bad:
        return "defective parts found" if is_rejected else "defective parts missed"
    return "good parts rejected" if is_rejected else "good parts passed"


def _findings(result: Inspection) -> list[dict[str, object]]:
    return [
        {
            "label": r.kind if r.size_um is None else f"{r.kind} {r.size_um:.0f} um",
            "score": round(r.score, 3),
            "box_px": list(r.box_px),
        }
        for r in result.regions
    ]


def _sorting(line: Watched) -> dict[str, Any]:
    """What the sorter knows: bins as the PLC confirmed them, and the last parts' ways."""
    on_belt = sum(n for state, n in line.states().items() if MARKS[state] in ("waiting", "active"))
    return {
        "bars": {"Bins, as the PLC confirmed": line.bins()},
        "steps": {"Sorter, by trigger": [_step(line, tracked) for tracked in line.newest(SHOWN)]},
        "parts on the belt": on_belt,
        "line": line.sorter.stopped or "running",
    }


def _step(line: Watched, tracked: Tracked) -> dict[str, str]:
    name = "" if tracked.lane is None else f" to {line.sorter.bins.name(tracked.lane)}"
    told = f"given up: {tracked.why}" if tracked.why else f"{tracked.state.value}{name}"
    kind = f"{tracked.kind}, " if tracked.kind else ""
    return {"name": f"{tracked.part}", "text": f"{kind}{told}", "state": MARKS[tracked.state]}


def _heights(measured: Measured | None) -> dict[str, Any]:
    """The picture beside: the height map of the bench's last part."""
    title = f"Height map, {recipe(PRODUCT).what}, simulated"
    if measured is None:
        return {"title": title, "notes": ["The fringe sensor is calibrating."]}
    picture = coloured.draw(measured.seen, measured.result)
    result = measured.result
    verdict = "defect" if result.is_defective else "good"
    truth = ", ".join(f"{f.kind} {f.depth_um:.0f} um" for f in measured.flaws) or "no flaw"
    return {
        "title": title,
        "image": "data:image/jpeg;base64," + b64encode(jpeg(picture, 80)).decode(),
        "verdict": verdict,
        "notes": [
            f"part {measured.number} of the bench; refused is outlined white, tolerated amber",
            *result.reasons,
            f"truth: {truth}",
        ],
    }
