"""Frames a second: the camera's sensor chain, the network alone, and both together on flat, curved
and free-form parts, and under four strobes in turn.

The light is rendered beforehand. What is timed is the simulated camera driver (lens, noise,
quantisation, hand-over) and the decision on every frame it hands over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from time import perf_counter, process_time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement
from common.acceptance.resampling import bootstrap
from common.drivers.base import Driver
from common.drivers.camera.config import SimCameraConfig
from common.drivers.registry import open_driver
from common.types.image import Image
from inspection.acceptance.capture import ELEVATION_DEG
from inspection.imaging.fused import COMPASS, toward
from inspection.methods.segment import station_method
from inspection.sim.names import SHAPE

Take = Callable[[], NDArray[np.uint8]]


class Decider(Protocol):
    """What decides on a frame."""

    def score(self, frame: NDArray[np.uint8]) -> float:
        """The higher, the worse."""
        ...


FRAMES = {"quick": 1000, "full": 5000}
ALONE = {"quick": 250, "full": 1000}  # of a stage, a geometry or a program of lights by itself
REEL = 8  # parts whose light is rendered beforehand: together more than a processor's cache
WARM_UP = 20  # whole parts of four frames
BLOCK = 50  # frames a block of the bootstrap
TARGET = 100.0
GUIDE = "检测速度不低于100帧/秒"
CURVED = ("arc", "freeform")
PRODUCT = "metal"  # a line inspects one product; every network takes as long


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Times of one run. ends_s: (N + 1,) wall clock at the start and after each frame.
    each_ms: (N,) time from a frame at hand to its decision. cpu_ms: of the process, a frame."""

    ends_s: NDArray[np.float64]
    each_ms: NDArray[np.float64]
    cpu_ms: float

    @property
    def rate(self) -> float:
        """Frames a second over the whole run."""
        return (len(self.ends_s) - 1) / float(self.ends_s[-1] - self.ends_s[0])

    def told(self, what: str) -> str:
        """The run in a sentence."""
        p50, p99 = np.percentile(self.each_ms, [50, 99])
        return f"{what} p50 {p50:.1f} ms, p99 {p99:.1f} ms; {self.cpu_ms:.1f} CPU-ms a frame"


class InTurn:
    """Decides on every frame of four lights in turn, and makes each part's albedo and normals."""

    def __init__(self, method: Decider) -> None:
        from inspection.imaging.inline import Inline  # compiled: needs the extra sim

        self._method = method
        self._inline = Inline(toward(ELEVATION_DEG), np.ones(len(COMPASS), np.float32))
        self._taken: list[NDArray[np.uint8]] = []
        dark = np.zeros((8, 8), np.uint8)
        self._inline.solve((dark, dark, dark, dark))  # compiled before anything is timed

    def score(self, frame: NDArray[np.uint8]) -> float:
        """Of this frame."""
        self._taken.append(frame)
        if len(self._taken) == len(COMPASS):
            a, b, c, d = self._taken
            self._inline.solve((a, b, c, d))
            self._taken = []
        return self._method.score(frame)


def camera(seed: int, lights: tuple[str, ...] = ("inspect",), **reel: object) -> SimCameraConfig:
    """A camera that looks at a reel of parts, as fast as it is read."""
    from inspection.sim.scene import EXPOSURE_US, PIXEL_UM, SIDE_PX

    told = {"seed": seed, "side_px": SIDE_PX, "materials": [PRODUCT], "lights": list(lights)}
    return SimCameraConfig(
        scene="inspection.sim.reel:reel",
        parameters={**told, **reel},
        um_per_px=PIXEL_UM,
        height_px=SIDE_PX,
        width_px=SIDE_PX,
        realtime=False,
        lights=lights,
        exposure_us=EXPOSURE_US,
        seed=seed,
    )


