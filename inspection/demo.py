"""The running demonstration: a simulated belt, its camera, the shipped network, the decisions."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from time import monotonic, perf_counter

from common.drivers.camera.config import SimCameraConfig
from common.drivers.camera.sim import SimCamera
from common.service.demo import DemoFrame
from inspection.methods.segment import station_method
from inspection.overlay import draw, jpeg
from inspection.pipeline import Inspection, Pipeline, to_8_bit
from inspection.sim.belt import belt
from inspection.sim.names import TAUGHT
from inspection.sim.scene import EXPOSURE_US, PIXEL_UM

PART_EVERY_S = 0.8  # a pace at which a person can follow
LIGHT = "inspect"


def demo(stop: threading.Event, seed: int = 1) -> Iterator[DemoFrame]:
    """One frame a part, until `stop`. What is shown is simulated, and the truth is told beside."""
    config = SimCameraConfig(
        scene="inspection.sim.belt:belt",
        parameters={"seed": seed},
        trigger="hardware",
        lights=(LIGHT,),
        um_per_px=PIXEL_UM,
        exposure_us=EXPOSURE_US,
        seed=seed,
    )
    truth = belt(seed=seed)
    recipes = {material: Pipeline(station_method(material)) for material in TAUGHT}
    tally: Counter[str] = Counter()
    with SimCamera(config) as camera:
        while not stop.is_set():
            due = monotonic() + PART_EVERY_S
            part = camera.trigger(LIGHT)
            sample = camera.read(timeout_s=30.0)
            began = perf_counter()
            result = recipes[truth.material(part)].step(sample).value
            spent_ms = (perf_counter() - began) * 1e3
            is_bad = bool(truth.truth(part).defects)
            tally[_outcome(is_bad, result.is_defective)] += 1
            picture = jpeg(draw(to_8_bit(sample.value), result))
            facts = _facts(part, truth.material(part), result, tally, spent_ms)
            facts["drivers"] = {"camera": camera.health.state.name}
            yield DemoFrame(picture, facts)
            stop.wait(max(0.0, due - monotonic()))


def _outcome(is_bad: bool, is_rejected: bool) -> str:
    if is_bad:
        return "defective parts found" if is_rejected else "defective parts missed"
    return "good parts rejected" if is_rejected else "good parts passed"


def _facts(
    part: int, material: str, result: Inspection, tally: Counter[str], spent_ms: float
) -> dict[str, object]:
    return {
        "part": f"{part} ({material})",
        "verdict": "defect" if result.is_defective else "good",
        "findings": [
            {
                "label": r.kind if r.size_um is None else f"{r.kind} {r.size_um:.0f} um",
                "score": round(r.score, 3),
                "box_px": list(r.box_px),
            }
            for r in result.regions
        ],
        "counters": {"parts": sum(tally.values()), **tally, "inspection, ms": round(spent_ms, 1)},
        "simulated": True,
    }
