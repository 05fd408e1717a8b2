"""How fast a fringe projector's frames become heights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement
from common.acceptance.resampling import bootstrap

if TYPE_CHECKING:  # numba comes with the extra sim, the table of rows does not need it
    from inspection.relief.fringe import FringeCalibration

PACE = Indicator(
    id="S4-D2-R1/fringe-pace",
    claim="At least 10 parts of a million points a second from the fringes' frames to heights.",
    guide="高分辨3D缺陷成像",
    unit="parts/s",
    comparator=">=",
    target=10.0,
    evidence="simulated",
    method="12 frames of 1024 x 1024 in memory to heights and uncertainties, one after the other.",
)
TIMED = {"quick": 40, "full": 400}


def pace(context: Context) -> Mapping[str, Measurement]:
    """Parts a second of a million points, from frames in memory to the height map."""
    from inspection.relief import fringe

    frames, calibration = _million()
    read = frames.nbytes + 3 * calibration.curve.slope.nbytes
    fringe.reconstruct(frames, calibration)
    n = TIMED[context.size]
    ends, cpu = np.empty(n + 1), process_time()
    ends[0] = perf_counter()
    for i in range(n):
        fringe.reconstruct(frames, calibration)
        ends[i + 1] = perf_counter()
        context.progress(i + 1, n, "height maps of 1024 x 1024")
    cpu_ms = 1e3 * (process_time() - cpu) / n
    each = np.diff(ends)

    def rate(chosen: NDArray[np.int64]) -> float:
        return float(1 / each[chosen].mean())

    low, high = bootstrap(rate, n, seed=context.seed)
    moved = read + 2 * calibration.curve.slope.nbytes
    note = (
        f"{cpu_ms:.1f} CPU-ms a part, one thread; p99 {1e3 * np.quantile(each, 0.99):.1f} ms; "
        f"{moved / 1e6:.0f} MB in and out, {moved / cpu_ms / 1e6:.1f} GB/s; copying as much takes "
        f"{_copying_ms(moved):.1f} ms"
    )
    digest = content_hash("fringe pace", n, frames)
    curve = Plot(
        "Time of a height map of 1024 x 1024 points",
        "time [ms]",
        "share of parts",
        (Series(f"n = {n}", np.sort(1e3 * each), (np.arange(n) + 1) / n, kind="step"),),
        lines=(ReferenceLine("100 ms", 100.0, "x"),),
    )
    return {PACE.id: Measurement(rate(np.arange(n)), low, high, n, digest, note, (curve,))}


def _million() -> tuple[NDArray[np.uint8], FringeCalibration]:
    """Frames of 1024 x 1024 and their calibration: a part of 256 x 256, four times either way."""
    from inspection.sim.relief import calibrated, gauges
    from inspection.sim.relief.projector import FringeSensor

    sensor, rng = FringeSensor(), np.random.default_rng(14)
    gauge = gauges.draw("rough", 256, rng)
    patterns = calibrated.FRINGES.patterns(sensor.projector.columns)
    frames = sensor.simulate(gauge.target, patterns, rng)
    small = calibrated.by_fringes(gauge.target.shape, gauges.UM_PER_PX)
    curve = replace(
        small.curve,
        reference=np.tile(small.curve.reference, (4, 4)),
        slope=np.tile(small.curve.slope, (4, 4)),
        bend=np.tile(small.curve.bend, (4, 4)),
    )
    return np.tile(frames, (1, 4, 4)), replace(small, curve=curve)


def _copying_ms(size: int) -> float:
    """Reading and writing so many bytes in all, as a part of ten times as many; best of five."""
    source = np.ones(10 * size // 8, np.float32)
    target, times = np.empty_like(source), []
    for _ in range(5):
        start = process_time()
        np.copyto(target, source)
        times.append(process_time() - start)
    return 1e2 * min(times)


EXPERIMENTS = (Experiment("sensor-fringe-pace", (PACE,), pace, exclusive=True),)
