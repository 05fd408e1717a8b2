"""S4-D3-K1: compressed 1080p video and raw radar samples to fused tracks, on two cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact
from common.errors import LingnanError

if TYPE_CHECKING:
    from positioning.pace import Run

GUIDE = "视频处理支持1080p@30 fps；支持深度学习"
SECONDS = {"quick": 1.0, "full": 10.0}  # of the recording
FRAMES = {"quick": 150, "full": 1800}  # driven as fast as they are taken
PACED = {"quick": 60, "full": 1800}  # at 30 frames/s
SEED = 60_000
CORES = 2
WAY_S = 0.01  # between the odometry's poses


@contextmanager
def two_cores() -> Iterator[int]:
    """This thread, and those that it starts, on two cores; their number."""
    before = os.sched_getaffinity(0)
    chosen = set(sorted(before)[:CORES])
    os.sched_setaffinity(0, chosen)
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)


def recorded(folder: Path, seconds: float, seed: int) -> None:
    """A simulated drive as `positioning.pace` reads it."""
    from positioning.pace import Recording
    from positioning.sim.radar.radar import SimulatedRadar
    from positioning.sim.video.drive import odometry
    from positioning.sim.video.footage import scene_of
    from positioning.sim.video.record import record
    from positioning.video.camera import Camera

    scene = scene_of("clear", seed, seconds + 0.2, Camera())
    made, radar = record(scene, seconds, folder, seed), SimulatedRadar(scene.world)
    camera_s, radar_s = (
        np.array([at for at, sensor, _ in made.order() if sensor == name])
        for name in ("camera", "radar")
    )
    ego_mps = np.array([radar.velocity_mps(at) for at in radar_s.tolist()])
    at = np.arange(0.0, seconds + 0.2, WAY_S)
    way = np.column_stack([at, odometry(scene.world, at)])
    Recording(folder, camera_s, radar_s, ego_mps, way).write()


def measure(context: Context) -> Mapping[str, Measurement]:
    """A recording is made beforehand and driven again and again, by a process of its own."""
    from positioning.pace import VIDEO

    size, folder = context.size, context.scratch
    context.progress(0, 3, "recording 1080p and radar")
    recorded(folder, SECONDS[size], SEED + context.seed)
    with two_cores() as cores:
        chain = driven(folder, FRAMES[size], PACED[size])
        context.progress(1, 3, "frames as fast as they go")
        fast = next(chain)
        context.progress(2, 3, "frames at 30 a second")
        paced = next(chain)
        next(chain, None)  # its end, or the error that it ended with
    return rows_of(fast, paced, cores, folder / VIDEO)


def driven(folder: Path, fast: int, paced: int) -> Iterator[Run]:
    """The two runs of `positioning.pace`, each when it has ended; LingnanError where it fails, what
    it says goes to standard error."""
    from positioning.pace import Run

    command = [sys.executable, "-m", "positioning.pace", str(folder), str(fast), str(paced)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert process.stdout is not None
        for line in process.stdout:
            yield Run(**json.loads(line))
        if code := process.wait():
            raise LingnanError(f"the chain's process on {folder} ended with {code}")
    finally:
        process.kill()
        process.communicate()


def rows_of(fast: Run, paced: Run, cores: int, video: Path) -> dict[str, Measurement]:
    """The four rows."""
    n, late = len(fast.latency_ms), np.array(paced.latency_ms)
    rate, cpu_ms = n / fast.wall_s, 1e3 * fast.cpu_s / n
    told = ", ".join(f"{s} {np.median(v):.1f}" for s, v in fast.stage_ms.items() if v)
    load = f"other load on the machine: {os.getloadavg()[0]:.0f} runnable"
    size = video.stat().st_size / sum(1 for _ in _frames(video)) / 1024
    lost = f"; {fast.damaged} damaged samples" if fast.damaged else ""
    digest = content_hash(n, np.array(fast.tracks))
    p50, p99 = np.percentile(late, (50, 99))
    grown = (
        f"{fast.loaded_mib:.0f} MiB once all is loaded and compiled, {fast.peak_mib:.0f} MiB after "
        f"{n} frames as fast as they go"
    )
    return {
        RATE.id: Measurement(
            rate, rate, rate, n, digest,
            f"{cores} cores; {cpu_ms:.1f} ms of CPU a frame; JPEG of {size:.0f} KiB; {load}{lost}",
            (stages_of(fast),),
        ),
        LATENCY.id: Measurement(
            float(p99), None, None, len(late), digest,
            f"Of all {len(late)} frames; p50 {p50:.1f} ms; {load}", (latency_of(late),),
        ),
        CPU.id: Measurement(cpu_ms, cpu_ms, cpu_ms, n, digest, f"CPU ms by stage: {told}"),
        MEMORY.id: exact(max(fast.peak_mib, paced.peak_mib), n + len(late), digest, grown),
    }  # fmt: skip


def _frames(video: Path) -> Iterator[bytes]:
    from positioning.video.movie import packets

    return packets(video)


def stages_of(run: Run) -> Plot:
    """CPU time of each stage over the samples."""
    series = tuple(
        Series(stage, np.arange(len(ms)) / len(ms), np.sort(ms)) for stage, ms in
        run.stage_ms.items() if ms
    )  # fmt: skip
    return Plot("CPU time by stage", "share of samples", "CPU time [ms]", series, y_log=True)


def latency_of(late_ms: NDArray[np.float64]) -> Plot:
    """Its distribution."""
    share = np.arange(1, len(late_ms) + 1) / len(late_ms)
    lines = (ReferenceLine("target", LATENCY_MS, "x"),)
    series = (Series(f"n = {len(late_ms)}", np.sort(late_ms), share, kind="step"),)
    title = "From a frame's arrival to fused tracks"
    return Plot(title, "latency [ms]", "share of frames", series, lines=lines)


LATENCY_MS, CPU_MS = 100.0, 1000.0 * CORES / 30
BOARD_MIB = 4096.0
HOW = (
    "Recording of a simulated street: 1920 x 1080 Motion-JPEG at 30 Hz and 128 x 3 x 4 x 256 radar "
    "samples at 20 Hz, made beforehand and driven again and again, each lap with new tracks; "
    "decoding, int8 detection, image tracking, radar chain and fusion, in a process of its own."
)
row = partial(Indicator, guide=GUIDE, evidence="simulated")
RATE = row(
    id="S4-D3-K1/frames",
    claim="1080p video with radar is decoded, detected, tracked and fused at 30 frames a second.",
    unit="frames/s", comparator=">=", target=30.0, method=f"{HOW} Wall time on two cores.",
)  # fmt: skip
LATENCY = row(
    id="S4-D3-K1/latency",
    claim="At 30 frames a second 99 % of frames are fused within 100 ms of their arrival.",
    unit="ms", comparator="<=", target=LATENCY_MS, method=f"{HOW} Frames arrive by the clock.",
)  # fmt: skip
CPU = row(
    id="S4-D3-K1/cpu",
    claim="A frame with its share of radar takes less CPU time than two cores have at 30 Hz.",
    unit="ms", comparator="<=", target=CPU_MS,
    method=f"{HOW} CPU time of the process over frames; other load hardly moves it.",
)  # fmt: skip
MEMORY = row(
    id="S4-D3-K1/memory",
    claim="The chain holds at most a quarter of the memory of a board of 4 GiB.",
    unit="MiB", comparator="<=", target=BOARD_MIB / 4,
    method=f"{HOW} Peak resident memory of that process from its start over both runs (VmHWM): "
    "interpreter, shared libraries, compiled functions, network, and the samples under way: six at "
    "most in the first run, all that are late in the second. The recording stays on the disk and "
    "is read as it is due; the simulator and the report are in another process. 4 GiB is what a "
    "small board with the cores of row S4-D3-K1/arm64-frames has (Cortex-A76 at 2.4 GHz); the rest "
    "is the system's, the drivers' and other programs'. Counted on this machine, whose libraries "
    "are not the board's.",
)  # fmt: skip
EXPERIMENTS = (Experiment("video-pace", (RATE, LATENCY, CPU, MEMORY), measure, exclusive=True),)