def measure(context: Context) -> Mapping[str, Measurement]:
    """The three rates, one after the other, and those of parts that are not flat."""
    n, each = FRAMES[context.size], ALONE[context.size]
    method = station_method(PRODUCT)
    runs = {}
    with open_driver(camera(context.seed, length=REEL)) as source:
        kept = [_next(source) for _ in range(WARM_UP)]
        live, again = partial(_next, source), partial(next, cycle(kept))
        plan: tuple[tuple[str, Take, Decider | None, int], ...] = (
            ("imaging", live, None, each),
            ("detection", again, method, each),
            ("end-to-end", live, method, n),
        )
        for done, (name, take, decide, frames) in enumerate(plan):
            context.progress(done, len(plan), f"{name}, {frames} frames")
            runs[name] = run(take, decide, frames)
    for geometry in CURVED:
        context.progress(len(plan), len(plan), f"{geometry} parts, {each} frames")
        runs[geometry] = _of(camera(context.seed, geometry=geometry, length=REEL), method, each)
    four = camera(context.seed, COMPASS, length=REEL // len(COMPASS))
    context.progress(len(plan), len(plan), f"four lights, {each} frames")
    runs["four-lights"] = _of(four, InTurn(method), each)
    digest = content_hash(repr(camera(context.seed, length=REEL)), n, each)
    return {f"S4-D1-K1/{name}": _row(name, r, context.seed, digest) for name, r in runs.items()}


def _of(looking: SimCameraConfig, method: Decider, n: int) -> Run:
    """End to end on what a camera looks at."""
    with open_driver(looking) as source:
        for _ in range(WARM_UP):
            _next(source)
        return run(partial(_next, source), method, n)


def run(take: Take, decide: Decider | None, n: int) -> Run:
    """n frames, one after the other, each decided when it is at hand."""
    ends, each = np.empty(n + 1), np.empty(n)
    cpu, ends[0] = process_time(), perf_counter()
    for i in range(n):
        frame = take()
        at_hand = perf_counter()
        if decide is not None:
            decide.score(frame)
        ends[i + 1] = perf_counter()
        each[i] = 1e3 * (ends[i + 1] - (at_hand if decide is not None else ends[i]))
    return Run(ends, each, 1e3 * (process_time() - cpu) / n)


def _next(source: Driver[Image]) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = source.read(timeout_s=300.0).value.pixels
    return pixels


def _row(name: str, found: Run, seed: int, digest: str) -> Measurement:
    """The rate with a bootstrap over blocks of frames."""
    blocks = np.diff(found.ends_s[::BLOCK])

    def rate(chosen: NDArray[np.int64]) -> float:
        return BLOCK / float(blocks[chosen].mean())

    low, high = bootstrap(rate, len(blocks), seed=seed)
    what = "a frame" if name == "imaging" else "from frame to decision"
    cores = len(os.sched_getaffinity(0))
    note = f"{found.told(what)}; {cores} cores allowed, the network on one"
    value = rate(np.arange(len(blocks)))
    figures = (latency(name, found),)
    return Measurement(value, low, high, len(found.each_ms), digest, note, figures)


def latency(name: str, found: Run) -> Plot:
    """Share of frames done within a time."""
    ordered = np.sort(found.each_ms)
    share = (np.arange(len(ordered)) + 1) / len(ordered)
    step = max(1, len(ordered) // 200)
    series = Series(f"n = {len(ordered)}", ordered[::step], share[::step], kind="step")
    lines = (ReferenceLine("10 ms", 10.0, "x"),)
    return Plot(f"Time a frame: {name}", "time [ms]", "share of frames", (series,), lines=lines)


def _indicator(name: str, claim: str, method: str) -> Indicator:
    return Indicator(
        f"S4-D1-K1/{name}", claim, GUIDE, "frames/s", ">=", TARGET, "simulated", method
    )


EXPERIMENTS = (
    Experiment(
        "line-rate",
        (
            _indicator(
                "end-to-end",
                "At least 100 frames of 1024 x 1024 a second, from the camera driver to decisions.",
                "Simulated camera driver in its own thread, the int8 network on one core; wall "
                "clock over all frames; flat parts of metal, light rendered beforehand.",
            ),
            _indicator(
                "imaging",
                "The simulated camera delivers at least 100 frames of 1024 x 1024 a second.",
                "Camera driver alone: lens blur, shot and read noise, quantisation, hand-over.",
            ),
            _indicator(
                "detection",
                "One core decides on at least 100 frames of 1024 x 1024 a second.",
                "The int8 network alone on frames of the camera, one thread, one after the other.",
            ),
            *(
                _indicator(
                    geometry,
                    f"At least 100 frames of {SHAPE[geometry]} parts a second, from the camera "
                    "driver to decisions.",
                    f"As end-to-end, on parts that are {SHAPE[geometry]}.",
                )
                for geometry in CURVED
            ),
            _indicator(
                "four-lights",
                "At least 100 frames a second under four strobes in turn, each decided, and albedo "
                "and normals of every part.",
                "As end-to-end, each part under the four compass strobes in turn; plain least "
                "squares over its four frames. The rate only: the networks learned from frames of "
                "their own programs of strobes.",
            ),
        ),
        measure,
        exclusive=True,
    ),
)
