"""How long a call takes and what memory the process came to hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Timing:
    """Of `n` calls, one after the other.

    median_ms, p99_ms: wall time; p99 is the 99th percentile, interpolated, and says little
        below some hundred calls. cpu_ms_median: CPU time of all threads of the process, which
        other load on the machine hardly moves. peak_rss_mib: the most the process ever held
        resident, from its start on.
    """

    median_ms: float
    p99_ms: float
    cpu_ms_median: float
    peak_rss_mib: float
    n: int


def measure(call: Callable[[], object], *, repeats: int, warmup: int = 1) -> Timing:
    """Time `call`, `repeats` times after `warmup` calls that do not count."""
    if repeats < 1 or warmup < 0:
        raise ValueError(f"repeats must be >= 1 and warmup >= 0, got {repeats} and {warmup}")
    for _ in range(warmup):
        call()
    wall_ns, cpu_ns = np.empty(repeats), np.empty(repeats)
    for i in range(repeats):
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        call()
        wall_ns[i] = time.perf_counter_ns() - wall
        cpu_ns[i] = time.process_time_ns() - cpu
    return Timing(
        median_ms=float(np.median(wall_ns)) / 1e6,
        p99_ms=float(np.percentile(wall_ns, 99)) / 1e6,
        cpu_ms_median=float(np.median(cpu_ns)) / 1e6,
        peak_rss_mib=peak_rss_mib(),
        n=repeats,
    )


def peak_rss_mib() -> float:
    """The most resident memory this program ever held, in MiB.

    From VmHWM of /proc/self/status: getrusage's ru_maxrss also counts what the parent held
    when it started this process.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmHWM; peak memory is measured on Linux only")
