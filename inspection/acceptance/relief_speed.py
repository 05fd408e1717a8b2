"""Parts a second at a million points a part: the whole pipeline on one core."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter, process_time

import cv2
import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement
from common.acceptance.resampling import bootstrap
from common.types.heightmap import HeightMap
from inspection.relief.classify import shipped
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import wafer_die

ID = "S4-D2-R3/parts-per-second"
PARTS = {"quick": 60, "full": 300}
MAPS, SIDE_UM, SIDE_PX = 3, 4600.0, 1024
TARGET = 10.0


def measure(context: Context) -> Mapping[str, Measurement]:
    """CPU time of each part; maps are drawn beforehand."""
    from inspection.sim.relief.generic import GENERIC, seen
    from inspection.sim.relief.products import PIXEL_UM
    from inspection.sim.relief.trial import Lot, scenes

    die = wafer_die(SIDE_UM)
    maps = []
    for scene in scenes(Lot(die, "event", 9_000_000 + context.seed, MAPS, ("pit", "scratch"))):
        view = seen(scene.part.height_um, PIXEL_UM, scene.rng, GENERIC)
        top, left = ((n - SIDE_PX) // 2 for n in view.height_um.shape)
        crop = np.s_[top : top + SIDE_PX, left : left + SIDE_PX]
        assert view.sigma_um is not None
        height, sigma = (np.ascontiguousarray(g[crop]) for g in (view.height_um, view.sigma_um))
        maps.append(HeightMap(height, PIXEL_UM, sigma))
    inspect(maps[0], die, shipped())
    n, threads = PARTS[context.size], cv2.getNumThreads()
    cv2.setNumThreads(1)
    cpu, started = np.empty(n), perf_counter()
    try:
        for i in range(n):
            before = process_time()
            inspect(maps[i % MAPS], die, shipped())
            cpu[i] = process_time() - before
    finally:
        cv2.setNumThreads(threads)
    wall = (perf_counter() - started) / n
    low, high = bootstrap(lambda i: 1 / float(cpu[i].mean()), n, seed=context.seed)
    p99 = 1e3 * float(np.quantile(cpu, 0.99))
    note = (
        f"{1e3 * cpu.mean():.0f} CPU-ms a part (p99 {p99:.0f}) of {SIDE_PX} x {SIDE_PX} points; "
        f"{1e3 * wall:.0f} ms by the wall clock, which other work on the machine shares"
    )
    digest = content_hash(*(m.height_um for m in maps))
    ordered = np.sort(1e3 * cpu)
    share = (np.arange(n) + 1) / n
    curve = Plot(
        "CPU time a part of 1024 x 1024 points",
        "CPU time [ms]",
        "share of parts",
        (Series(f"n = {n}", ordered, share, kind="step"),),
        lines=(ReferenceLine("100 ms", 100.0, "x"),),
    )
    return {ID: Measurement(1 / float(cpu.mean()), low, high, n, digest, note, (curve,))}


EXPERIMENTS = (
    Experiment(
        "relief-speed",
        (
            Indicator(
                ID,
                "One core judges at least 10 parts of a million points a second.",
                "在线实时检测",
                "parts/s",
                ">=",
                TARGET,
                "simulated",
                "Bumped dies of 4.6 mm at 5 um a point with a pit and a scratch each; pose, form "
                "removal, detection, sizes, kinds and decision; CPU time of the process.",
            ),
        ),
        measure,
        exclusive=True,
    ),
)
